"""What the fault harness stands on: each of its checks finds the defects that it is there for, and an honest story is accepted."""

import pytest

from tests.faults.defects import FORGERIES, PATCHES, ROWS
from tests.faults.seeded import verdicts


def test_there_are_enough_defects_and_every_invariant_has_one():
    planted = (*PATCHES, *ROWS, *FORGERIES)
    assert len(planted) >= 15
    assert len({defect.name for defect in planted}) == len(planted)
    assert {f"audit: invariant {number}" for number in range(1, 13)} <= {defect.found_by for defect in planted}


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.peer("postgresql")
@pytest.mark.peer("log-verifier")
def test_every_planted_defect_is_found_by_the_check_that_must_find_it():
    missed = [f"{verdict.defect}: {verdict.found_by or 'nobody'} did not find it; found {verdict.findings}" for verdict in verdicts() if not verdict.is_found]
    assert missed == []
