"""What one statement tells of a buyer's desk: where goods go, who is billed, and who else is there to check him."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select, true
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.accounts.people.tables import Person, PersonState, Post
from app.kernel import regions
from app.kernel.db import among, run
from app.kernel.errors import N_, Missing
from app.policy import Actor, Role


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The unit behind a submission: its places by address id, its invoice title, how many others can approve and accept."""

    unit_name: str
    places: dict[int, str]
    invoice_title: str
    invoice_tax_number: str
    other_approvers: int
    other_acceptors: int


class UnknownPlace(Missing):
    """An address or invoice title that is not the unit's (or none is there yet)."""

    code = "desk.unknown_place"
    message = N_("收货地址或发票抬头不属于本单位，或尚未设置")
    way_out = N_("请单位管理员在“本单位”中维护收货地址和发票抬头")


@cache
def _desk(places_named: bool, title_named: bool) -> Select[Any]:
    others = (
        select(func.count())
        .select_from(Post)
        .join(Person, Person.id == Post.person_id)
        .where(
            Person.organisation_id == bindparam("unit"),
            Person.state == PersonState.ACTIVE,
            Person.id != bindparam("buyer"),
        )
    )
    places = among(Address.id, "places") if places_named else true()
    title = InvoiceTitle.id == bindparam("title") if title_named else true()
    return (
        select(
            Organisation.name.label("unit_name"),
            Address.id,
            Address.region,
            Address.street,
            Address.contact,
            Address.phone,
            InvoiceTitle.title,
            InvoiceTitle.tax_number,
            others.where(Post.role == Role.APPROVER).scalar_subquery().label("approvers"),
            others.where(Post.role == Role.ACCEPTOR).scalar_subquery().label("acceptors"),
        )
        .select_from(Organisation)
        .outerjoin(Address, and_(Address.organisation_id == Organisation.id, Address.active, places))
        .outerjoin(InvoiceTitle, and_(InvoiceTitle.organisation_id == Organisation.id, InvoiceTitle.active, title))
        .where(Organisation.id == bindparam("unit"))
        .order_by(Address.id, InvoiceTitle.id)
    )


def of(session: Session, actor: Actor, address_ids: Iterable[int], invoice_title_id: int | None) -> Desk:
    """The desk of a buyer, with these addresses (all active ones when none is named). Raises UnknownPlace."""
    wanted = set(address_ids)
    values: dict[str, Any] = {"unit": actor.organisation_id, "buyer": actor.person_id or 0}
    if wanted:
        values["places"] = sorted(wanted)
    if invoice_title_id:
        values["title"] = invoice_title_id
    rows = run(session, _desk(bool(wanted), bool(invoice_title_id)), values).all()
    places = {
        row.id: f"{regions.full_name(row.region)} {row.street}（{row.contact} {row.phone}）" for row in rows if row.id is not None
    }
    if not places or not wanted <= set(places) or rows[0].title is None:
        raise UnknownPlace()
    return Desk(
        unit_name=rows[0].unit_name,
        places=places,
        invoice_title=rows[0].title,
        invoice_tax_number=rows[0].tax_number,
        other_approvers=rows[0].approvers,
        other_acceptors=rows[0].acceptors,
    )
