"""Moves of budget money: exact to the last fen, written once, never more than there is."""

import threading

import pytest
from sqlalchemy import event as event_api
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.kernel import outbox
from app.kernel.db import commit
from app.policy import SYSTEM
from orders.budgets import audit, service
from orders.budgets.rules import JustFreed, KeyReused, MoveRequest, OverBudget, OverQuantity, PoolShort
from orders.budgets.states import Pool
from orders.budgets.tables import Control, Move
from orders.plans.events import PlanReturned
from tests import factories

pytestmark = pytest.mark.both_databases

AMOUNT = 1_000_00
FLOW = (Pool.RESERVED, Pool.COMMITTED, Pool.ACCRUED, Pool.PAID)


@pytest.fixture
def control(session):
    """An allotment's control with 1,000 yuan."""
    with commit(session):
        return factories.allotment(session, factories.unit(session), amount_fen=AMOUNT).control_id


def event(session, stream):
    """Moves need an event; what it tells does not matter here."""
    fact = PlanReturned(plan=stream, unit_id=1, unit_name="", year=2026, total_fen=0, categories=(), reason="", note="")
    outbox.record(session, SYSTEM, fact, stream=stream)


def move(control_id, amount_fen, source=Pool.FREE, target=Pool.RESERVED, *, key=None, stream="S", **more):
    return MoveRequest(
        key=key or factories.serial("K"),
        control_id=control_id,
        source=source,
        target=target,
        amount_fen=amount_fen,
        stream=stream,
        version=1,
        **more,
    )


def run(session, *moves, stream="S"):
    with commit(session):
        if not session.query(outbox.Event).filter_by(stream=stream).count():
            event(session, stream)
        service.apply(session, SYSTEM, moves)


def test_a_control_can_be_used_to_the_last_fen(session, control):
    run(session, move(control, AMOUNT - 1), move(control, 1))
    assert factories.figures(session, control) == (0, AMOUNT, 0, 0, 0)


def test_one_fen_too_much_is_refused_and_nothing_moves(session, control):
    run(session, move(control, AMOUNT - 1))
    with pytest.raises(OverBudget) as refused:
        run(session, move(control, 2))
    assert refused.value.facts == {"control_id": control, "wanted_fen": 2, "free_fen": 1}
    assert factories.figures(session, control) == (1, AMOUNT - 1, 0, 0, 0)
    assert factories.how_many(session, Move) == 2


def test_the_way_from_free_to_paid_and_back(session, control):
    source = Pool.FREE
    for step, target in enumerate(FLOW):
        run(session, move(control, 300_00, source, target))
        assert factories.figures(session, control)[step + 1] == 300_00
        source = target
    run(session, move(control, 300_00, Pool.PAID, Pool.FREE))
    assert factories.figures(session, control) == (AMOUNT, 0, 0, 0, 0)
    assert audit.audit(session) == []


def test_money_that_is_not_in_the_pool_cannot_leave_it(session, control):
    run(session, move(control, 10_00))
    with pytest.raises(PoolShort) as refused:
        run(session, move(control, 10_01, Pool.RESERVED, Pool.COMMITTED))
    assert (refused.value.wanted_fen, refused.value.there_fen) == (10_01, 10_00)


def test_the_same_key_again_is_the_same_move(session, control):
    once = move(control, 400_00, key="order:1")
    run(session, once)
    run(session, once)
    run(session, once, move(control, 100_00, key="order:2"))
    assert factories.figures(session, control) == (500_00, 500_00, 0, 0, 0)
    assert audit.audit(session) == []


def test_a_key_cannot_stand_for_another_move(session, control):
    run(session, move(control, 400_00, key="order:1"))
    with pytest.raises(KeyReused):
        run(session, move(control, 400_01, key="order:1"))
    assert factories.figures(session, control) == (600_00, 400_00, 0, 0, 0)


def test_a_refusal_on_one_control_leaves_the_other_alone(session, control):
    with commit(session):
        other = factories.allotment(session, factories.unit(session), amount_fen=50_00).control_id
    with pytest.raises(OverBudget) as refused:
        run(session, move(control, 60_00), move(other, 60_00))
    assert refused.value.control_id == other
    assert factories.figures(session, control) == (AMOUNT, 0, 0, 0, 0)


def test_pieces_of_a_plan_line_are_counted_with_its_money(session):
    with commit(session):
        world = factories.world(session)
    line = world.lines[0].control_id
    run(session, move(line, 100, quantity=100))
    assert factories.control(session, line).ordered == 100
    with pytest.raises(OverQuantity) as refused:
        run(session, move(line, 1, quantity=1))
    assert (refused.value.wanted, refused.value.left) == (1, 0)
    run(session, move(line, 40, Pool.RESERVED, Pool.FREE, quantity=40))
    assert factories.control(session, line).ordered == 60
    assert audit.audit(session) == []


@pytest.mark.only_postgresql
def test_money_that_came_back_while_its_lack_was_found_is_told_as_such(engine, session, control):
    """On SQLite writers take turns, so nothing comes between the refused change and the look at its reason."""
    run(session, taken := move(control, AMOUNT))
    changes = []

    @event_api.listens_for(engine, "after_cursor_execute")
    def give_back(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE controls") and not changes:
            changes.append(statement)
            with Session(engine) as other:
                run(other, move(control, taken.amount_fen, Pool.RESERVED, Pool.FREE, stream="R"), stream="R")

    with pytest.raises(JustFreed) as refused:
        run(session, move(control, 5_00))
    assert (refused.value.wanted_fen, refused.value.free_fen) == (5_00, AMOUNT)
    run(session, move(control, 5_00))
    assert audit.audit(session) == []


def test_a_move_without_its_event_is_not_kept(session, control):
    with pytest.raises(IntegrityError), commit(session):
        service.apply(session, SYSTEM, [move(control, 1_00, stream="nowhere")])
    assert factories.figures(session, control) == (AMOUNT, 0, 0, 0, 0)


@pytest.mark.parametrize(("source", "target"), [(Pool.FREE, Pool.PAID), (Pool.OUTSIDE, Pool.RESERVED), (Pool.FREE, Pool.FREE)])
def test_there_are_no_short_cuts(source, target):
    with pytest.raises(ValueError, match="no such move"):
        move(1, 1, source, target)


def test_the_database_itself_refuses_to_overspend(session, control):
    with pytest.raises(IntegrityError), commit(session):
        session.execute(update(Control).where(Control.id == control).values(reserved_fen=AMOUNT + 1))


def test_moves_are_append_only(session, control):
    for statement in (update(Move).values(amount_fen=1), Move.__table__.delete()):
        with pytest.raises(Exception, match="append-only"), commit(session):
            session.execute(statement)


def test_buyers_at_the_same_time_never_overspend(engine, session, control):
    wanted, buyers, each = 70_00, 4, 8
    with commit(session):
        event(session, "S")
        wide = factories.allotment(session, factories.unit(session), amount_fen=10 * AMOUNT).control_id
    taken, failures = [], []

    def buy(number):
        with Session(engine) as own:
            for turn in range(each):
                try:
                    with commit(own):
                        both = [move(each, wanted, key=f"{number}:{turn}:{each}") for each in (wide, control)]
                        service.apply(own, SYSTEM, both if number % 2 else both[::-1])
                    taken.append(wanted)
                except OverBudget:
                    pass
                except Exception as error:
                    failures.append(error)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(buyers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(taken) == AMOUNT // wanted * wanted
    assert factories.figures(session, control) == (AMOUNT - sum(taken), sum(taken), 0, 0, 0)
    assert factories.figures(session, wide)[1] == sum(taken)
    assert audit.audit(session) == []
