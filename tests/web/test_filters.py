"""What templates write: money, times, shares; and menus that show only what the reader may open."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.kernel import clock
from app.policy import Permission
from app.web import filters, menus
from tests.web.specimen import make_app


@pytest.fixture(scope="module")
def app():
    return make_app()


def test_money_is_written_in_yuan_with_a_true_minus():
    assert [filters.fen(123456), filters.fen(-5, sign=True), filters.fen(None)] == ["1,234.56", "¥−0.05", "—"]
    assert filters.wan(12_345_678) == "12.35"


def test_times_stand_on_the_local_clock():
    moment = datetime(2026, 11, 23, 17, 5, 9, tzinfo=UTC)
    assert [filters.when(moment), filters.when(moment, "full"), filters.when(moment, "time")] == ["11-24 01:05", "2026-11-24 01:05:09", "01:05"]
    assert [filters.day(moment), filters.day(date(2026, 1, 2), "short"), filters.day(None)] == ["2026-11-24", "01-02", "—"]


def test_shares_have_a_sign_only_when_asked():
    assert [filters.pct(0.1234), filters.pct(-0.043, sign=True), filters.pct(0.043, sign=True), filters.pct(None)] == ["12.3%", "−4.3%", "+4.3%", "—"]


def test_spans_are_told_in_the_largest_fitting_unit(app):
    with app.test_request_context():
        now = clock.now()
        assert [filters.age(now - timedelta(seconds=20)), filters.age(now - timedelta(minutes=3, seconds=1))] == ["不到 1 分钟", "3 分钟"]
        assert [filters.age(now - timedelta(hours=5, seconds=1)), filters.age(now - timedelta(days=3, seconds=1))] == ["5 小时", "3 日"]
        assert filters.until(now + timedelta(hours=6, minutes=1)) == "剩 6 小时"
        assert filters.until(now - timedelta(hours=2, minutes=1)) == "超 2 小时"
        assert filters.axis(18_000_000) == "18 万"


def test_a_menu_hides_what_the_reader_may_not_open(app):
    board = app.extensions["mall.menus"]
    board.add("proof", menus.Entry(label="公开", endpoint="portal"), menus.Entry(label="内部", endpoint="shop", permissions=(next(iter(Permission)),)))
    with app.test_request_context("/portal"):
        assert [(entry.label, entry.current) for entry in board.show("proof")] == [("公开", True)]
        assert board.where("nowhere") is None
