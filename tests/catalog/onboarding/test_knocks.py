"""Registering over the public page is limited by network address and day, before anything typed is looked at."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.accounts.organisations.tables import Organisation
from app.kernel import clock
from app.kernel.db import commit
from catalog.onboarding import handlers, service
from catalog.onboarding.rules import TooManyKnocks, mark
from catalog.onboarding.tables import Knock
from catalog.taxonomy import service as taxonomy
from tests.catalog import suppliers_at_the_door as door
from tests.catalog.onboarding.test_pages import FIRM, text

DAY = date(2026, 12, 1)


@pytest.fixture
def two_a_day(shop):
    with shop.session() as session, commit(session):
        taxonomy.set_parameter(session, rule="JOIN", name="per_day", value=2, valid_from=clock.today(), doc_no="测试")
    return shop


def firms(shop) -> int:
    with shop.session() as session:
        return session.scalar(select(func.count()).select_from(Organisation))


def test_the_third_attempt_of_a_day_from_one_address_is_refused_whatever_it_says_and_keeps_what_was_typed(two_a_day):
    before, browser = firms(two_a_day), two_a_day.browser()
    for _ in range(2):
        bad = browser.post("/onboarding/join", "/onboarding/join", credit_code="91410100MA0000000X", **FIRM)
        assert bad.status_code == 422
    refused = browser.post("/onboarding/join", "/onboarding/join", credit_code=door.credit_code(), **FIRM)
    assert refused.status_code == 429
    assert "今天从您的网络地址登记已超过 2 次" in text(refused)
    assert 'value="郑州明泽办公设备有限公司"' in text(refused)
    assert firms(two_a_day) == before


def test_another_address_is_not_held_up_and_neither_address_is_kept(two_a_day):
    browser = two_a_day.browser()
    for _ in range(3):
        browser.post("/onboarding/join", "/onboarding/join", credit_code="91410100MA0000000X", **FIRM)
    browser.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert browser.post("/onboarding/join", "/onboarding/join", credit_code=door.credit_code(), **FIRM).status_code == 303
    with two_a_day.session() as session:
        kept = session.execute(select(Knock.mark, Knock.attempts).order_by(Knock.attempts)).all()
    assert [each.attempts for each in kept] == [1, 3]
    assert {each.mark for each in kept}.isdisjoint({"192.0.2.7", "127.0.0.1"})


@pytest.mark.both_databases
def test_attempts_are_counted_by_day_and_forgotten_after_it(session):
    today = clock.local(clock.wall_now()).date()
    marks = {on: mark("secret", on, "192.0.2.1") for on in (today - timedelta(days=1), today)}
    assert len(set(marks.values())) == 2
    with commit(session):
        counted = [service.knock(session, marks[on], on) for on in (*marks, *marks, today)]
    assert counted == [1, 1, 2, 2, 3]
    assert handlers.forget(lambda: session) == 1
    assert session.scalars(select(Knock.mark)).all() == [marks[today]]


def test_the_shipped_number_is_twenty_a_day(session):
    service.refuse_many(session, 20)
    with pytest.raises(TooManyKnocks) as refused:
        service.refuse_many(session, 21)
    assert refused.value.most == 20


def test_who_does_not_know_the_secret_finds_no_address_by_its_mark():
    assert mark("one", DAY, "192.0.2.1") != mark("other", DAY, "192.0.2.1")
