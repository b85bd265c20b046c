"""Three worlds with people of every role, for everything that is thrown at the whole application."""

from collections.abc import Iterator

import pytest

from tests.architecture.land import Land, land
from tests.security.fuzz import Complaints, quiet


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with land(tmp_path_factory.mktemp("security") / "mall") as made:
        made.app.config["WTF_CSRF_ENABLED"] = True
        yield made


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the application logs as an error meanwhile."""
    with quiet() as heard:
        yield heard
