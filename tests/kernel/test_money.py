"""Money is exact, readable and hard to mistype."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import money


@pytest.mark.parametrize(
    ("fen", "shown"),
    [(0, "0.00"), (5, "0.05"), (123456, "1,234.56"), (-123456, "-1,234.56"), (10**14, "1,000,000,000,000.00")],
)
def test_fen_are_shown_in_yuan_with_two_decimals(fen: int, shown: str) -> None:
    assert money.yuan(fen) == shown


@pytest.mark.parametrize(("fen", "shown"), [(12345678, "12.35"), (1_000_000, "1.00"), (-12345000, "-12.35"), (49, "0.00")])
def test_large_sums_are_shown_in_ten_thousands(fen: int, shown: str) -> None:
    assert money.wan(fen) == shown


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1234.56", 123456),
        ("1,234.5", 123450),
        (" ￥ 20 元", 2000),
        ("１２．３０", 1230),
        ("3.5万", 3_500_000),
        ("3.500001万元", 3_500_001),
        ("1.2亿", 12_000_000_000),
        ("0", 0),
        ("5.", 500),
        ("0.100", 10),
    ],
)
def test_typed_yuan_are_read_into_fen(text: str, fen: int) -> None:
    assert money.parse_yuan(text) == fen


@pytest.mark.parametrize("text", ["", "abc", "1,23", "12,345,6", "1.2.3", "--1", "1e5", ".5", "٣"])
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(money.BadMoney) as refused:
        money.parse_yuan(text)
    assert refused.value.text == text


def test_amounts_below_a_fen_below_zero_or_beyond_reason_are_refused_by_name() -> None:
    with pytest.raises(money.TooFine):
        money.parse_yuan("1.005")
    with pytest.raises(money.NegativeMoney):
        money.parse_yuan("-1")
    with pytest.raises(money.TooMuchMoney):
        money.parse_yuan("9" * 16)
    with pytest.raises(money.TooMuchMoney):
        money.parse_yuan("9" * 6000)
    assert money.parse_yuan("-1", negative=True) == -100


@given(st.integers(min_value=-money.MOST_FEN, max_value=money.MOST_FEN))
def test_what_is_shown_reads_back_the_same(fen: int) -> None:
    assert money.parse_yuan(money.yuan(fen), negative=True) == fen


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1_000_000, "壹万元整"),
        (123456789, "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
        (10_000_000, "壹拾万元整"),
        (50, "伍角"),
        (5, "伍分"),
        (100_105, "壹仟零壹元零伍分"),
        (100_050, "壹仟元伍角"),
        (1_010_000, "壹万零壹佰元整"),
        (10_000_100, "壹拾万零壹元整"),
        (1_000_000_000_000, "壹佰亿元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (1_000_500_000_000, "壹佰亿零伍佰万元整"),
        (100_000_000_000_000, "壹万亿元整"),
        (-2_000, "负贰拾元整"),
    ],
)
def test_amounts_are_written_in_capital_numerals(fen: int, words: str) -> None:
    assert money.capital(fen) == words


@pytest.mark.parametrize(
    ("price_fen", "net_fen", "tax_fen"),
    [(12500, 11062, 1438), (10290, 9106, 1184), (427, 378, 49), (1176, 1041, 135), (1100, 974, 126)],
)
def test_unit_tax_is_the_one_on_real_invoices(price_fen: int, net_fen: int, tax_fen: int) -> None:
    split = money.split_tax(price_fen, 13)
    assert (split.net_fen, split.tax_fen) == (net_fen, tax_fen)
    assert money.tax_of_unit(price_fen, 13) == tax_fen


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from([0, 1, 3, 6, 9, 13]))
def test_net_and_tax_always_add_up_to_the_price(price_fen: int, rate: int) -> None:
    split = money.split_tax(price_fen, rate)
    assert split.net_fen + split.tax_fen == price_fen
    assert split.tax_fen >= 0
