"""Payments under fire: a treasury with faults, disturbed webhooks, killed processes; both sides' books agree to the fen."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orders.payments.simulator.faults import Fault
from tests.orders.payments.mortals import Town
from tests.orders.payments.storm import CYCLE, RATE, WEATHER, Storm

pytestmark = pytest.mark.both_databases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where history and logs of a run are kept when it fails."""
    return tmp_path / "storm"


def weathered(storm: Storm, *, patience_s: float, skip: timedelta = timedelta()) -> None:
    """A storm with kills, then fine weather; returned applications are made again and everything must be paid."""
    storm.rage(patience_s=patience_s)
    took = storm.heal(skip=skip)
    assert took <= CYCLE and storm.undecided() == 0, f"{storm.faults()[:20]}; {storm.told()}"
    storm.apply_again()
    storm.heal()
    found = storm.faults()
    assert not found, f"{found[:20]}; {storm.told()}"
    assert sum(storm.killed.values()) == storm.kills and set(storm.killed) == set(storm.mortal)


@pytest.mark.timeout(400)
def test_sixty_payments_in_bad_weather_with_processes_killed_are_paid_once(database_url: str, engine: Engine, folder: Path) -> None:
    with Town(folder, database_url, workers=2, pace=20) as town:
        storm = Storm(town, engine, folder, seed=20261124, payments=60, kills=3, mortal=("worker", "treasury"))
        town.books.weather(WEATHER, rate=RATE, seed=storm.seed, seconds=0.2)
        storm.open_worlds(3)
        weathered(storm, patience_s=90, skip=timedelta(seconds=31))


@pytest.mark.deep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", [20261124])
def test_two_thousand_payments_with_a_fifth_disturbed_and_25_kills(
    database_url: str, engine: Engine, folder: Path, seed: int
) -> None:
    with Town(folder, database_url, workers=3, pace=1) as town:
        storm = Storm(town, engine, folder, seed=seed, payments=2_000, kills=25)
        town.books.weather(WEATHER, rate=RATE, seed=seed, seconds=0.3)
        town.books.arm(Fault.SLOW, count=5, seconds=7)  # longer than we wait for an answer
        storm.open_worlds(8)
        weathered(storm, patience_s=120)
