"""Filing a plan: every check at once, the receipt at once, and back again within two working days."""

import pytest
from sqlalchemy.orm import Session

from app.kernel.db import commit
from tests import factories

pytestmark = pytest.mark.both_databases


def test_the_small_world_stands(session):
    with commit(session):
        world = factories.world(session)
    assert factories.figures(session, world.lines[0].control_id) == (50_000_00, 0, 0, 0, 0)
    assert factories.figures(session, world.allotment.control_id) == (100_000_00, 0, 0, 0, 0)
