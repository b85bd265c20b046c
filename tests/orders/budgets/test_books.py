"""The books under arbitrary use: whatever is asked in whatever order, the invariants hold after every step."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from app.kernel.db import commit, make_engine
from app.kernel.errors import Conflict
from app.policy import SYSTEM
from orders.budgets import audit, service
from orders.budgets.rules import BelowUse, MoveRequest, OverBudget
from orders.budgets.states import WAYS, Pool
from orders.budgets.tables import Allotment
from tests import factories

FEN = st.integers(1, 400)
STEPS = sorted(way for way in WAYS if Pool.OUTSIDE not in way)


class Books(RuleBasedStateMachine):
    """Three controls, lines that draw on two of them, and a plain model of what must come out."""

    engine = None

    def __init__(self):
        super().__init__()
        self.session = Session(self.engine)
        self.keys = itertools.count(1)
        self.done = []

    @initialize(amounts=st.lists(st.integers(1, 1000), min_size=3, max_size=3))
    def open(self, amounts):
        with commit(self.session) as session:
            unit = factories.unit(session)
            rows = [factories.allotment(session, unit, amount_fen=amount) for amount in amounts]
        self.allotments = {row.control_id: row.id for row in rows}
        self.controls = [row.control_id for row in rows]
        self.number = rows[0].number
        self.model = {row.control_id: {Pool.FREE: amount} for row, amount in zip(rows, amounts, strict=True)}

    def command(self, *moves):
        """Run a command; the model follows only when it was accepted, and says beforehand whether it must be."""
        after = {control_id: dict(pools) for control_id, pools in self.model.items()}
        for move in moves:
            pools = after[move.control_id]
            pools[move.source] = pools.get(move.source, 0) - move.amount_fen
            pools[move.target] = pools.get(move.target, 0) + move.amount_fen
        possible = all(fen >= 0 for pools in after.values() for pool, fen in pools.items() if pool is not Pool.OUTSIDE)
        try:
            with commit(self.session) as session:
                service.apply(session, SYSTEM, moves)
        except Conflict:
            assert not possible
        else:
            assert possible
            self.model = after
            self.done.append(moves)

    def move(self, index, source, target, amount_fen):
        return MoveRequest(
            key=f"{self.number}/{next(self.keys)}",
            control_id=self.controls[index],
            source=source,
            target=target,
            amount_fen=amount_fen,
            stream=self.number,
            version=1,
        )

    @rule(index=st.integers(0, 2), way=st.sampled_from(STEPS), amount_fen=FEN)
    def one(self, index, way, amount_fen):
        self.command(self.move(index, *way, amount_fen))

    @rule(pair=st.sampled_from([(0, 1), (1, 2), (2, 0)]), way=st.sampled_from(STEPS), amount_fen=FEN)
    def two(self, pair, way, amount_fen):
        self.command(*(self.move(index, *way, amount_fen) for index in pair))

    @rule(index=st.integers(0, 2), first=FEN, second=FEN)
    def split(self, index, first, second):
        self.command(self.move(index, Pool.FREE, Pool.RESERVED, first), self.move(index, Pool.FREE, Pool.RESERVED, second))

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def again(self, data):
        """A command that was accepted is sent once more: same answer, nothing twice."""
        moves = data.draw(st.sampled_from(self.done))
        with commit(self.session) as session:
            service.apply(session, SYSTEM, moves)

    @rule(index=st.integers(0, 2), delta_fen=st.integers(-400, 400).filter(bool))
    def adjust(self, index, delta_fen):
        control_id = self.controls[index]
        free = self.model[control_id].get(Pool.FREE, 0)
        try:
            with commit(self.session) as session:
                service.adjust(session, SYSTEM, session.get_one(Allotment, self.allotments[control_id]), delta_fen, "调剂")
        except BelowUse:
            assert free + delta_fen < 0
        else:
            assert free + delta_fen >= 0
            self.model[control_id][Pool.FREE] = free + delta_fen

    @invariant()
    def figures_are_the_models(self):
        for control_id, pools in getattr(self, "model", {}).items():
            found = factories.figures(self.session, control_id)
            assert found == tuple(pools.get(pool, 0) for pool in (Pool.FREE, Pool.RESERVED, Pool.COMMITTED, Pool.ACCRUED, Pool.PAID))

    @invariant()
    def the_audit_finds_nothing(self):
        assert audit.audit(self.session) == []

    def teardown(self):
        self.session.rollback()
        self.session.close()


def prove(url, examples, steps):
    engine = make_engine(url)
    machine = type("Books", (Books,), {"engine": engine})
    machine.TestCase.settings = settings(deadline=None)
    try:
        run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True))
    finally:
        engine.dispose()


@pytest.mark.both_databases
def test_the_books_stay_in_order(database_url, database_kind):
    prove(database_url, 20 if database_kind == "sqlite" else 8, 25)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.both_databases
def test_the_books_stay_in_order_for_long(database_url):
    prove(database_url, 300, 50)


# ---------------------------------------------------------------- planted faults: the audit finds each


MOVE = (
    "INSERT INTO budget_moves (key, control_id, source, target, amount_fen, order_line_id, quantity, stream, version, at) "
    "SELECT :key, control_id, 'reserved', 'committed', amount_fen + 1, 7, 0, stream, version, at FROM budget_moves WHERE control_id = :control LIMIT 1"
)
FAULTS = {
    "more used than there is": (1, "UPDATE controls SET reserved_fen = amount_fen + 1 WHERE id = :control"),
    "a counter changed by hand": (2, "UPDATE controls SET reserved_fen = reserved_fen + 1 WHERE id = :control"),
    "an amount changed by hand": (2, "UPDATE controls SET amount_fen = amount_fen + 1 WHERE id = :control"),
    "pieces changed by hand": (2, "UPDATE controls SET ordered = 1 WHERE id = :control"),
    "a move changed": (2, "UPDATE budget_moves SET amount_fen = amount_fen + 1 WHERE control_id = :control AND source = 'free'"),
    "a move removed": (2, "DELETE FROM budget_moves WHERE control_id = :control AND source = 'free'"),
    "a reservation resolved twice": (4, MOVE),
    "paid without anything owed": (5, MOVE.replace("'reserved', 'committed'", "'accrued', 'paid'")),
    "refunded more than paid": (8, MOVE.replace("'reserved', 'committed'", "'paid', 'free'")),
    "a move without an event": (6, "UPDATE budget_moves SET stream = 'nowhere' WHERE control_id = :control"),
    "an allotment below its use": (9, "UPDATE controls SET amount_fen = 0, reserved_fen = 1 WHERE id = :control"),
    "an adjustment without an event": (6, "UPDATE allotments SET version = version + 1 WHERE control_id = :control"),
    "money of another unit": (10, "UPDATE controls SET year = year - 1 WHERE id = :control"),
    "a budget line of another year": (10, "UPDATE budget_lines SET year = year - 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_audit_finds_a_planted_fault(session, fault):
    """On SQLite with its guards taken off, as whoever holds the file could."""
    with commit(session):
        allotment = factories.world(session).allotment
        control_id = allotment.control_id
        move = MoveRequest(
            key="k", control_id=control_id, source=Pool.FREE, target=Pool.RESERVED, amount_fen=5_00, stream=allotment.number, version=1
        )
        service.apply(session, SYSTEM, [move])
    assert audit.audit(session) == []
    number, statement = FAULTS[fault]
    session.rollback()
    raw = session.connection().connection.driver_connection
    raw.rollback()
    for table, action in itertools.product(("budget_moves", "events"), ("update", "delete")):
        raw.execute(f"DROP TRIGGER IF EXISTS {table}_no_{action}")
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("PRAGMA ignore_check_constraints=ON")
    raw.execute(statement, {"control": control_id, "key": "planted"})
    raw.commit()
    assert number in {finding.invariant for finding in audit.audit(session)}


def test_over_budget_reads_well():
    refusal = OverBudget(control_id=1, wanted_fen=1_00, free_fen=99)
    assert refusal.message % {"free": "0.99", "wanted": "1.00"} == "预算可用 0.99 元，需要 1.00 元，超出可用额度"
