"""The small training province for tests that need a whole world: made once per run, copied for whoever wants to change it."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from app.config import Settings
from supervision.training.scales import CITIES as TOWNS
from supervision.training.scales import COUNTIES, PROVINCE, Scale, Size
from tests.databases import once
from tests.peers import SHARED

TINY: Final = Scale(
    size=Size.SMALL,
    places=(PROVINCE, *TOWNS, *COUNTIES),
    units=42,
    suppliers=60,
    products=500,
    listings=2_000,
    orders=150,
    lines_of_budget=8,
    atomic=True,
)
"""Everything that the stories need, with little ordinary business around it."""

MARCH: Final = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)
NEW_YEAR: Final = datetime(2027, 1, 8, 3, 0, tzinfo=UTC)


def template() -> Path:
    """The data folder of a small province: database, key, journal, search index; never written to after it was made."""
    return Path(once("training-template", _make))


def _make() -> str:
    from supervision.training.cli import prepare
    from wsgi import create_app

    folder = Path(os.environ[SHARED]) / "training"
    shutil.rmtree(folder, ignore_errors=True)
    app = create_app(Settings(data_dir=folder))
    with app.app_context():
        prepare(Size.SMALL, 1, Console(quiet=True))
    app.extensions["mall.search"].close()
    return str(folder)


@pytest.fixture
def training_database(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a training province of the test's own."""
    folder = tmp_path / "training"
    shutil.copytree(template(), folder)
    yield Settings(data_dir=folder)
