"""Commands on the supplier library."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.policy import Actor, Permission
from catalog.suppliers import queries
from catalog.suppliers.events import SupplierEntered, SupplierLifted, SupplierSuspended
from catalog.suppliers.rules import AlreadyEntered, EndsBeforeNow, NotActive, NotSuspended, ReasonMissing
from catalog.suppliers.states import Scale, Standing
from catalog.suppliers.tables import Supplier


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


def enter(session: Session, actor: Actor, entry: Entry) -> Supplier:
    """Let a registered organisation into the library. Raises AlreadyEntered."""
    actor.must(Permission.ORGANISATION_REGISTER)
    if session.get(Supplier, entry.organisation_id) is not None:
        raise AlreadyEntered(name=entry.name)
    enter_all(session, actor, [entry])
    return queries.by_id(session, entry.organisation_id)


def enter_all(session: Session, actor: Actor, entries: Sequence[Entry]) -> None:
    """Let many in with two statements (import, demonstration)."""
    actor.must(Permission.ORGANISATION_REGISTER)
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


def suspend(session: Session, actor: Actor, supplier_id: int, *, reason: str, until: datetime | None = None) -> Supplier:
    """Stop a supplier from trading, with a reason that is published. Raises NotActive, ReasonMissing, EndsBeforeNow."""
    actor.must(Permission.SUPPLIER_SUSPEND)
    supplier = queries.by_id(session, supplier_id)
    if not reason.strip():
        raise ReasonMissing()
    if until is not None and until <= clock.now():
        raise EndsBeforeNow()
    if supplier.standing is not Standing.ACTIVE:
        raise NotActive(name=supplier.name)
    supplier.standing, supplier.standing_reason, supplier.standing_until = Standing.SUSPENDED, reason.strip(), until
    _record(session, actor, supplier, SupplierSuspended(supplier_id=supplier_id, name=supplier.name, reason=reason.strip(), until=until))
    return supplier


def lift(session: Session, actor: Actor, supplier_id: int, *, reason: str) -> Supplier:
    """Let a suspended supplier trade again. Raises NotSuspended, ReasonMissing."""
    actor.must(Permission.SUPPLIER_SUSPEND)
    supplier = queries.by_id(session, supplier_id)
    if not reason.strip():
        raise ReasonMissing()
    if supplier.standing is not Standing.SUSPENDED:
        raise NotSuspended(name=supplier.name)
    supplier.standing, supplier.standing_reason, supplier.standing_until = Standing.ACTIVE, None, None
    _record(session, actor, supplier, SupplierLifted(supplier_id=supplier_id, name=supplier.name, reason=reason.strip()))
    return supplier


def stream_of(supplier_id: int) -> str:
    """The name of a supplier's stream of events."""
    return f"supplier/{supplier_id}"


def _record(session: Session, actor: Actor, supplier: Supplier, fact: SupplierSuspended | SupplierLifted) -> None:
    supplier.version += 1
    outbox.record(session, actor, fact, stream=stream_of(supplier.organisation_id), region=actor.region, owner_id=supplier.organisation_id)
