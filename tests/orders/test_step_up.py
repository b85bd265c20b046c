"""Approving and paying need the person himself, just now: a session left open is not enough, and nothing typed is lost."""

import html
import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from app.accounts.people.tables import Person
from app.accounts.sessions.rules import LOCK_AFTER, new_secret
from app.accounts.sessions.tables import SignInSession
from app.config import BadConfiguration, from_environment
from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role, StepUpFirst
from orders.approvals import service as approvals
from orders.payments import service as payments
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine
from tests import factories
from tests.app.accounts.conftest import KEPT, PASSWORD
from tests.orders import steps
from tests.orders.approvals.test_pages import state, submit
from tests.orders.visits import Shop, Visitor

KEPT_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def left_open(shop: Shop, role: Role, minutes: int = 16, **person: object) -> Visitor:
    """A browser whose owner proved himself some minutes ago."""
    visitor = shop.visitor(role)
    with shop.session() as session, commit(session):
        session.execute(update(SignInSession).values(stepped_up_at=clock.wall_now() - timedelta(minutes=minutes)))
        session.execute(update(Person).where(Person.id == shop.world.actor(role).person_id).values({"password_hash": KEPT, **person}))
    return visitor


def carried_on(visitor: Visitor, page: str, address: str, **proof: str):
    """What the page of the proof keeps, sent on with a proof."""
    kept = {name: html.unescape(value) for name, value in KEPT_FIELD.findall(page)}
    return visitor.client.post(address, data={**kept, **proof})


def test_a_session_left_open_approves_nothing_until_the_password_is_given_and_then_what_was_typed_counts(shop: Shop) -> None:
    number = submit(shop)
    with shop.session() as session:
        laser, paper = session.scalars(select(OrderLine.id).order_by(OrderLine.line_no)).all()
    approver, address = left_open(shop, Role.APPROVER), f"/orders/{number}/approve"
    fields = {f"line-{laser}": "approve", f"line-{paper}": "reject", f"words-{paper}": "库房“尚有”<b>", "note": "照此办理"}
    asked = approver.post(address, "/approvals", **fields)
    page = asked.get_data(as_text=True)
    assert asked.status_code == 403 and "请再次确认身份" in page and 'name="proof_password"' in page and f'action="{address}"' in page
    assert state(shop, number)[0] is State.SUBMITTED
    wrong = carried_on(approver, page, address, proof_password="wrong-wrong-1")
    assert wrong.status_code == 403 and "账号、密码或动态口令不正确" in wrong.get_data(as_text=True)
    assert state(shop, number)[0] is State.SUBMITTED
    done = carried_on(approver, wrong.get_data(as_text=True), address, proof_password=PASSWORD)
    assert (done.status_code, state(shop, number)) == (303, (State.PLACED, 2_000_00))
    assert "库房“尚有”&lt;b&gt;" in approver.text(f"/approvals?show=done&order={number}")


def test_the_proof_lasts_for_fifteen_minutes_and_reading_needs_none(shop: Shop) -> None:
    first, second = submit(shop), submit(shop)
    approver = left_open(shop, Role.APPROVER)
    assert approver.get(f"/approvals?order={first}").status_code == 200
    page = approver.post("/approvals/bulk", "/approvals", order=[first]).get_data(as_text=True)
    assert carried_on(approver, page, "/approvals/bulk", proof_password=PASSWORD).status_code == 303
    assert approver.post(f"/orders/{second}/approve", "/approvals").status_code == 303
    assert [state(shop, number)[0] for number in (first, second)] == [State.PLACED, State.PLACED]


def test_signing_in_fourteen_minutes_ago_is_fresh_enough(shop: Shop) -> None:
    number = submit(shop)
    assert left_open(shop, Role.APPROVER, minutes=14).post(f"/orders/{number}/approve", "/approvals").status_code == 303


def test_whoever_has_a_second_factor_gives_a_code_and_each_only_once(shop: Shop) -> None:
    first, second, secret = submit(shop), submit(shop), new_secret()
    approver, address = left_open(shop, Role.APPROVER, totp_secret=secret), f"/orders/{first}/approve"
    page = approver.post(address, "/approvals").get_data(as_text=True)
    assert 'name="proof_code"' in page and 'name="proof_password"' not in page
    assert carried_on(approver, page, address, proof_code="", proof_password=PASSWORD).status_code == 403
    code = pyotp.TOTP(secret).at(clock.wall_now())
    assert carried_on(approver, page, address, proof_code=code).status_code == 303
    with shop.session() as session, commit(session):
        session.execute(update(SignInSession).values(stepped_up_at=clock.wall_now() - timedelta(minutes=16)))
    page = approver.post(f"/orders/{second}/approve", "/approvals").get_data(as_text=True)
    assert carried_on(approver, page, f"/orders/{second}/approve", proof_code=code).status_code == 403
    assert (state(shop, first)[0], state(shop, second)[0]) == (State.PLACED, State.SUBMITTED)


def test_guessing_locks_the_account(shop: Shop) -> None:
    number = submit(shop)
    approver, address = left_open(shop, Role.APPROVER), f"/orders/{number}/approve"
    page = approver.post(address, "/approvals").get_data(as_text=True)
    for _ in range(LOCK_AFTER):
        assert carried_on(approver, page, address, proof_password="wrong-wrong-1").status_code == 403
    assert carried_on(approver, page, address, proof_password=PASSWORD).status_code == 403
    assert state(shop, number)[0] is State.SUBMITTED


def test_a_payment_is_applied_for_by_somebody_who_has_just_proven_himself(shop: Shop) -> None:
    with shop.session() as session:
        number = steps.invoiced(session, shop.world, {shop.world.laser: 1}).number
    finance, address = left_open(shop, Role.FINANCE), f"/orders/{number}/payment"
    page = finance.post(address, address).get_data(as_text=True)
    assert "请再次确认身份" in page and state(shop, number)[0] is State.INVOICED
    assert carried_on(finance, page, address, proof_password=PASSWORD).status_code == 303
    assert state(shop, number)[0] is State.PAYING


def test_the_services_themselves_refuse_whoever_has_not_proven_himself(shop: Shop) -> None:
    number = submit(shop)
    with shop.session() as session:
        paying = steps.invoiced(session, shop.world, {shop.world.laser: 1}).number
        actors = {}
        for role in (Role.APPROVER, Role.FINANCE):
            actors[role] = factories.actor(session, session.get_one(Person, shop.world.actor(role).person_id), stepped_up=False)
        for role, which, service in ((Role.APPROVER, number, approvals.approve), (Role.FINANCE, paying, payments.apply)):
            with pytest.raises(StepUpFirst), commit(session):
                service(session, actors[role], session.scalars(select(Order).where(Order.number == which)).one())
    assert (state(shop, number)[0], state(shop, paying)[0]) == (State.SUBMITTED, State.INVOICED)


def test_a_fragment_gets_the_refusal_and_the_training_province_offers_its_password(shop: Shop) -> None:
    number = submit(shop)
    approver = left_open(shop, Role.APPROVER)
    page = approver.post(f"/orders/{number}/approve", "/approvals").get_data(as_text=True)
    assert "填入演示密码" in page
    token = dict(re.findall(r'name="(csrf_token)" value="([^"]+)"', page))
    part = approver.client.post(f"/orders/{number}/approve", data=token, headers={"HX-Request": "true"})
    assert part.status_code == 403 and "<html" not in part.get_data(as_text=True) and "再次确认身份" in part.get_data(as_text=True)


def test_the_minutes_are_a_setting_within_bounds() -> None:
    assert from_environment({"MALL_STEP_UP_MINUTES": "5"}).step_up_minutes == 5
    for minutes in ("0", "61"):
        with pytest.raises(BadConfiguration, match="MALL_STEP_UP_MINUTES"):
            from_environment({"MALL_STEP_UP_MINUTES": minutes})
