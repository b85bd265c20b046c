"""Entering the supplier library, and leaving trade for a time."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.suppliers import queries, service
from catalog.suppliers.rules import AlreadyEntered, EndsBeforeNow, NotActive, NotSuspended, ReasonMissing, is_sme
from catalog.suppliers.states import Scale, Standing
from tests import factories


@pytest.fixture
def seller(session):
    with commit(session):
        return factories.supplier(session)


@pytest.fixture
def supervisor(session):
    with commit(session):
        bureau = factories.organisation(session, OrganisationKind.FINANCE, region="410000")
        return factories.actor(session, factories.person(session, bureau, Role.SUPERVISOR))


def stream(session, supplier_id):
    return list(session.scalars(select(Event).where(Event.stream == f"supplier/{supplier_id}").order_by(Event.version)))


def entry(organisation):
    return service.Entry(
        organisation_id=organisation.id, name=organisation.name, kind="电商", scale=Scale.MICRO, legal_representative="李法", contact="赵联",
        phone="0371-61111111", bank_name="中原银行", bank_account="4100000000000001", payee_account="acct_1",
    )  # fmt: skip


@pytest.mark.both_databases
def test_a_registered_organisation_enters_the_library_once(session):
    with commit(session):
        of = factories.organisation(session, OrganisationKind.SUPPLIER)
        service.enter(session, SYSTEM, entry(of))
    assert queries.names(session, [of.id, 10**9]) == {of.id: of.name}
    assert queries.payee(session, of.id).payee_account == "acct_1"
    assert queries.scale(session, of.id) is Scale.MICRO
    assert [event.type for event in stream(session, of.id)] == ["supplier.entered"]
    with pytest.raises(AlreadyEntered), commit(session):
        service.enter(session, SYSTEM, entry(of))


def test_a_suspension_states_its_reason_and_ends_by_a_decision(session, seller, supervisor):
    until = clock.now() + timedelta(days=30)
    with commit(session):
        service.suspend(session, supervisor, seller.organisation_id, reason="虚假库存", until=until)
    assert (seller.standing, seller.standing_reason, seller.standing_until) == (Standing.SUSPENDED, "虚假库存", until)
    with commit(session):
        service.lift(session, supervisor, seller.organisation_id, reason="整改完成")
    assert (seller.standing, seller.standing_reason, seller.standing_until) == (Standing.ACTIVE, None, None)
    events = stream(session, seller.organisation_id)
    assert [event.type for event in events] == ["supplier.suspended", "supplier.lifted"]
    assert json.loads(events[0].body)["reason"] == "虚假库存"


def test_what_makes_no_sense_changes_nothing(session, seller, supervisor):
    refused = [
        (ReasonMissing, lambda: service.suspend(session, supervisor, seller.organisation_id, reason=" ")),
        (EndsBeforeNow, lambda: service.suspend(session, supervisor, seller.organisation_id, reason="x", until=clock.now())),
        (NotSuspended, lambda: service.lift(session, supervisor, seller.organisation_id, reason="x")),
        (Missing, lambda: service.suspend(session, supervisor, 10**9, reason="x")),
    ]
    for kind, attempt in refused:
        with pytest.raises(kind), commit(session):
            attempt()
    assert stream(session, seller.organisation_id) == []
    with commit(session):
        service.suspend(session, supervisor, seller.organisation_id, reason="x")
    with pytest.raises(NotActive), commit(session):
        service.suspend(session, supervisor, seller.organisation_id, reason="y")


def test_only_those_who_supervise_may_suspend(session, seller):
    with commit(session):
        buyer = factories.actor(session, factories.person(session, factories.unit(session), Role.BUYER))
    with pytest.raises(Forbidden), commit(session):
        service.suspend(session, buyer, seller.organisation_id, reason="x")


@pytest.mark.parametrize(("scale", "sme"), [(Scale.MICRO, True), (Scale.SMALL, True), (Scale.MEDIUM, True), (Scale.LARGE, False)])
def test_only_large_enterprises_are_no_smes(scale, sme):
    assert is_sme(scale) is sme


def test_the_library_is_read_by_name_in_pages(session):
    with commit(session):
        for name in ("丙公司", "甲公司", "乙商行"):
            factories.supplier(session, name=name)
    first = queries.visible(session, q="公司", limit=1)
    second = queries.visible(session, q="公司", cursor=first.next, limit=1)
    assert [row.name for row in (*first.rows, *second.rows)] == sorted(["丙公司", "甲公司"])
    assert second.next is None
