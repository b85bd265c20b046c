"""Under kills, stops, cut wires and full disks nothing acknowledged is lost, nothing is made twice, nothing is overspent."""

import os
import secrets

import pytest

from tests.faults.checker import as_lines
from tests.faults.run import Outcome, Plan, run

SEED = "MALL_TEST_FAULT_SEED"


def seed() -> str:
    """A new one each time; one that is given draws the same carts and faults again, though not the same moments."""
    return os.environ.get(SEED) or secrets.token_hex(4)


def tell(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{outcome.report()}")


@pytest.mark.timeout(300)
@pytest.mark.both_databases
@pytest.mark.peer("log-verifier")
def test_a_few_seconds_of_faults_leave_everything_in_order(database_kind):
    outcome = run(Plan(database_kind, seed(), seconds=3, most_seconds=60, checkouts=10, kills=2, follow_all=False, allotment_fen=20_00))
    assert as_lines(outcome.findings) == [], outcome.report()
    assert outcome.told.answered >= 10
    assert sum(outcome.kills.values()) >= 2


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.both_databases
@pytest.mark.peer("log-verifier")
def test_two_thousand_checkouts_under_fifty_kills_leave_everything_in_order(database_kind, capsys):
    postmasters = 3 if database_kind == "postgresql" else 0
    outcome = run(
        Plan(
            database_kind, seed(), seconds=90, most_seconds=240, checkouts=2_000, kills=50, postmaster_kills=postmasters, demand=3.0,
            allotment_fen=300_00,
        )
    )
    tell(outcome, capsys)
    assert as_lines(outcome.findings) == []
    assert outcome.told.answered >= 2_000
    assert sum(outcome.kills.values()) >= 50
    assert outcome.kills.get("postmaster", 0) >= postmasters
    assert outcome.in_sequencing > 0
    assert outcome.demand >= 3
