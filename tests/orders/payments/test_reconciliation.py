"""Reconciliation: our paid applications against the gateway's statement; each kind of difference, who sees it, and its way out."""

import csv
import json
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.policy import SYSTEM, OrganisationKind, Role
from app.web.extensions import db
from orders.payments import handlers, service, statement
from orders.payments.gateway import gateway_for, simulator_for
from orders.payments.rules import DIFFERENCES, Difference
from orders.payments.simulator.app import Simulator
from orders.payments.tables import GatewayCharge, PaymentApplication
from orders.payments.webhook_signature import HEADER
from tests import factories
from tests.orders import steps
from tests.orders.payments.conftest import SECRET, client
from tests.statements import count_statements
from wsgi import create_app


@pytest.fixture
def treasury(tmp_path):
    return Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=0, sleep=lambda _: None)


@pytest.fixture
def gateway(treasury):
    with client("http://treasury.test", httpx.WSGITransport(app=treasury)) as made:
        yield made


def pay(session, world, treasury, gateway, pieces=1) -> str:
    """An order paid as in life; returns the application's number."""
    number = steps.apply(session, world, steps.invoiced(session, world, {world.laser: pieces})).number
    assert steps.run_once(session, handlers.sender(gateway, captures=False)) == 1
    session.rollback()
    engine = session.get_bind()

    def post(body, headers):
        handlers.hear(lambda: Session(engine), gateway, body, headers[HEADER])
        return 200

    treasury.deliver_due(post)
    return number


def take(session, gateway) -> None:
    session.rollback()
    engine = session.get_bind()
    handlers.take_statement(lambda: Session(engine), gateway)


def look(session, actor=SYSTEM) -> statement.Reconciliation:
    session.rollback()
    return statement.of_month(session, actor, clock.today().replace(day=1))


def kinds(session, actor=SYSTEM) -> list[tuple[Difference, str | None]]:
    return [(pair.kind, pair.application) for pair in look(session, actor).differences]


def charge_alone(treasury, gateway, application: str, *, key: str, amount_fen: int = 1_000_00) -> str:
    """Money taken that we know nothing of."""
    made = gateway.authorise(key=key, application=application, amount_fen=amount_fen, payment_method="pm_treasury")
    treasury.pass_payment(made.id)
    return made.id


@pytest.mark.both_databases
def test_both_sides_agree_day_by_day_to_the_fen(session, world, treasury, gateway):
    for pieces in (1, 2):
        pay(session, world, treasury, gateway, pieces)
    before = look(session)
    assert (before.told, before.differing) == (None, 0)
    take(session, gateway)
    found = look(session)
    assert found.told.charges == 2 and found.differences == [] and found.differing == 0
    (day,) = found.days
    assert (day.ours, day.ours_fen, day.theirs, day.theirs_fen, day.differences) == (2, 3_000_00, 2, 3_000_00, 0)
    assert sum(treasury.totals().values()) == day.theirs_fen


@pytest.mark.both_databases
def test_each_kind_of_difference_is_found_and_goes_when_it_is_mended(session, world, treasury, gateway, late):
    paid = pay(session, world, treasury, gateway)
    late(minutes=3)
    take(session, gateway)
    assert kinds(session) == []

    with commit(session):  # the treasury forgot the payment
        session.execute(delete(GatewayCharge))
    assert kinds(session) == [(Difference.MISSING_THERE, paid)]
    take(session, gateway)
    assert kinds(session) == []

    stranger = charge_alone(treasury, gateway, "ZF000000-UNKNOWN-0", key="somebody")
    late(minutes=3)
    take(session, gateway)
    assert kinds(session) == [(Difference.MISSING_HERE, "ZF000000-UNKNOWN-0")]
    gateway.refund(stranger, key="mend:1", amount_fen=1_000_00)
    take(session, gateway)
    assert kinds(session) == []

    twice = charge_alone(treasury, gateway, paid, key="again")
    late(minutes=3)
    take(session, gateway)
    assert kinds(session) == [(Difference.DOUBLE, paid)]
    gateway.refund(twice, key="mend:2", amount_fen=1_000_00)
    take(session, gateway)
    assert kinds(session) == []

    intent = session.scalars(select(PaymentApplication.intent).where(PaymentApplication.number == paid)).one()
    gateway.refund(intent, key="part", amount_fen=1)
    take(session, gateway)
    (pair,) = look(session).differences
    assert (pair.kind, pair.ours_fen, pair.theirs_fen) == (Difference.AMOUNT, 1_000_00, 999_99)


@pytest.mark.both_databases
def test_a_receipt_younger_than_the_statement_and_a_charge_of_this_minute_are_no_difference(session, world, treasury, gateway):
    pay(session, world, treasury, gateway)
    take(session, gateway)
    pay(session, world, treasury, gateway)
    assert look(session).differing == 0
    charge_alone(treasury, gateway, "ZF000000-UNKNOWN-0", key="somebody")
    take(session, gateway)
    assert look(session).differing == 0


@pytest.mark.both_databases
def test_a_charge_that_the_gateway_no_longer_tells_of_is_dropped(session, world, treasury, gateway):
    paid = pay(session, world, treasury, gateway)
    with commit(session):
        service.keep_statement(session, [], since=clock.now() - timedelta(days=1), told_at=clock.now())
    assert kinds(session) == [(Difference.MISSING_THERE, paid)]
    take(session, gateway)
    with commit(session):
        service.keep_statement(session, [], since=clock.now() + timedelta(minutes=1), told_at=clock.now())
    assert kinds(session) == []


def test_a_unit_sees_its_own_a_supervisor_his_region_and_the_province_what_nobody_claims(session, world, treasury, gateway, late):
    with commit(session):
        away = factories.world(session, region=factories.OTHER_CITY)
        province = factories.actor(
            session, factories.person(session, factories.organisation(session, OrganisationKind.FINANCE, region="410000"), Role.SUPERVISOR)
        )
    here, there = pay(session, world, treasury, gateway), pay(session, away, treasury, gateway)
    charge_alone(treasury, gateway, "ZF000000-UNKNOWN-0", key="somebody")
    late(minutes=3)
    take(session, gateway)
    with commit(session):
        known = select(PaymentApplication.number)
        session.execute(delete(GatewayCharge).where(GatewayCharge.application.in_(known)))
    seen = {
        actor.name: {application for _, application in kinds(session, actor)}
        for actor in (world.actor(Role.FINANCE), world.actor(Role.SUPERVISOR), away.actor(Role.FINANCE), province)
    }
    assert list(seen.values()) == [{here}, {here}, {there}, {here, there, "ZF000000-UNKNOWN-0"}]


def test_the_list_takes_four_statements_however_long_it_is(session, world, treasury, gateway):
    for _ in range(3):
        pay(session, world, treasury, gateway)
    take(session, gateway)
    with commit(session):
        session.execute(update(GatewayCharge).values(captured_fen=1))
    session.rollback()
    with count_statements(session.get_bind()) as statements:
        assert look(session).differing == 3
    assert len(statements) <= 4


# ---------------------------------------------------------------- pages, API, command


@pytest.fixture
def reconciled(shop, late):
    """The shop with one payment that agrees and one that the treasury took without us."""
    settings = shop.app.config["SETTINGS"]
    gateway, treasury = gateway_for(settings), simulator_for(settings)
    treasury.treasury_delay_s = 0
    with shop.session() as session:
        shop.paid = pay(session, shop.world, treasury, gateway)
        shop.twice = charge_alone(treasury, gateway, shop.paid, key="again", amount_fen=12_34)
        late(minutes=3)
        take(session, gateway)
    return shop


def test_the_page_tells_finance_what_differs_and_the_way_out(reconciled):
    finance = reconciled.visitor(Role.FINANCE)
    text = finance.text("/payments/reconciliation")
    for told in ("国库对账", *DIFFERENCES[Difference.DOUBLE], reconciled.paid, reconciled.twice, "12.34", "1,012.34", "差异 1 笔"):
        assert told in text, told
    assert "/payments/reconciliation" in finance.text("/payments")
    assert "本月没有付款" in finance.text("/payments/reconciliation?month=2020-01")
    assert finance.get("/payments/reconciliation?month=%27").status_code == 200
    assert reconciled.paid in reconciled.visitor(Role.SUPERVISOR).text("/payments/reconciliation")


def test_the_table_to_take_away_has_both_sides_of_every_payment(reconciled):
    answer = reconciled.visitor(Role.FINANCE).get("/payments/reconciliation.csv")
    rows = list(csv.reader(answer.get_data(as_text=True).lstrip("\ufeff").splitlines()))
    assert rows[1][1:3] == ["支付申请", "订单"]
    assert sorted((row[1], row[6], row[7], row[8]) for row in rows[2:]) == [
        (reconciled.paid, "", "12.34", "同一申请扣款两次"),
        (reconciled.paid, "1000.00", "1000.00", ""),
    ]


def test_the_api_tells_the_same_and_suppliers_and_strangers_see_nothing_of_it(reconciled):
    found = reconciled.caller(Role.FINANCE)("GET", "/api/v1/reconciliation").json
    assert (found["differing"], found["differences"][0]["kind"], found["differences"][0]["theirs_fen"]) == (1, "charged_twice", 12_34)
    assert found["differences"][0]["way_out"] == DIFFERENCES[Difference.DOUBLE][1]
    assert [(day["ours_fen"], day["theirs_fen"]) for day in found["days"]] == [(1_000_00, 1_012_34)]
    assert reconciled.caller(Role.ORDER_CLERK)("GET", "/api/v1/reconciliation").status_code == 403
    assert reconciled.visitor(Role.BUYER).get("/payments/reconciliation").status_code == 403
    with reconciled.session() as session, commit(session):
        others = factories.staff(session, factories.unit(session), factories.UNIT_ROLES)
    assert reconciled.caller(others[Role.FINANCE])("GET", "/api/v1/reconciliation").json["differences"] == []
    assert reconciled.paid not in reconciled.visitor(others[Role.FINANCE]).text("/payments/reconciliation")


def test_the_command_explains_itself_and_ends_with_1_while_anything_differs(reconciled):
    runner = reconciled.app.test_cli_runner()
    told = runner.invoke(args=["mall", "payments", "reconcile", "--help"]).output
    assert "--offline" in told and "--json" in told and "exits with 1" in told.replace("\n", " ")
    answer = runner.invoke(args=["mall", "payments", "reconcile", "--json"])
    found = json.loads(answer.output)
    assert (answer.exit_code, found["ok"], found["differences"][0]["intent"]) == (1, False, reconciled.twice)
    settings = reconciled.app.config["SETTINGS"]
    gateway_for(settings).refund(reconciled.twice, key="mend", amount_fen=12_34)
    answer = runner.invoke(args=["mall", "payments", "reconcile"])
    assert answer.exit_code == 0 and "两侧一致" in answer.output


def test_without_the_gateway_the_command_says_so_and_offers_the_last_statement(tmp_path, database_url):
    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url, payment_url="http://127.0.0.1:9"))
    answer = app.test_cli_runner().invoke(args=["mall", "payments", "reconcile"])
    assert answer.exit_code == 1 and "支付通道暂时无法连接" in answer.output and "--offline" in answer.output
    assert app.test_cli_runner().invoke(args=["mall", "payments", "reconcile", "--offline"]).exit_code == 0
    with app.app_context():
        db.engine.dispose()
