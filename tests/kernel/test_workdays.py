"""Working days follow the yearly notices, and the law's own rule where there is none yet."""

from datetime import date, timedelta

import pytest

from app.kernel import workdays
from app.kernel.workdays import Calendar, Deadline, Notice, Unit


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 1, 1), False),
        (date(2026, 1, 4), True),  # a Sunday made up
        (date(2026, 2, 17), False),
        (date(2026, 11, 24), True),
        (date(2026, 11, 28), False),
        (date(2018, 12, 29), True),  # made up by the notice of 2019
        (date(2022, 12, 31), False),
    ],
)
def test_announced_years_follow_their_notice(day: date, works: bool) -> None:
    assert workdays.is_workday(day) is works


def test_the_period_starts_on_the_day_after_and_skips_holidays() -> None:
    assert workdays.add_workdays(date(2026, 9, 30), 1) == Deadline(date(2026, 10, 8))
    assert workdays.add_workdays(date(2026, 11, 24), 5) == Deadline(date(2026, 12, 1))
    assert workdays.add_workdays(date(2026, 11, 28), 0) == Deadline(date(2026, 11, 28))


def test_a_deadline_that_crosses_into_an_unannounced_year_is_provisional() -> None:
    assert workdays.add_workdays(date(2026, 12, 29), 5) == Deadline(date(2027, 1, 6), provisional=True)
    assert workdays.add_workdays(date(2026, 12, 24), 5).provisional is False


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2027, 1, 1), "元旦"),
        (date(2027, 2, 5), "春节"),  # 除夕
        (date(2027, 2, 8), "春节"),
        (date(2027, 2, 9), "春节"),  # made up for Saturday the 6th
        (date(2027, 2, 10), "春节"),
        (date(2027, 2, 11), None),
        (date(2027, 4, 5), "清明节"),
        (date(2027, 5, 4), "劳动节"),
        (date(2028, 10, 3), "国庆节"),  # 中秋 on the same day counts once
        (date(2028, 10, 4), "国庆节"),  # made up for Sunday the 1st
        (date(2028, 10, 5), None),
        (date(2030, 9, 12), "中秋节"),
    ],
)
def test_unannounced_years_have_the_statutory_holidays_alone(day: date, name: str | None) -> None:
    assert workdays.holiday(day) == name
    assert workdays.is_workday(day) is (name is None and day.weekday() < 5)


def test_loading_the_notice_makes_the_same_deadline_final() -> None:
    shipped = workdays.calendar()
    before = Calendar({year: n for year, n in shipped.notices.items() if year < 2026}, shipped.lunar)
    assert before.add_workdays(date(2025, 12, 31), 1) == Deadline(date(2026, 1, 2), provisional=True)
    assert shipped.add_workdays(date(2025, 12, 31), 1) == Deadline(date(2026, 1, 4))


def test_the_rule_of_the_law_agrees_with_every_notice_on_the_statutory_days() -> None:
    shipped = workdays.calendar()
    bare = Calendar({}, shipped.lunar)
    for year in (2025, 2026):
        off = shipped.notices[year].off
        statutory = [d for d in (date(year, 1, 1) + timedelta(i) for i in range(365)) if bare.holiday(d)]
        assert [d for d in statutory if d not in off and shipped.holiday(d) is None and d.weekday() < 5] == []


def test_calendar_days_end_on_a_working_day() -> None:
    assert workdays.add_days(date(2026, 10, 1), 1) == Deadline(date(2026, 10, 8))
    assert workdays.after(date(2026, 11, 2), 30, Unit.DAYS) == Deadline(date(2026, 12, 2))
    assert workdays.after(date(2026, 11, 24), 3, Unit.WORKDAYS) == Deadline(date(2026, 11, 27))


def test_working_days_between_two_days_invert_adding_them() -> None:
    start = date(2026, 1, 30)
    for n in range(40):
        assert workdays.workdays_between(start, workdays.add_workdays(start, n).on) == n
    assert workdays.workdays_between(date(2026, 1, 10), date(2026, 1, 4)) == -5


def test_a_negative_period_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="-1 working days"):
        workdays.add_workdays(date(2026, 1, 1), -1)


def test_a_notice_is_read_from_its_own_form() -> None:
    notice = Notice.from_json('{"year": 2027, "notices": [], "off": {"2027-01-01": "元旦"}, "work": {"2027-01-03": "元旦"}}')
    assert Calendar({2027: notice}, {}).is_workday(date(2027, 1, 3))
