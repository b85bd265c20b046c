"""Numbers can be read aloud, typed back and checked."""

from datetime import date
from random import Random

from app.kernel import clock, numbers

DAY = date(2026, 11, 24)


def test_a_number_names_its_kind_and_day_and_checks_itself() -> None:
    number = numbers.new("DD", at=DAY, rng=Random(1))
    assert number.startswith("DD261124-")
    assert len(number) == 17
    assert numbers.valid(number)
    assert number == numbers.new("DD", at=DAY, rng=Random(1))
    assert not set("ILOU") & set(number[9:])


def test_today_is_the_day_when_none_is_given() -> None:
    assert numbers.new("HT")[2:8] == f"{clock.today():%y%m%d}"


def test_every_wrong_character_and_every_swap_is_found() -> None:
    number = numbers.new("DD", at=DAY, rng=Random(2))
    for i, letter in enumerate(number):
        if letter == "-":
            continue
        for other in numbers.ALPHABET:
            assert other == letter or not numbers.valid(number[:i] + other + number[i + 1 :])
    for i in range(9, 15):
        for j in range(i + 1, 15):
            swapped = list(number)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            assert "".join(swapped) == number or not numbers.valid("".join(swapped))


def test_other_shapes_are_no_numbers() -> None:
    for text in ("", "DD", "DD261124-7K3M9Q", "dd261124-7K3M9Q-4", "DD26112X-7K3M9Q-4", "DD261124-7K3M9-Q4", "订单261124-7K3M9Q-4"):
        assert not numbers.valid(text)


def test_prefixes_may_use_any_letter() -> None:
    assert numbers.valid(numbers.new("PLIOU", at=DAY, rng=Random(3)))


def test_typed_numbers_are_tidied() -> None:
    assert numbers.tidy(" dd261124-7k3moq－l ") == "DD261124-7K3M0Q-1"


def test_ten_thousand_numbers_of_a_day_differ() -> None:
    rng = Random(4)
    assert len({numbers.new("DD", at=DAY, rng=rng) for _ in range(10_000)}) == 10_000
