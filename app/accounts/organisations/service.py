"""Registers organisations, their delivery addresses and invoice titles. The way in commits."""

from collections.abc import Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.accounts.organisations import queries, rules
from app.accounts.organisations.events import (
    AddressAdded,
    AddressWithdrawn,
    InvoiceTitleAdded,
    InvoiceTitleWithdrawn,
    OrganisationRegistered,
    OrganisationStruckOff,
)
from app.accounts.organisations.rules import CodeTaken, NewOrganisation, WrongParent
from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.kernel import clock, credit_codes, outbox, regions
from app.kernel.outbox import Entry
from app.policy import Actor, OrganisationKind, Permission


def stream(organisation_id: int) -> str:
    """The name of an organisation's stream of events."""
    return f"organisation/{organisation_id}"


def register(session: Session, actor: Actor, new: NewOrganisation) -> Organisation:
    """Enter an organisation. Raises Forbidden, BadCode, BadCreditCode, UnknownRegion, CodeTaken or WrongParent."""
    actor.must(Permission.ORGANISATION_REGISTER)
    rules.check_code(new.code)
    if new.credit_code:
        credit_codes.check(new.credit_code)
    regions.by_code(new.region)
    taken = session.scalars(
        select(Organisation).where(or_(Organisation.code == new.code, Organisation.credit_code == (new.credit_code or new.code)))
    ).first()
    if taken is not None:
        field = "code" if taken.code == new.code else "credit_code"
        raise CodeTaken(taken=getattr(taken, field) or new.code, field=field)
    parent = _parent(session, new)
    row = Organisation(
        kind=new.kind,
        code=new.code,
        name=new.name,
        short_name=new.short_name or new.name,
        credit_code=new.credit_code or None,
        region=new.region,
        parent_id=parent.id if parent else None,
        level=parent.level + 1 if parent else 1,
        unit_kind=new.unit_kind or None,
        registered_at=clock.now(),
    )
    session.add(row)
    session.flush()
    outbox.record_all(session, actor, [_registered(row)])
    return row


def strike_off(session: Session, actor: Actor, organisation_id: int) -> None:
    """Take an organisation out of the register: nobody of it signs in any more, its codes are free. Raises Forbidden or Missing."""
    actor.must(Permission.ORGANISATION_REGISTER)
    row = queries.by_id(session, organisation_id)
    code = row.code
    row.active, row.credit_code, row.code = False, None, f"OFF-{row.id}"
    fact = OrganisationStruckOff(organisation_id=row.id, code=code, name=row.name)
    outbox.record(session, actor, fact, stream=stream(row.id), region=row.region, owner_id=row.id)


def register_units(session: Session, actor: Actor, units: Sequence[NewOrganisation]) -> None:
    """Enter many purchasing units that were judged before, parents before their children. Raises Forbidden."""
    actor.must(Permission.ORGANISATION_REGISTER)
    known = queries.by_codes(session, {unit.parent_code for unit in units if unit.parent_code})
    made: list[Organisation] = []
    for new in units:
        parent = known[new.parent_code] if new.parent_code else None
        unit = Organisation(
            kind=OrganisationKind.UNIT,
            code=new.code,
            name=new.name,
            short_name=new.short_name or new.name,
            credit_code=new.credit_code,
            region=new.region,
            parent_id=parent.id if parent else None,
            level=parent.level + 1 if parent else 1,
            unit_kind=new.unit_kind,
            registered_at=clock.now(),
        )
        session.add(unit)
        session.flush()
        known[unit.code] = unit
        made.append(unit)
    if made:
        outbox.record_all(session, actor, [_registered(unit) for unit in made])


def add_address(
    session: Session, actor: Actor, *, label: str, region: str, street: str, contact: str, phone: str, is_default: bool = False
) -> Address:
    """Add a delivery address of the actor's own organisation. Raises Forbidden, UnknownRegion or BadPhone."""
    actor.must(Permission.UNIT_ADMINISTER)
    assert actor.organisation_id is not None
    regions.by_code(region)
    rules.check_phone(phone)
    first = not queries.addresses_of(session, actor.organisation_id)
    if is_default and not first:
        session.execute(update(Address).where(Address.organisation_id == actor.organisation_id).values(is_default=False))
    row = Address(
        organisation_id=actor.organisation_id,
        label=label,
        region=region,
        street=street,
        contact=contact,
        phone=phone,
        is_default=is_default or first,
    )
    session.add(row)
    session.flush()
    _record(session, actor, AddressAdded(address_id=row.id, region=region, street=street))
    return row


def withdraw_address(session: Session, actor: Actor, address_id: int) -> None:
    """Take an address out of use; orders that go there keep their copy. Raises Forbidden or Missing."""
    actor.must(Permission.UNIT_ADMINISTER)
    row = queries.address(session, actor, address_id)
    row.active = False
    _record(session, actor, AddressWithdrawn(address_id=row.id))


def add_invoice_title(session: Session, actor: Actor, *, title: str, tax_number: str, is_default: bool = False) -> InvoiceTitle:
    """Add an invoice title of the actor's own organisation. Raises Forbidden, BadTaxNumber or BadCreditCode."""
    actor.must(Permission.UNIT_ADMINISTER)
    assert actor.organisation_id is not None
    rules.check_tax_number(tax_number)
    first = not queries.invoice_titles_of(session, actor.organisation_id)
    if is_default and not first:
        session.execute(update(InvoiceTitle).where(InvoiceTitle.organisation_id == actor.organisation_id).values(is_default=False))
    row = InvoiceTitle(organisation_id=actor.organisation_id, title=title, tax_number=tax_number, is_default=is_default or first)
    session.add(row)
    session.flush()
    _record(session, actor, InvoiceTitleAdded(invoice_title_id=row.id, title=title, tax_number=tax_number))
    return row


def withdraw_invoice_title(session: Session, actor: Actor, invoice_title_id: int) -> None:
    """Take an invoice title out of use. Raises Forbidden or Missing."""
    actor.must(Permission.UNIT_ADMINISTER)
    row = queries.invoice_title(session, actor, invoice_title_id)
    row.active = False
    _record(session, actor, InvoiceTitleWithdrawn(invoice_title_id=row.id))


def _record(session: Session, actor: Actor, fact: AddressAdded | AddressWithdrawn | InvoiceTitleAdded | InvoiceTitleWithdrawn) -> None:
    assert actor.organisation_id is not None
    outbox.record(session, actor, fact, stream=stream(actor.organisation_id), region=actor.region, owner_id=actor.organisation_id)


def _registered(row: Organisation) -> Entry:
    fact = OrganisationRegistered(
        organisation_id=row.id, kind=row.kind.value, code=row.code, name=row.name, region=row.region, parent_id=row.parent_id
    )
    return Entry(fact, stream(row.id), 1, row.region, row.id)


def _parent(session: Session, new: NewOrganisation) -> Organisation | None:
    if not new.parent_code:
        return None
    parent = queries.by_codes(session, [new.parent_code]).get(new.parent_code)
    if parent is None or parent.kind is not OrganisationKind.UNIT or parent.level >= rules.DEEPEST or new.kind is not OrganisationKind.UNIT:
        raise WrongParent(parent=new.parent_code, field="parent_code")
    return parent
