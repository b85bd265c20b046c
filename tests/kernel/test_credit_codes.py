"""Credit codes are checked by both of their digits."""

from random import Random

import pytest

from app.kernel import credit_codes

GOOD = [
    "91110000600037341L",
    "11410000005185032P",
    "124100004158011259",
    "13410000MB0A123425",
    "51410000500001237T",
    "91410100MA3X123453",
    "92410102MA40ABCD1Y",
    "93410122MA45TUWX2M",
    "Y1410000000001230J",
    "N2410122MF01234A2F",
]


@pytest.mark.parametrize("code", GOOD)
def test_correct_codes_of_every_registrar_pass(code: str) -> None:
    credit_codes.check(code)
    assert credit_codes.valid(code)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("91110000600037341", credit_codes.WrongLength),
        ("91110000600037341l", credit_codes.WrongLetter),
        ("9111000O600037341L", credit_codes.WrongLetter),
        ("91110000600037342L", credit_codes.WrongInnerDigit),
        ("91110000600037341M", credit_codes.WrongCheckDigit),
        ("91110001600037341L", credit_codes.WrongCheckDigit),
    ],
)
def test_a_wrong_code_is_refused_by_the_digit_that_failed(text: str, refusal: type[credit_codes.BadCreditCode]) -> None:
    with pytest.raises(refusal):
        credit_codes.check(text)
    assert not credit_codes.valid(text)


def test_every_single_wrong_character_is_found() -> None:
    code = GOOD[0]
    for i, letter in enumerate(code):
        for other in credit_codes.ALPHABET:
            if other != letter:
                assert not credit_codes.valid(code[:i] + other + code[i + 1 :])


def test_made_codes_are_correct_and_repeatable() -> None:
    fronts = ("11", "12", "13", "91", "92")
    made = [credit_codes.make(Random(i), front=f, region="410105") for i in range(200) for f in fronts]
    assert all(credit_codes.valid(code) for code in made)
    assert credit_codes.make(Random(7)) == credit_codes.make(Random(7))
