"""The line to the treasury: after failures in a row nothing leaves, orders go on, one probe decides, and all that waited is paid."""

import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import EventLease
from app.policy import SYSTEM, Role
from orders.payments import cli, handlers, queries, rules, service
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import Fault
from orders.payments.states import ApplicationState
from orders.payments.tables import PaymentApplication
from orders.thread.audit import audit
from tests.orders import steps
from tests.orders.payments.conftest import SECRET, client
from tests.orders.payments.mortals import Town
from tests.orders.payments.storm import Storm


@pytest.fixture
def treasury(tmp_path: Path) -> Simulator:
    return Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=None, sleep=lambda _: None)


@pytest.fixture
def gateway(treasury):
    with client("http://treasury.test", httpx.WSGITransport(app=treasury), attempts=1) as made:
        yield made


def line(session) -> queries.Line:
    session.rollback()
    return queries.line(session, SYSTEM)


def fail(session, times: int) -> None:
    for _ in range(times):
        with commit(session):
            service.line_failed(session, "payment.gateway_unavailable")


def probe(session, gateway) -> int:
    session.rollback()
    engine = session.get_bind()
    return handlers.probe(lambda: Session(engine), gateway)


@pytest.mark.both_databases
def test_the_line_pauses_after_five_failures_in_a_row_and_an_answer_in_between_starts_the_count_again(session):
    fail(session, rules.PAUSE_AFTER - 1)
    with commit(session):
        service.line_answered(session)
    fail(session, rules.PAUSE_AFTER - 1)
    assert line(session).paused_at is None
    fail(session, 1)
    paused = line(session)
    assert paused.paused_at is not None and paused.reason == "payment.gateway_unavailable"
    assert paused.probe_at - paused.paused_at == rules.PROBE_EVERY
    fail(session, 1)
    assert line(session) == paused


@pytest.mark.both_databases
def test_while_the_line_is_paused_an_application_waits_untouched(session, world, gateway):
    steps.apply(session, world, steps.invoiced(session, world, {world.laser: 1}))
    fail(session, rules.PAUSE_AFTER)
    assert steps.run_once(session, handlers.sender(gateway, captures=True)) == 0
    assert session.scalar(select(func.count()).select_from(EventLease)) == 0
    row = session.scalars(select(PaymentApplication)).one()
    assert (row.state, row.trouble) == (ApplicationState.SENT, None)
    assert (line(session).waiting, line(session).waiting_fen) == (1, 1_000_00)


@pytest.mark.both_databases
def test_a_probe_leaves_only_when_its_time_has_come_and_an_answer_opens_the_line(session, treasury, gateway, late):
    fail(session, rules.PAUSE_AFTER)
    assert probe(session, gateway) == 0
    late(seconds=21)
    treasury.arm(Fault.DROP_BEFORE, route="GET /v1/events")
    assert probe(session, gateway) == 0
    assert line(session).paused_at is not None
    assert probe(session, gateway) == 0, "a failed probe is not repeated at once"
    late(seconds=21)
    assert probe(session, gateway) == 1
    assert line(session).paused_at is None


@pytest.mark.both_databases
def test_of_several_workers_one_probes(session, engine: Engine, late):
    fail(session, rules.PAUSE_AFTER)
    late(seconds=21)
    start, won = threading.Barrier(4), []

    def ask() -> None:
        with Session(engine) as mine:
            start.wait()
            with commit(mine):
                won.append(service.take_probe(mine))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]


def test_a_payment_that_the_treasury_thinks_over_keeps_no_newer_one_waiting(session, world, gateway, treasury, monkeypatch):
    monkeypatch.setattr(queries.awaiting_receipt, "__kwdefaults__", {"after": 0, "most": 1})
    orders = [steps.invoiced(session, world, {world.laser: 1}) for _ in range(2)]
    for order in orders:
        steps.apply(session, world, order)
        assert steps.run_once(session, handlers.sender(gateway, captures=False)) == 1
    newest = session.scalars(select(PaymentApplication).order_by(PaymentApplication.id.desc())).first()
    treasury.pass_payment(newest.intent)
    session.rollback()
    engine = session.get_bind()
    assert handlers.reconcile(lambda: Session(engine), gateway) == 1
    assert [steps.fresh(session, order).state.value for order in orders] == ["paying", "paid"]


def test_finance_staff_read_on_the_payments_page_what_waits_and_when_the_next_probe_is(shop):
    finance = shop.visitor(Role.FINANCE)
    assert "国库接口" not in finance.text("/payments")
    with shop.session() as session:
        order = steps.invoiced(session, shop.world, {shop.world.laser: 1})
        number = order.number
        steps.apply(session, shop.world, order)
        fail(session, rules.PAUSE_AFTER)
        probe_at = clock.local(line(session).probe_at)
    told = f"国库接口：暂停，1 笔等待，下次试探 {probe_at:%H:%M}"
    assert told in finance.text("/payments") and "1,000.00 元" in finance.text("/payments")
    assert told in finance.text(f"/orders/{number}/payment")


def test_the_doctor_tells_operators_the_same(shop):
    with shop.app.app_context():
        assert cli.line_check().ok is True
    with shop.session() as session:
        fail(session, rules.PAUSE_AFTER)
        probe_at = clock.local(line(session).probe_at)
    with shop.app.app_context():
        check = cli.line_check()
    assert check.ok is False and f"暂停，0 笔等待，下次试探 {probe_at:%H:%M}" in check.found and "MALL_PAYMENT_URL" in check.remedy
    answer = shop.app.test_cli_runner().invoke(args=["mall", "doctor"])
    assert answer.exit_code == 1 and "国库接口" in answer.output


# ---------------------------------------------------------------- over a real socket


def test_orders_go_on_while_the_treasury_is_down_and_everything_is_paid_once_it_is_back(database_url: str, engine: Engine, tmp_path: Path):
    with Town(tmp_path / "town", database_url, workers=1, pace=20, web=False) as town:
        town.people["treasury"].kill()
        storm = Storm(town, engine, tmp_path, seed=1, payments=8, kills=0)
        storm.open_worlds(1)
        storm.apply(8)
        with storm.session() as session:
            assert storm.wait(lambda: line(session).paused_at is not None, 40), storm.told()
            storm.apply(1)
            assert line(session).waiting == 9
            assert len(session.scalars(select(EventLease.event_id)).all()) <= rules.PAUSE_AFTER
        town.people["treasury"].start()
        town.wait_for(town.treasury_port)
        assert storm.undecided() == 9
        clock.advance(timedelta(seconds=21))
        assert storm.wait(lambda: storm.undecided() == 0, 30), storm.told()
        with storm.session() as session:
            assert line(session).paused_at is None
            assert audit(session) == []
        assert storm.faults() == []
