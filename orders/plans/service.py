"""Commands on plans: file and send back. Filing is no approval: the receipt comes at once."""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox, regions
from app.policy import Actor, Permission
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName, covers
from orders.budgets import queries as budget_queries
from orders.budgets import service as budgets
from orders.budgets.rules import MoveRequest, Opening, OverBudget, OverQuantity, Planned
from orders.budgets.states import ControlKind, Pool
from orders.plans import queries
from orders.plans.events import PlanFiled, PlanReturned
from orders.plans.rules import (
    LineRefusal,
    MoneyShort,
    NoReason,
    NothingFits,
    Origin,
    OtherRegion,
    PlanInUse,
    PlanLineInput,
    PlanRefused,
    QuantityShort,
    ReturnReason,
    Source,
    check,
    check_return,
)
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine


def file(session: Session, actor: Actor, *, title: str, lines: Sequence[PlanLineInput], origin: Origin = Origin.FORM) -> Plan:
    """File a plan of this year: every check at once, then the receipt number, one control per line, and the event.

    Raises Forbidden, PlanRefused with everything that is wrong (B01-B04, P09).
    """
    actor.must(Permission.PLAN_FILE)
    today = clock.today()
    sources = _sources(session, actor, lines)
    _refuse_faults(session, actor, title=title, lines=lines, sources=sources)
    categories = [line.category_code or sources[line.budget_line_id].line.category_code for line in lines]
    plan = Plan(
        number=numbers.new("JH"),
        unit_id=actor.organisation_id,
        region=actor.region,
        year=today.year,
        title=title.strip(),
        state=PlanState.FILED,
        version=1,
        filed_by=actor.person_id,
        filed_at=clock.now(),
        returnable_until=clock.end_of_day(taxonomy.term(session, TermName.PLAN_RETURN, actor.region, today).after(today).on),
    )
    _record_filing(session, actor, plan, lines=lines, categories=categories, sources=sources, origin=origin)
    session.add(plan)
    session.flush()
    controls = budgets.open_controls(
        session,
        actor,
        [
            Opening(
                kind=ControlKind.PLAN_LINE,
                unit_id=plan.unit_id,
                year=plan.year,
                amount_fen=line.amount_fen,
                quantity=line.quantity,
                stream=plan.number,
                version=1,
                key=f"{plan.number}:1:{line_no}",
            )
            for line_no, line in enumerate(lines, 1)
        ],
    )
    session.execute(
        insert(PlanLine),
        [
            {
                "plan_id": plan.id,
                "line_no": line_no,
                "unit_id": plan.unit_id,
                "year": plan.year,
                "budget_line_id": line.budget_line_id,
                "allotment_id": sources[line.budget_line_id].line.allotment_id,
                "control_id": control_id,
                "category_code": category,
                "name": line.name.strip(),
                "quantity": line.quantity,
                "amount_fen": line.amount_fen,
            }
            for line_no, (line, category, control_id) in enumerate(zip(lines, categories, controls, strict=True), 1)
        ],
    )
    if short := budgets.plan(session, _takes(lines)):
        raise PlanRefused(_short(session, actor, lines, set(short)))
    return plan


def examine(session: Session, actor: Actor, *, title: str, lines: Sequence[PlanLineInput]) -> None:
    """Say what is wrong with a plan without filing it. Raises Forbidden, PlanRefused."""
    actor.must(Permission.PLAN_FILE)
    _refuse_faults(session, actor, title=title, lines=lines, sources=_sources(session, actor, lines))


def _sources(session: Session, actor: Actor, lines: Sequence[PlanLineInput]) -> dict[int, budget_queries.LineRow]:
    wanted = {line.budget_line_id for line in lines}
    rows = budget_queries.lines(session, actor, ids=wanted, most=len(wanted) + 1) if wanted else []
    return {row.line.id: row for row in rows if row.line.unit_id == actor.organisation_id}


def _refuse_faults(
    session: Session, actor: Actor, *, title: str, lines: Sequence[PlanLineInput], sources: Mapping[int, budget_queries.LineRow]
) -> None:
    today = clock.today()
    known, covered, sold = {}, {}, {}
    for index, line in enumerate(lines):
        source = sources.get(line.budget_line_id)
        if source is None:
            continue
        code = line.category_code or source.line.category_code
        known[index] = taxonomy.exists(session, code)
        covered[index] = covers(source.line.category_code, code)
        sold[index] = known[index] and taxonomy.in_mall(session, code, actor.region, today)
    wrong = check(
        title=title,
        lines=lines,
        sources={number: _source(row) for number, row in sources.items()},
        year=today.year,
        covered=covered,
        sold=sold,
        known=known,
    )
    if wrong:
        raise PlanRefused(wrong)


def _source(row: budget_queries.LineRow) -> Source:
    return Source(
        budget_line_id=row.line.id,
        code=row.line.code,
        year=row.line.year,
        category_code=row.line.category_code,
        open_fen=row.open_fen,
        open_quantity=row.open_quantity,
    )


def _takes(lines: Sequence[PlanLineInput | PlanLine], *, sign: int = 1) -> list[Planned]:
    """What these lines take from each budget line, summed."""
    sums: dict[int, tuple[int, int]] = {}
    for line in lines:
        fen, pieces = sums.get(line.budget_line_id, (0, 0))
        sums[line.budget_line_id] = (fen + sign * line.amount_fen, pieces + sign * line.quantity)
    return [Planned(budget_line_id, fen, pieces) for budget_line_id, (fen, pieces) in sums.items()]


def _short(session: Session, actor: Actor, lines: Sequence[PlanLineInput], ids: set[int]) -> list[LineRefusal]:
    """Somebody else's plan was faster: the figures as they are now."""
    refusals: list[LineRefusal] = []
    now = _sources(session, actor, lines)
    for take in _takes(lines):
        if take.budget_line_id not in ids:
            continue
        row = now[take.budget_line_id]
        number = next(n for n, line in enumerate(lines, 1) if line.budget_line_id == take.budget_line_id)
        if take.amount_fen > row.open_fen:
            refusals.append(MoneyShort(line=number, budget_line=row.line.code, open_fen=row.open_fen, wanted_fen=take.amount_fen))
        if take.quantity > row.open_quantity:
            refusals.append(
                QuantityShort(
                    line=number, budget_line=row.line.code, open_quantity=row.open_quantity, wanted_quantity=take.quantity
                )
            )
    return refusals


def _record_filing(
    session: Session,
    actor: Actor,
    plan: Plan,
    *,
    lines: Sequence[PlanLineInput],
    categories: Sequence[str],
    sources: Mapping[int, budget_queries.LineRow],
    origin: Origin,
) -> None:
    fact = PlanFiled(
        plan=plan.number,
        unit_id=plan.unit_id,
        unit_name=actor.organisation_name,
        year=plan.year,
        total_fen=sum(line.amount_fen for line in lines),
        categories=tuple(sorted(set(categories))),
        title=plan.title,
        origin=origin.value,
        lines=tuple(
            {
                "line": line_no,
                "category": category,
                "name": line.name.strip(),
                "quantity": line.quantity,
                "amount_fen": line.amount_fen,
                "budget_line": sources[line.budget_line_id].line.code,
                "allotment": sources[line.budget_line_id].allotment.number,
            }
            for line_no, (line, category) in enumerate(zip(lines, categories, strict=True), 1)
        ),
    )
    outbox.record(session, actor, fact, stream=plan.number, version=1, region=plan.region, owner_id=plan.unit_id)


def file_on_spot(
    session: Session,
    actor: Actor,
    *,
    category_code: str,
    quantity: int,
    amount_fen: int,
    budget_line_id: int | None = None,
    name: str | None = None,
) -> Plan:
    """File a one-line plan from a cart line, on the budget line given or the one that fits best.

    Raises Forbidden, UnknownCategory, NothingFits, PlanRefused.
    """
    category = taxonomy.category(session, category_code)
    if budget_line_id is None:
        fitting = queries.candidates(session, actor, category_code, amount_fen, quantity)
        if not fitting:
            raise NothingFits(category=f"{category_code} {category.name}", wanted_fen=amount_fen, quantity=quantity)
        budget_line_id = fitting[0].row.line.id
    line = PlanLineInput(
        budget_line_id=budget_line_id,
        quantity=quantity,
        amount_fen=amount_fen,
        name=name or category.name,
        category_code=category_code,
    )
    return file(session, actor, title=f"{name or category.name}采购计划", lines=[line], origin=Origin.CART)


def send_back(session: Session, actor: Actor, plan: Plan, reason: ReturnReason | None, note: str) -> None:
    """Send a filed plan back for correction: within its period, before its first order; its money is free again.

    Raises Forbidden, OtherRegion, NoReason, NotFiled, PlanInUse, ReturnTooLate.
    """
    actor.must(Permission.PLAN_RETURN)
    if plan.region != actor.region and not actor.is_system:
        raise OtherRegion(plan=plan.number, region=regions.by_code(plan.region).name)
    if reason is None or not note.strip():
        raise NoReason()
    session.refresh(plan, with_for_update={"key_share": True})  # of two clerks at once the second finds what the first did
    refusal = check_return(
        number=plan.number,
        state=plan.state,
        until=plan.returnable_until,
        until_text=f"{clock.local(plan.returnable_until):%Y-%m-%d %H:%M}",
        now=clock.now(),
        ordered=plan.id in queries.ordered_ids(session, [plan.id]),
    )
    if refusal is not None:
        raise refusal
    lines = session.scalars(select(PlanLine).where(PlanLine.plan_id == plan.id)).all()
    version = plan.version + 1
    fact = PlanReturned(
        plan=plan.number,
        unit_id=plan.unit_id,
        unit_name=budget_queries.owner(session, plan.unit_id).name,
        year=plan.year,
        total_fen=sum(line.amount_fen for line in lines),
        categories=tuple(sorted({line.category_code for line in lines})),
        reason=reason.value,
        note=note.strip(),
    )
    outbox.record(session, actor, fact, stream=plan.number, version=version, region=plan.region, owner_id=plan.unit_id)
    plan.version, plan.state, plan.return_reason, plan.returned_by = version, PlanState.RETURNED, note.strip(), actor.person_id
    session.flush()
    moves = [
        MoveRequest(
            key=f"{plan.number}:{version}:{line.line_no}",
            control_id=line.control_id,
            source=Pool.FREE,
            target=Pool.OUTSIDE,
            amount_fen=line.amount_fen,
            quantity=line.quantity,
            stream=plan.number,
            version=version,
        )
        for line in lines
    ]
    try:
        budgets.apply(session, actor, moves)
    except (OverBudget, OverQuantity) as ordered:  # an order came in between
        raise PlanInUse(plan=plan.number) from ordered
    if budgets.plan(session, _takes(lines, sign=-1)):
        raise RuntimeError(f"budget lines of {plan.number} hold less than it planned")
