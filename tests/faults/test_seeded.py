"""What the fault harness stands on: each of its checks finds the defects that it is there for, and an honest story is accepted."""

import pytest

from tests.faults.defects import FORGERIES, PATCHES, ROWS
from tests.faults.seeded import verdicts
from tests.peers import ROOT


def test_there_are_enough_defects_and_every_invariant_has_one():
    planted = (*PATCHES, *ROWS, *FORGERIES)
    assert len(planted) >= 15
    assert len({defect.name for defect in planted}) == len(planted)
    assert {f"audit: invariant {number}" for number in range(1, 13)} <= {defect.found_by for defect in planted}


def test_every_planted_defect_still_fits_the_product():
    """The product changes and a defect's words with it; otherwise only the deep run would notice."""
    off = [(patch.name, name) for patch in PATCHES for name, old, _new in patch.replaced if (ROOT / name).read_text(encoding="utf-8").count(old) != 1]
    assert off == []


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.peer("postgresql")
@pytest.mark.peer("log-verifier")
def test_every_planted_defect_is_found_by_the_check_that_must_find_it():
    missed = [f"{verdict.defect}: {verdict.found_by or 'nobody'} did not find it; found {verdict.findings}" for verdict in verdicts() if not verdict.is_found]
    assert missed == []
