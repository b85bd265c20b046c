"""Commands on budget money. Every move is written once, and counters change only together with moves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.db import Int, connection_of
from app.kernel.errors import Forbidden
from app.kernel.rows import insert_rows
from app.policy import Actor, Permission
from orders.budgets import queries
from orders.budgets.events import AllotmentAdjusted, AllotmentOpened, BudgetLineAdded
from orders.budgets.rules import (
    AllotmentInput,
    BelowUse,
    Change,
    JustFreed,
    KeyReused,
    LineInput,
    LinesAboveAllotment,
    MoveRequest,
    NothingMoved,
    NumberTaken,
    Opening,
    OverBudget,
    OverQuantity,
    Planned,
    PoolShort,
    net,
)
from orders.budgets.states import POOL_NAMES, ControlKind, Pool
from orders.budgets.tables import Allotment, BudgetLine, BudgetProject, Control, Move

COLUMNS: Final = {
    Pool.RESERVED: Control.reserved_fen,
    Pool.COMMITTED: Control.committed_fen,
    Pool.ACCRUED: Control.accrued_fen,
    Pool.PAID: Control.paid_fen,
}


def apply(session: Session, actor: Actor, moves: Sequence[MoveRequest]) -> None:
    """Write the moves once and change the counters of their controls, taken in id order; amounts in fen.

    A key that is already there is the same move again and changes nothing. Raises OverBudget, OverQuantity or PoolShort
    when a control has too little (the caller's transaction is then rolled back), KeyReused when a key stands for another move.
    """
    changes = {control_id: change for control_id, change in net(_write(session, actor, moves)).items() if not change.is_nothing}
    if changes:
        _change(session, changes)


_moves: Final[Any] = Move.__table__


def _write(session: Session, actor: Actor, moves: Sequence[MoveRequest]) -> list[MoveRequest]:
    """Insert what is not there yet with one statement; returns the moves that are new."""
    if not moves:
        return []
    by_key = {move.key: move for move in moves}
    if len(by_key) < len(moves):
        raise ValueError("two moves of one command share a key")
    at = clock.now()
    names = [each.name for each in fields(MoveRequest)]
    rows = [{name: getattr(move, name) for name in names} | {"actor_id": actor.person_id, "at": at} for move in moves]
    written = {row.key for row in insert_rows(session, _moves, rows, (_moves.c.key,), once=_moves.c.key)}
    if len(written) < len(moves):
        columns = [getattr(Move, name) for name in names]
        for row in session.execute(select(*columns).where(Move.key.in_(by_key.keys() - written))).mappings():
            if MoveRequest(**row) != by_key[row["key"]]:
                raise KeyReused(key=row["key"])
    return [move for key, move in by_key.items() if key in written]


_CHANGE: Final = (
    update(Control.__table__)  # type: ignore[arg-type]
    .where(
        Control.id == bindparam("control"),
        *(column + bindparam(pool.value, type_=Int) >= 0 for pool, column in COLUMNS.items()),
        Control.free_fen + bindparam(Pool.FREE.value, type_=Int) >= 0,
        Control.ordered + bindparam("pieces", type_=Int) >= 0,
        or_(
            Control.quantity.is_(None),
            Control.quantity + bindparam("allowed", type_=Int) >= Control.ordered + bindparam("pieces", type_=Int),
        ),
    )
    .values(
        {column: column + bindparam(pool.value, type_=Int) for pool, column in COLUMNS.items()}
        | {
            Control.amount_fen: Control.amount_fen - bindparam(Pool.OUTSIDE.value, type_=Int),
            Control.ordered: Control.ordered + bindparam("pieces", type_=Int),
            Control.quantity: Control.quantity + bindparam("allowed", type_=Int),
        }
    )
)
"""One control's guarded change. It stands alone, without a lock taken in the same statement: on PostgreSQL an UPDATE that
also locks its rows in a subquery may wait for somebody who waits for it, once a foreign key has marked the row."""


def _change(session: Session, changes: Mapping[int, Change]) -> None:
    """Change these controls one after the other in id order, in one round. Raises OverBudget, OverQuantity, PoolShort."""
    rows = [
        {"control": control_id, "pieces": change.ordered, "allowed": change.allowed}
        | {pool.value: change.fen.get(pool, 0) for pool in Pool}
        for control_id, change in sorted(changes.items())
    ]
    if connection_of(session).execute(_CHANGE, rows).rowcount < len(rows):
        short = session.execute(queries.counters_off(changes).limit(1)).one()
        raise _refusal(session, short.id, changes[short.id])


def _refusal(session: Session, control_id: int, change: Change) -> OverBudget | OverQuantity | PoolShort:
    control = queries.fresh(session, control_id)
    for pool, column in COLUMNS.items():
        there = getattr(control, column.key)
        if (wanted := -change.fen.get(pool, 0)) > there:
            return PoolShort(control_id=control_id, pool=POOL_NAMES[pool], wanted_fen=wanted, there_fen=there)
    if (wanted := -change.fen.get(Pool.FREE, 0)) > control.free_fen:
        return OverBudget(control_id=control_id, wanted_fen=wanted, free_fen=control.free_fen)
    pieces = change.ordered - change.allowed
    if control.quantity is not None and pieces > (left := control.quantity - control.ordered):
        return OverQuantity(control_id=control_id, wanted=pieces, left=left)
    return JustFreed(control_id=control_id, wanted_fen=wanted, free_fen=control.free_fen)


def open_control(session: Session, actor: Actor, opening: Opening) -> int:
    """Open one control with its money from outside; returns its id."""
    return open_controls(session, actor, [opening])[0]


def open_controls(session: Session, actor: Actor, openings: Sequence[Opening]) -> list[int]:
    """Open many controls with two statements; ids in the order given. A key already used is an error of the caller."""
    if not openings:
        return []
    at = clock.now()
    ids = list(
        session.scalars(
            insert(Control).returning(Control.id, sort_by_parameter_order=True),
            [
                {"kind": o.kind, "unit_id": o.unit_id, "year": o.year, "amount_fen": o.amount_fen, "quantity": o.quantity, "ordered": 0}
                | dict.fromkeys(("reserved_fen", "committed_fen", "accrued_fen", "paid_fen"), 0)
                for o in openings
            ],
        )
    )
    session.execute(
        insert(Move),
        [
            {
                "key": o.key,
                "control_id": control_id,
                "source": Pool.OUTSIDE,
                "target": Pool.FREE,
                "amount_fen": o.amount_fen,
                "quantity": o.quantity or 0,
                "order_line_id": None,
                "stream": o.stream,
                "version": o.version,
                "actor_id": actor.person_id,
                "at": at,
            }
            for o, control_id in zip(openings, ids, strict=True)
        ],
    )
    return ids


# ---------------------------------------------------------------- allotments and procurement-budget lines


def open_allotments(session: Session, actor: Actor, inputs: Sequence[AllotmentInput]) -> list[int]:
    """Open allotments with their projects, controls and events, each kind with one statement; ids in the order given.

    Raises Forbidden, NumberTaken.
    """
    actor.must(Permission.BUDGET_KEEP)
    if actor.is_unit and any(row.unit_id != actor.organisation_id for row in inputs):
        raise Forbidden()
    if not inputs:
        return []
    numbers = [row.number for row in inputs]
    _refuse_repeats(numbers, queries.numbers_taken(session, numbers))
    projects = _projects(session, inputs)
    outbox.record_all(
        session,
        actor,
        [
            outbox.Entry(
                AllotmentOpened(
                    allotment=row.number,
                    unit_id=row.unit_id,
                    unit_name=row.unit_name,
                    year=row.year,
                    amount_fen=row.amount_fen,
                    project=row.project_code,
                    functional_class=row.functional_class,
                    economic_class=row.economic_class,
                    fund_nature=row.fund_nature,
                    source=row.source,
                    document_number=row.document_number,
                ),
                row.number,
                1,
                row.region,
                row.unit_id,
            )
            for row in inputs
        ],
    )
    controls = open_controls(
        session,
        actor,
        [
            Opening(
                kind=ControlKind.ALLOTMENT,
                unit_id=row.unit_id,
                year=row.year,
                amount_fen=row.amount_fen,
                stream=row.number,
                version=1,
                key=f"{row.number}:1",
            )
            for row in inputs
        ],
    )
    return list(
        session.scalars(
            insert(Allotment).returning(Allotment.id, sort_by_parameter_order=True),
            [
                {
                    "control_id": control_id,
                    "number": row.number,
                    "unit_id": row.unit_id,
                    "project_id": projects[row.unit_id, row.year, row.project_code],
                    "year": row.year,
                    "functional_class": row.functional_class,
                    "economic_class": row.economic_class,
                    "fund_nature": row.fund_nature,
                    "source": row.source,
                    "document_number": row.document_number,
                    "version": 1,
                }
                for row, control_id in zip(inputs, controls, strict=True)
            ],
        )
    )


def _refuse_repeats(numbers: Iterable[str], taken: set[str]) -> None:
    seen = set(taken)
    for number in numbers:
        if number in seen:
            raise NumberTaken(number=number)
        seen.add(number)


def _projects(session: Session, inputs: Sequence[AllotmentInput]) -> dict[tuple[int, int, str], int]:
    """The projects of these allotments by unit, year and code; new ones are made."""
    wanted = {(row.unit_id, row.year, row.project_code): row for row in inputs}
    known = queries.project_ids(session, {unit_id for unit_id, _, _ in wanted})
    new = [
        {"unit_id": unit_id, "year": year, "code": code, "name": row.project_name, "kind": row.project_kind}
        for (unit_id, year, code), row in wanted.items()
        if (unit_id, year, code) not in known
    ]
    if new:
        ids = session.scalars(insert(BudgetProject).returning(BudgetProject.id, sort_by_parameter_order=True), new)
        known |= dict(zip((key for key in wanted if key not in known), ids, strict=True))
    return known


def adjust(session: Session, actor: Actor, allotment: Allotment, delta_fen: int, reason: str) -> None:
    """Raise or lower an allotment by fen, never below what is used of it. Raises Forbidden, NothingMoved, BelowUse."""
    actor.must(Permission.BUDGET_KEEP)
    if delta_fen == 0:
        raise NothingMoved()
    owner = queries.owner(session, allotment.unit_id)
    version = _next_version(session, allotment.id)
    amount_fen = queries.fresh(session, allotment.control_id).amount_fen + delta_fen
    fact = AllotmentAdjusted(
        allotment=allotment.number,
        unit_id=owner.unit_id,
        unit_name=owner.name,
        year=allotment.year,
        amount_fen=amount_fen,
        delta_fen=delta_fen,
        reason=reason,
    )
    outbox.record(session, actor, fact, stream=allotment.number, version=version, region=owner.region, owner_id=owner.unit_id)
    source, target = (Pool.OUTSIDE, Pool.FREE) if delta_fen > 0 else (Pool.FREE, Pool.OUTSIDE)
    move = MoveRequest(
        key=f"{allotment.number}:{version}",
        control_id=allotment.control_id,
        source=source,
        target=target,
        amount_fen=abs(delta_fen),
        stream=allotment.number,
        version=version,
    )
    try:
        apply(session, actor, [move])
    except OverBudget as refused:
        used_fen = amount_fen - delta_fen - refused.free_fen
        raise BelowUse(allotment=allotment.number, used_fen=used_fen, target_fen=max(amount_fen, 0)) from refused


def _next_version(session: Session, allotment_id: int, by: int = 1) -> int:
    """The last of the next versions of the allotment's stream; whoever comes second waits for the row."""
    statement = update(Allotment).where(Allotment.id == allotment_id).values(version=Allotment.version + by).returning(Allotment.version)
    return session.execute(statement, execution_options={"synchronize_session": False}).scalar_one()


def add_budget_lines(session: Session, actor: Actor, inputs: Sequence[LineInput]) -> list[int]:
    """Add procurement-budget lines under their allotments; ids in the order given.

    Raises Forbidden, UnknownAllotment, NumberTaken (line code of the unit and year), LinesAboveAllotment.
    """
    actor.must(Permission.BUDGET_KEEP)
    if not inputs:
        return []
    allotments = queries.allotments_by_number(session, actor, {row.allotment for row in inputs})
    _refuse_repeated_codes(session, inputs, allotments)
    grouped: dict[str, list[LineInput]] = {}
    for row in inputs:
        grouped.setdefault(row.allotment, []).append(row)
    entries: list[outbox.Entry] = []
    for number, mine in grouped.items():
        allotment = allotments[number]
        owner = queries.owner(session, allotment.unit_id)
        last = _next_version(session, allotment.id, len(mine))
        amount_fen = queries.fresh(session, allotment.control_id).amount_fen
        lines_fen = sum(row.amount_fen for row in mine) + (
            session.scalar(select(func.sum(BudgetLine.amount_fen)).where(BudgetLine.allotment_id == allotment.id)) or 0
        )
        if lines_fen > amount_fen:
            raise LinesAboveAllotment(allotment=number, amount_fen=amount_fen, lines_fen=lines_fen)
        for version, row in enumerate(mine, last - len(mine) + 1):
            fact = BudgetLineAdded(
                allotment=number,
                unit_id=owner.unit_id,
                unit_name=owner.name,
                year=allotment.year,
                amount_fen=row.amount_fen,
                line=row.code,
                category=row.category_code,
                name=row.name,
                quantity=row.quantity,
                sme_reserved=row.sme_reserved,
                import_allowed=row.import_allowed,
            )
            entries.append(outbox.Entry(fact, number, version, owner.region, owner.unit_id))
    outbox.record_all(session, actor, entries)
    return list(
        session.scalars(
            insert(BudgetLine).returning(BudgetLine.id, sort_by_parameter_order=True),
            [_line_row(row, allotments[row.allotment]) for row in inputs],
        )
    )


def _line_row(row: LineInput, allotment: Allotment) -> dict[str, Any]:
    return {
        "unit_id": allotment.unit_id,
        "year": allotment.year,
        "code": row.code,
        "project_id": allotment.project_id,
        "allotment_id": allotment.id,
        "category_code": row.category_code,
        "name": row.name,
        "quantity": row.quantity,
        "amount_fen": row.amount_fen,
        "planned_fen": 0,
        "planned_quantity": 0,
        "sme_reserved": row.sme_reserved,
        "import_allowed": row.import_allowed,
    }


def _refuse_repeated_codes(session: Session, inputs: Sequence[LineInput], allotments: dict[str, Allotment]) -> None:
    units = {allotment.unit_id for allotment in allotments.values()}
    seen = queries.line_codes(session, units)
    for row in inputs:
        allotment = allotments[row.allotment]
        mine = (allotment.unit_id, allotment.year, row.code)
        if mine in seen:
            raise NumberTaken(number=row.code)
        seen.add(mine)


# ---------------------------------------------------------------- what plans take from budget lines


def plan(session: Session, takes: Sequence[Planned]) -> list[int]:
    """Take from budget lines what a plan wants, in id order; returns the lines that have too little (then roll back)."""
    short = []
    for take in sorted(takes, key=lambda take: take.budget_line_id):
        planned_fen = BudgetLine.planned_fen + take.amount_fen
        planned_quantity = BudgetLine.planned_quantity + take.quantity
        statement = (
            update(BudgetLine)
            .where(BudgetLine.id == take.budget_line_id)
            .where(planned_fen >= 0, planned_fen <= BudgetLine.amount_fen)
            .where(planned_quantity >= 0, planned_quantity <= BudgetLine.quantity)
            .values(planned_fen=planned_fen, planned_quantity=planned_quantity)
            .returning(BudgetLine.id)
        )
        if session.execute(statement, execution_options={"synchronize_session": False}).first() is None:
            short.append(take.budget_line_id)
    return short
