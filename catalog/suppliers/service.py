"""Commands on the supplier library. The way in commits."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.kernel import clock, outbox, regions, sheets
from app.kernel.errors import N_
from app.kernel.events import Fact
from app.kernel.regions import Level
from app.kernel.sheets import CellProblem, Imported
from app.policy import SYSTEM, Actor, Permission
from catalog.suppliers import queries, rules
from catalog.suppliers.events import (
    AreasChanged,
    DishonestImported,
    StandingOrdered,
    SupplierEntered,
    SupplierLifted,
    SupplierSuspended,
)
from catalog.suppliers.rules import AlreadyEntered, Decree, EndsBeforeNow, EndsBeforeStart, NotActive, NotSuspended, ReasonMissing
from catalog.suppliers.states import DecisionAction, DecisionKind, DecisionState, Scale, Standing, next_state
from catalog.suppliers.tables import Dishonest, StandingDecision, Supplier, SupplierArea, SupplierClass
from catalog.taxonomy import queries as taxonomy


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a supplier hands in; `name` is the legal name of its organisation."""

    organisation_id: int
    name: str
    kind: str
    scale: Scale
    legal_representative: str
    contact: str
    phone: str
    bank_name: str
    bank_account: str
    payee_account: str
    score: int = 100
    entered_at: datetime | None = None


def enter(
    session: Session, actor: Actor, entry: Entry, *, areas: Collection[str] = (regions.PROVINCE,), classes: Collection[str] = ()
) -> Supplier:
    """Let a registered organisation into the library, to deliver to these regions. Raises AlreadyEntered."""
    if not actor.may(Permission.SUPPLIER_REVIEW):
        actor.must(Permission.ORGANISATION_REGISTER)
    if session.get(Supplier, entry.organisation_id) is not None:
        raise AlreadyEntered(name=entry.name)
    _enter_all(session, actor, [entry])
    session.add_all(SupplierArea(supplier_id=entry.organisation_id, region=each) for each in areas)
    session.add_all(SupplierClass(supplier_id=entry.organisation_id, code=each) for each in classes)
    session.flush()
    return queries.by_id(session, entry.organisation_id)


def enter_all(session: Session, actor: Actor, entries: Sequence[Entry]) -> None:
    """Let many in that deliver to the whole province (import, demonstration)."""
    actor.must(Permission.ORGANISATION_REGISTER)
    _enter_all(session, actor, entries)
    session.execute(insert(SupplierArea), [{"supplier_id": entry.organisation_id, "region": regions.PROVINCE} for entry in entries])


def _enter_all(session: Session, actor: Actor, entries: Sequence[Entry]) -> None:
    now = clock.now()
    session.execute(
        insert(Supplier),
        [{**asdict(entry), "entered_at": entry.entered_at or now, "standing": Standing.ACTIVE, "version": 1} for entry in entries],
    )
    outbox.record_all(
        session,
        actor,
        [
            outbox.Entry(
                SupplierEntered(supplier_id=entry.organisation_id, name=entry.name, kind=entry.kind, scale=entry.scale.value),
                stream_of(entry.organisation_id),
                1,
                owner_id=entry.organisation_id,
            )
            for entry in entries
        ],
    )


def set_areas(session: Session, actor: Actor, codes: Collection[str]) -> tuple[str, ...]:
    """Say where the actor's own supplier delivers. Raises Forbidden, Missing (not in the library), UnknownArea, NoArea."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    supplier = _held(session, actor.organisation_id or 0)
    wanted, before = rules.tidy_areas(codes, regions.REGIONS), queries.areas(session, supplier.organisation_id)
    if wanted == before:
        return wanted
    session.execute(delete(SupplierArea).where(SupplierArea.supplier_id == supplier.organisation_id))
    session.add_all(SupplierArea(supplier_id=supplier.organisation_id, region=each) for each in wanted)
    _record(session, actor, supplier, AreasChanged(supplier_id=supplier.organisation_id, areas=wanted, before=before))
    return wanted


# ---------------------------------------------------------------- standing


def suspend(session: Session, actor: Actor, supplier_id: int, *, reason: str, until: datetime | None = None) -> Supplier:
    """Stop a supplier from trading in the actor's region, everywhere when that is the province. Raises as `decide`."""
    decide(session, actor, supplier_id, Decree(kind=DecisionKind.SUSPENSION, reason=reason, ends_at=until))
    return queries.by_id(session, supplier_id)


def decide(session: Session, actor: Actor, supplier_id: int, decree: Decree) -> StandingDecision:
    """Record and publish a decision: a suspension holds in the actor's region with all below it, a ban everywhere.

    It begins at once unless a later moment is given, and the clock ends it. Raises Forbidden, Missing, ReasonMissing, EndsBeforeNow,
    EndsBeforeStart, NotActive, BanNeedsItsDecision or BanNeedsItsTerm.
    """
    is_ban = decree.kind is DecisionKind.BAN
    actor.must(Permission.SUPPLIER_BAN if is_ban else Permission.SUPPLIER_SUSPEND)
    supplier, now = _held(session, supplier_id), clock.now()
    decree = replace(decree, reason=decree.reason.strip(), basis=decree.basis.strip(), document_no=decree.document_no.strip())
    starts_at = max(decree.starts_at or now, now)
    if not decree.reason:
        raise ReasonMissing()
    if decree.ends_at is not None and decree.ends_at <= now:
        raise EndsBeforeNow()
    if decree.ends_at is not None and decree.ends_at <= starts_at:
        raise EndsBeforeStart()
    if is_ban:
        figures = taxonomy.parameters(session, "K02", clock.today())
        rules.check_ban(decree, starts_at, least=figures["months_least"], most=figures["months_most"])
    region = None if is_ban or regions.by_code(actor.region).level is Level.PROVINCE else actor.region
    if any(each.kind is decree.kind and each.region == region for each in queries.standing_decisions(session, supplier_id)):
        raise NotActive(name=supplier.name)
    decision = StandingDecision(
        supplier_id=supplier_id,
        kind=decree.kind,
        state=DecisionState.ORDERED,
        region=region,
        document_no=decree.document_no,
        reason=decree.reason,
        basis=decree.basis,
        starts_at=starts_at,
        ends_at=decree.ends_at,
        decided_by=actor.person_id,
        decided_for=actor.organisation_name or actor.name,
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    if starts_at > now:
        facts = {"supplier_id": supplier_id, "name": supplier.name, "begins": starts_at, "until": decree.ends_at}
        _record(session, actor, supplier, StandingOrdered(**facts, **_of(decision)))  # type: ignore[arg-type]
    else:
        _begin(session, actor, supplier, decision)
    return decision


def lift(session: Session, actor: Actor, supplier_id: int, *, reason: str, decision_id: int | None = None) -> Supplier:
    """End a decision before its last day: this one, or the newest that the actor may end. Raises NotSuspended, ReasonMissing, Missing."""
    if not actor.may(Permission.SUPPLIER_BAN):
        actor.must(Permission.SUPPLIER_SUSPEND)
    supplier = _held(session, supplier_id)
    if not reason.strip():
        raise ReasonMissing()
    open_to_actor = [each for each in queries.standing_decisions(session, supplier_id) if queries.may_lift(actor, each)]
    decision = next((each for each in open_to_actor if decision_id in (None, each.id)), None)
    if decision is None:
        raise NotSuspended(name=supplier.name)
    _end(session, actor, supplier, decision, DecisionAction.LIFT, reason.strip())
    return supplier


def keep_time(session: Session, decision_id: int) -> bool:
    """Begin or end a decision whose moment has come; false when somebody was faster."""
    decision = session.get_one(StandingDecision, decision_id)
    supplier, now = _held(session, decision.supplier_id), clock.now()
    session.refresh(decision)
    if decision.state is DecisionState.ORDERED and decision.starts_at <= now:
        _begin(session, SYSTEM, supplier, decision)
        return True
    if decision.state is DecisionState.IN_FORCE and decision.ends_at is not None and decision.ends_at <= now:
        _end(session, SYSTEM, supplier, decision, DecisionAction.LAPSE, rules.LAPSED)
        return True
    return False


def _begin(session: Session, actor: Actor, supplier: Supplier, decision: StandingDecision) -> None:
    _move(decision, DecisionAction.BEGIN)
    _project(session, supplier)
    fact = SupplierSuspended(supplier_id=supplier.organisation_id, name=supplier.name, until=decision.ends_at, **_of(decision))  # type: ignore[arg-type]
    _record(session, actor, supplier, fact)


def _end(
    session: Session, actor: Actor, supplier: Supplier, decision: StandingDecision, action: DecisionAction, reason: str
) -> None:
    decision.ended_at, decision.ended_reason = clock.now(), reason
    _move(decision, action)
    _project(session, supplier)
    about = {"supplier_id": supplier.organisation_id, "name": supplier.name, "reason": reason}
    _record(session, actor, supplier, SupplierLifted(**about, decision=decision.id, region=decision.region))  # type: ignore[arg-type]


def _move(decision: StandingDecision, action: DecisionAction) -> None:
    target = next_state(decision.state, action)
    if target is None:
        raise ValueError(f"no {action} from {decision.state}")
    decision.state = target


def _project(session: Session, supplier: Supplier) -> None:
    """The supplier's standing is what the gravest decision in force everywhere makes of it."""
    session.flush()
    everywhere = [
        each
        for each in queries.standing_decisions(session, supplier.organisation_id)
        if each.state is DecisionState.IN_FORCE and each.region is None
    ]
    gravest = next((each for each in everywhere if each.kind is DecisionKind.BAN), None) or next(iter(everywhere), None)
    if gravest is None:
        supplier.standing, supplier.standing_reason, supplier.standing_until = Standing.ACTIVE, None, None
        return
    supplier.standing = Standing.BANNED if gravest.kind is DecisionKind.BAN else Standing.SUSPENDED
    supplier.standing_reason, supplier.standing_until = gravest.reason, gravest.ends_at


def _of(decision: StandingDecision) -> dict[str, object]:
    return {
        "decision": decision.id,
        "kind": decision.kind.value,
        "region": decision.region,
        "document_no": decision.document_no,
        "basis": decision.basis,
        "reason": decision.reason,
    }


def stream_of(supplier_id: int) -> str:
    """The name of a supplier's stream of events."""
    return f"supplier/{supplier_id}"


def _held(session: Session, supplier_id: int) -> Supplier:
    """The supplier, its row held: of two decisions at once the second finds the first. Raises Missing."""
    supplier = queries.by_id(session, supplier_id)
    session.refresh(supplier, with_for_update={"key_share": True})
    return supplier


def _record(session: Session, actor: Actor, supplier: Supplier, fact: Fact) -> None:
    supplier.version += 1
    outbox.record(session, actor, fact, stream=stream_of(supplier.organisation_id), region=actor.region, owner_id=supplier.organisation_id)


# ---------------------------------------------------------------- what older versions did not know


def complete(session: Session) -> str:
    """Give suppliers of an older version what a newer one looks at: the whole province as area, a decision for a suspension."""
    bare = select(Supplier.organisation_id).where(
        ~select(SupplierArea.region).where(SupplierArea.supplier_id == Supplier.organisation_id).exists()
    )
    missing = list(session.scalars(bare))
    if missing:
        session.execute(insert(SupplierArea), [{"supplier_id": each, "region": regions.PROVINCE} for each in missing])
    undecided = select(Supplier).where(
        Supplier.standing.in_((Standing.SUSPENDED, Standing.BANNED)),
        ~select(StandingDecision.id).where(StandingDecision.supplier_id == Supplier.organisation_id).exists(),
    )
    stopped = list(session.scalars(undecided))
    session.add_all(
        StandingDecision(
            supplier_id=each.organisation_id,
            kind=DecisionKind.SUSPENSION,
            state=DecisionState.IN_FORCE,
            document_no="",
            reason=each.standing_reason or "",
            basis="",
            starts_at=each.entered_at,
            ends_at=each.standing_until if each.standing_until and each.standing_until > each.entered_at else None,
            decided_for="",
            decided_at=clock.now(),
        )
        for each in stopped
    )
    session.flush()
    return f"{len(missing)} areas, {len(stopped)} decisions"


# ---------------------------------------------------------------- dishonest firms


def import_dishonest(session: Session, actor: Actor, table: Sequence[sheets.Line], *, dry_run: bool = False) -> Imported:
    """Take over a list of dishonest firms; an entry that is known by code, list and number gets its new period.

    Columns: 统一社会信用代码, 名称, 名单, 文号, 来源, 列入日期, 截止日期. Raises SheetRefused with one entry per cell.
    """
    actor.must(Permission.SUPPLIER_REVIEW)
    rows, problems = sheets.read(table, rules.DISHONEST_COLUMNS)
    problems += [
        CellProblem(row.line, "截止日期", row["valid_to"].isoformat(), N_("截止日期早于列入日期"), N_("核对两个日期后改正"))
        for row in rows
        if row["valid_to"] is not None and row["valid_to"] < row["valid_from"]
    ]
    sheets.refuse(problems)
    known = {
        (row.credit_code, row.list_name, row.document_no): row
        for row in session.scalars(select(Dishonest).where(Dishonest.credit_code.in_({row["credit_code"] for row in rows})))
    }
    added = changed = 0
    for row in rows:
        key = (row["credit_code"], row["list_name"], row["document_no"])
        figures = {name: row[name] for name in ("name", "source", "valid_from", "valid_to")}
        if key not in known:
            added += 1
            known[key] = Dishonest(credit_code=key[0], list_name=key[1], document_no=key[2], imported_at=clock.now(), **figures)
            if not dry_run:
                session.add(known[key])
        elif any(getattr(known[key], name) != value for name, value in figures.items()):
            changed += 1
            if not dry_run:
                for name, value in figures.items():
                    setattr(known[key], name, value)
    if not dry_run and (added or changed):
        lists = tuple(sorted({row["list_name"] for row in rows}))
        fact = DishonestImported(list_names=lists, added=added, changed=changed)
        outbox.record(session, actor, fact, stream="supplier/dishonest")
    return Imported(rows=len(rows), added=added, changed=changed, dry_run=dry_run)


def refuse_dishonest(session: Session, credit_code: str | None, name: str) -> None:
    """Accept a firm that stands on no list of dishonest firms today (rule K01). Raises Dishonest."""
    found = queries.dishonest(session, credit_code, clock.today())
    if found is not None:
        raise rules.Dishonest(name=name, list_name=found.list_name, document_no=found.document_no)
