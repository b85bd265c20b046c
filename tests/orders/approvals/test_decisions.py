"""Decisions inside the unit, and what each does to money and stock, to the fen."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.policy import Role
from orders.approvals import handlers, queries, service
from orders.approvals.queries import Show
from orders.approvals.rules import NoReason, NotPlain
from orders.budgets import audit
from orders.purchases import queries as purchases
from orders.purchases.rules import SamePerson
from orders.purchases.states import NotNow, State
from orders.purchases.tables import Order
from tests.orders.purchases.test_submission import both_roles, desktop
from tests.orders.till import Till, till

pytestmark = pytest.mark.both_databases


@pytest.fixture
def shop(session: Session) -> Till:
    return till(session)


def two_lines(shop: Till) -> Order:
    """Two printers and ten reams from one supplier: 2,000 and 250 yuan."""
    shop.put(shop.world.laser, 2)
    shop.put(shop.world.paper, 10)
    return shop.order()


def stock(shop: Till) -> tuple[int, int]:
    held = dict(shop.picture()["stock"])  # type: ignore[call-overload]
    return held[shop.world.laser.id], held[shop.world.paper.id]


def test_an_approved_order_goes_to_the_supplier_with_its_money_still_reserved(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    with commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), order, note="同意")
    order = shop.reload(order.number)
    assert (order.state, order.total_fen, order.approver_id) == (State.PLACED, 2_250_00, shop.world.actor(Role.APPROVER).person_id)
    assert shop.figures() == (48_000_00, 2_000_00, 0, 0, 0)
    assert {decision.decision.value for decision in queries.line_decisions(session, order).values()} == {"approved"}


def test_a_rejected_line_gives_back_its_money_and_stock_and_the_rest_goes_on(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    laser, paper = shop.lines(order)
    with commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), order, {paper.id: "库房尚有"})
    order = shop.reload(order.number)
    assert (order.state, order.total_fen) == (State.PLACED, 2_000_00)
    assert [line.rejected for line in shop.lines(order)] == [0, 10]
    assert shop.figures(0) == (48_000_00, 2_000_00, 0, 0, 0) and shop.figures(1) == (20_000_00, 0, 0, 0, 0)
    assert stock(shop) == (98, 10_000)
    assert queries.line_decisions(session, order)[paper.id].reason == "库房尚有"
    assert queries.line_decisions(session, order)[laser.id].reason is None
    assert audit.audit(session) == []


def test_rejecting_every_line_rejects_the_order(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    with commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), order, {line.id: "暂缓" for line in shop.lines(order)})
    assert shop.reload(order.number).state is State.REJECTED
    assert shop.figures(0) == (50_000_00, 0, 0, 0, 0) and shop.figures(1) == (20_000_00, 0, 0, 0, 0)
    assert stock(shop) == (100, 10_000)
    assert audit.audit(session) == []


def test_nobody_approves_his_own_order(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    with pytest.raises(Forbidden), commit(session):
        service.approve(session, shop.buyer, order)
    with_both = both_roles(session, shop)
    with pytest.raises(SamePerson), commit(session):
        service.approve(session, with_both, order)
    assert shop.reload(order.number).state is State.SUBMITTED


def test_a_line_of_another_order_is_missing(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    with pytest.raises(Missing), commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), order, {10**9: "不存在"})
    with pytest.raises(NoReason), commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), order, {shop.lines(order)[0].id: " "})
    assert shop.reload(order.number).state is State.SUBMITTED and queries.line_decisions(session, order) == {}


def test_the_buyer_withdraws_freely_before_approval_and_with_a_reason_after(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    with commit(session):
        service.withdraw(session, shop.buyer, order)
    assert shop.reload(order.number).state is State.CANCELLED and shop.figures() == (50_000_00, 0, 0, 0, 0)
    placed = two_lines_again(shop)
    with commit(session):
        service.approve(session, shop.world.actor(Role.APPROVER), placed)
    with pytest.raises(NoReason), commit(session):
        service.withdraw(session, shop.buyer, shop.reload(placed.number))
    with commit(session):
        service.withdraw(session, shop.buyer, shop.reload(placed.number), "需求取消")
    assert shop.reload(placed.number).state is State.CANCELLED
    assert shop.figures() == (50_000_00, 0, 0, 0, 0) and stock(shop) == (100, 10_000)
    with pytest.raises(NotNow), commit(session):
        service.withdraw(session, shop.buyer, shop.reload(placed.number), "再撤")


def test_what_nobody_decides_in_time_is_released(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    sessions = lambda: Session(session.get_bind())
    assert handlers.release_overdue(sessions) == 0
    assert order.due_at is not None
    _travel(order.due_at - clock.now() + timedelta(seconds=5))
    session.rollback()
    assert handlers.release_overdue(sessions) == 1
    assert handlers.release_overdue(sessions) == 0
    order = shop.reload(order.number)
    assert (order.state, order.due_at) == (State.LAPSED, None)
    assert shop.figures() == (50_000_00, 0, 0, 0, 0) and stock(shop) == (100, 10_000)
    assert shop.events_of(order.number) == ["order.submitted", "order.lapsed"]
    assert audit.audit(session) == []


def test_price_and_stock_are_kept_for_seven_days_at_most(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    sessions = lambda: Session(session.get_bind())
    with commit(session):
        shop.reload(order.number).due_at = clock.now() + timedelta(days=30)
    session.rollback()
    _travel(timedelta(days=7) - timedelta(minutes=1))
    assert handlers.release_overdue(sessions) == 0
    _travel(timedelta(minutes=2))
    assert handlers.release_overdue(sessions) == 1
    assert shop.reload(order.number).state is State.LAPSED


def test_the_inbox_shows_the_own_units_orders_only(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    approver, stranger = shop.world.actor(Role.APPROVER), till(session).world.actor(Role.APPROVER)
    (row,) = queries.inbox(session, approver).rows
    assert (row.order.number, row.lines, row.findings, row.is_plain) == (order.number, 2, 0, True)
    assert queries.inbox(session, stranger).rows == []
    assert queries.counts(session, approver) == {Show.TODO: 1, Show.HELD: 0}
    with commit(session):
        assert service.approve_plain(session, approver, [order.number, order.number]) == [order.number]
    assert queries.inbox(session, approver).rows == []
    assert [each.order.number for each in queries.inbox(session, approver, Show.DONE).rows] == [order.number]


def test_an_order_with_findings_is_not_approved_in_bulk(session: Session, shop: Till) -> None:
    order = desktop(shop).order()
    with commit(session):
        service.explain(session, shop.buyer, order, {"B11": "已报调剂"})
    with commit(session):
        service.clear(session, shop.world.actor(Role.APPROVER), shop.reload(order.number))
    with pytest.raises(NotPlain), commit(session):
        service.approve_plain(session, shop.world.actor(Role.APPROVER), [order.number])
    assert shop.reload(order.number).state is State.SUBMITTED


def test_the_sheet_counts_a_submitted_order_once(session: Session, shop: Till) -> None:
    order = two_lines(shop)
    found = queries.sheet(session, shop.world.actor(Role.APPROVER), order)
    assert [(each.this_fen, each.other_reserved_fen, each.buckets.free_fen) for each in found.money] == [
        (2_000_00, 0, 98_000_00),
        (250_00, 0, 19_750_00),
    ]
    later = two_lines_again(shop)
    again = queries.sheet(session, shop.world.actor(Role.APPROVER), later)
    assert {row.number for row in again.similar} == {order.number}
    assert again.money[0].other_reserved_fen == 2_000_00


def two_lines_again(shop: Till) -> Order:
    shop.put(shop.world.laser, 2)
    shop.put(shop.world.paper, 10)
    made = shop.send("key-00000002")
    assert isinstance(made, list)
    return shop.reload(made[0])


def _travel(step: timedelta) -> None:
    clock.advance(step)


def test_a_line_the_approver_took_out_no_longer_counts_towards_a_split(shop: Till) -> None:
    order = two_lines(shop)
    printer, _paper = purchases.lines_of(shop.session, order)
    since = clock.now() - timedelta(days=1)
    before = {past.level3: past.amount_fen for past in purchases.past_orders(shop.session, order.unit_id, None, since)}
    assert before == {"A020210": 2_000_00, "A050401": 250_00}
    shop.session.rollback()
    with commit(shop.session):
        mine = purchases.by_number(shop.session, shop.world.actor(Role.APPROVER), order.number)
        service.approve(shop.session, shop.world.actor(Role.APPROVER), mine, {printer.id: "另行购置"})
    after = {past.level3: past.amount_fen for past in purchases.past_orders(shop.session, order.unit_id, None, since)}
    assert after == {"A050401": 250_00}


@pytest.mark.parametrize("approved", [False, True])
def test_what_is_only_reserved_lapses_with_the_year(session: Session, shop: Till, approved: bool) -> None:
    noon = datetime(clock.today().year, 12, 30, 12, tzinfo=clock.LOCAL)
    _travel(noon - clock.now())
    order = two_lines(shop)
    if approved:
        session.rollback()
        with commit(session):
            service.approve(session, shop.world.actor(Role.APPROVER), shop.reload(order.number))
    due_at = shop.reload(order.number).due_at
    assert due_at is not None and clock.local(due_at).date() == date(noon.year, 12, 31)
    sessions = lambda: Session(session.get_bind())
    session.rollback()
    assert handlers.release_overdue(sessions) == 0
    _travel(timedelta(days=2))
    assert handlers.release_overdue(sessions) == 1
    assert shop.reload(order.number).state is State.LAPSED
    assert shop.figures() == (50_000_00, 0, 0, 0, 0)
