"""A small world in the database of the test."""

import pytest
from sqlalchemy.orm import Session

from app.kernel.db import commit
from tests import factories
from tests.factories import World


@pytest.fixture
def world(session: Session) -> World:
    """One unit, one supplier, 100,000 yuan with 50,000 planned for printers at 1,000 each."""
    with commit(session):
        return factories.world(session)
