"""What a catalogue code says by itself."""

import pytest

from catalog.taxonomy import rules
from catalog.taxonomy.rules import AssetKind, CategoryKind


@pytest.mark.parametrize(
    ("code", "level", "cut"),
    [
        ("A02010105", 0, "A"),
        ("A02010105", 1, "A02000000"),
        ("A02010105", 3, "A02010100"),
        ("A02010105", 4, "A02010105"),
        ("C21040000", 3, "C21040000"),
        ("A", 3, "A00000000"),
    ],
)
def test_a_code_is_cut_to_a_level(code: str, level: int, cut: str) -> None:
    assert rules.at_level(code, level) == cut


def test_a_category_covers_itself_and_what_is_below() -> None:
    assert rules.covers("A02010100", "A02010105")
    assert rules.covers("A", "A02010105")
    assert rules.covers("A02010105", "A02010105")
    assert not rules.covers("A02010105", "A02010100")
    assert not rules.covers("A02010100", "A02010200")
    assert rules.level3("A02010105") == rules.level3("A02010108")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("A02010105", AssetKind.FIXED),
        ("A05010201", AssetKind.FIXED),
        ("A04010101", AssetKind.FIXED),
        ("A05040101", AssetKind.NONE),
        ("A05040000", AssetKind.NONE),
        ("A07050502", AssetKind.NONE),
        ("A08060301", AssetKind.INTANGIBLE),
        ("C21040000", AssetKind.NONE),
        ("B01000000", AssetKind.NONE),
    ],
)
def test_office_supplies_and_materials_make_no_card_and_software_is_intangible(code: str, kind: AssetKind) -> None:
    assert rules.asset_kind(code) is kind
    assert rules.is_fixed_asset(code) is (kind is AssetKind.FIXED)


def test_a_card_is_made_from_the_value_limit_on() -> None:
    assert rules.needs_card("A02010105", 100_000, 100_000)
    assert not rules.needs_card("A02010105", 99_999, 100_000)
    assert rules.needs_card("A08060301", 1, 100_000)
    assert not rules.needs_card("A05040101", 10_000_000, 100_000)


def test_the_letter_tells_goods_works_and_services() -> None:
    assert [rules.kind_of(code) for code in ("A02010105", "B01000000", "C")] == list(CategoryKind)
    with pytest.raises(rules.UnknownCategory):
        rules.kind_of("D01")
