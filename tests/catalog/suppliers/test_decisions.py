"""Decisions that stop a supplier's trade: where they hold, for how long, who may make and end them."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.listings import queries as listings
from catalog.suppliers import handlers, queries, service
from catalog.suppliers.queries import Filters
from catalog.suppliers.rules import BanNeedsItsDecision, BanNeedsItsTerm, Decree, EndsBeforeStart, NotActive, NotSuspended
from catalog.suppliers.states import DecisionKind, DecisionState, Scale, Standing
from catalog.suppliers.tables import StandingDecision, Supplier, SupplierArea, SupplierClass
from tests import factories

PROVINCE = "410000"


@pytest.fixture
def seller(session):
    with commit(session):
        return factories.supplier(session)


def keeper(session, region, role=Role.SUPERVISOR, kind=OrganisationKind.FINANCE):
    with commit(session):
        of = factories.organisation(session, kind, region=region)
        return factories.actor(session, factories.person(session, of, role))


def decree(kind=DecisionKind.SUSPENSION, **more):
    return Decree(**({"kind": kind, "reason": "虚假库存"} | more))


def ban(months=24, **more):
    until = clock.end_of_day((clock.local(clock.now()) + timedelta(days=30 * months + months // 2)).date())
    return decree(DecisionKind.BAN, **({"basis": "政府采购法第七十七条", "document_no": "豫财购罚〔2026〕3号", "ends_at": until} | more))


def pass_to(monkeypatch, moment: datetime):
    monkeypatch.setattr(clock, "now", lambda: moment)


def types(session, supplier_id):
    return list(session.scalars(select(Event.type).where(Event.stream == f"supplier/{supplier_id}").order_by(Event.version)))


@pytest.mark.both_databases
def test_a_city_stops_trade_in_its_own_region_only(session, seller):
    supplier_id = seller.organisation_id
    with commit(session):
        laser = factories.listing(session, seller, factories.product(session))
    city = keeper(session, factories.CITY)
    with commit(session):
        decision = service.decide(session, city, supplier_id, decree(document_no="郑财购〔2026〕8号"))
    assert (decision.region, decision.state, seller.standing) == (factories.CITY, DecisionState.IN_FORCE, Standing.ACTIVE)
    places = (factories.CITY, factories.COUNTY, factories.OTHER_CITY, PROVINCE)
    assert [queries.may_trade(session, supplier_id, place) for place in places] == [False, False, True, True]
    offered = [listings.offers(session, [laser.id], place, clock.today())[laser.id].may_trade for place in places]
    assert offered == [False, False, True, True]
    body = json.loads(session.scalars(select(Event.body).where(Event.type == "supplier.suspended")).one())
    assert (body["region"], body["document_no"], body["reason"]) == (factories.CITY, "郑财购〔2026〕8号", "虚假库存")


@pytest.mark.both_databases
def test_the_province_stops_trade_everywhere(session, seller):
    province = keeper(session, PROVINCE)
    with commit(session):
        service.decide(session, province, seller.organisation_id, decree())
    assert (seller.standing, seller.standing_reason) == (Standing.SUSPENDED, "虚假库存")
    assert not queries.may_trade(session, seller.organisation_id, factories.OTHER_CITY)


def test_a_city_does_not_lift_what_the_province_decided_but_the_province_lifts_what_a_city_did(session, seller):
    province, city = keeper(session, PROVINCE), keeper(session, factories.CITY)
    with commit(session):
        service.decide(session, province, seller.organisation_id, decree())
        local = service.decide(session, city, seller.organisation_id, decree())
    everywhere = next(each for each in queries.decisions(session, seller.organisation_id) if each.region is None)
    with pytest.raises(NotSuspended), commit(session):
        service.lift(session, city, seller.organisation_id, reason="整改", decision_id=everywhere.id)
    assert everywhere.state is DecisionState.IN_FORCE
    with commit(session):
        service.lift(session, province, seller.organisation_id, reason="整改", decision_id=local.id)
    session.expire_all()
    assert (local.state, local.ended_reason, seller.standing) == (DecisionState.LIFTED, "整改", Standing.SUSPENDED)


@pytest.mark.both_databases
def test_a_ban_holds_everywhere_for_one_to_three_years_by_a_written_decision_of_the_finance_department(session, seller):
    city, agency = keeper(session, factories.CITY), keeper(session, PROVINCE, Role.CATALOGUE_ADMIN, OrganisationKind.AGENCY)
    supplier_id = seller.organisation_id
    refused = [
        (Forbidden, agency, ban()),
        (BanNeedsItsDecision, city, ban(document_no="")),
        (BanNeedsItsDecision, city, ban(basis=" ")),
        (BanNeedsItsTerm, city, ban(ends_at=None)),
        (BanNeedsItsTerm, city, ban(months=6)),
        (BanNeedsItsTerm, city, ban(months=48)),
    ]
    for kind, actor, wanted in refused:
        with pytest.raises(kind), commit(session):
            service.decide(session, actor, supplier_id, wanted)
    assert (queries.decisions(session, supplier_id), types(session, supplier_id)) == ([], [])
    with commit(session):
        decision = service.decide(session, city, supplier_id, ban())
    assert (decision.region, seller.standing, seller.standing_until) == (None, Standing.BANNED, decision.ends_at)
    rival = keeper(session, factories.CITY, Role.LISTER, OrganisationKind.SUPPLIER)
    with pytest.raises(Forbidden), commit(session):
        service.decide(session, rival, supplier_id, decree())


@pytest.mark.both_databases
def test_a_decision_begins_and_lapses_on_its_day_by_the_clock(session, seller, monkeypatch):
    province, now, supplier_id = keeper(session, PROVINCE), clock.now(), seller.organisation_id
    starts, ends = now + timedelta(days=3), now + timedelta(days=10)
    engine = session.get_bind()
    with commit(session):
        decision = service.decide(session, province, supplier_id, decree(starts_at=starts, ends_at=ends))
    assert (decision.state, seller.standing) == (DecisionState.ORDERED, Standing.ACTIVE)
    for moment, moved, state, standing in (
        (now + timedelta(days=2), 0, DecisionState.ORDERED, Standing.ACTIVE),
        (starts, 1, DecisionState.IN_FORCE, Standing.SUSPENDED),
        (starts, 0, DecisionState.IN_FORCE, Standing.SUSPENDED),
        (ends, 1, DecisionState.LAPSED, Standing.ACTIVE),
        (ends, 0, DecisionState.LAPSED, Standing.ACTIVE),
    ):
        session.rollback()
        pass_to(monkeypatch, moment)
        assert handlers.keep_time(lambda: Session(engine)) == moved
        session.expire_all()
        assert (decision.state, seller.standing) == (state, standing)
    assert types(session, supplier_id) == ["supplier.standing_ordered", "supplier.suspended", "supplier.lifted"]
    assert decision.ended_reason == "期限届满"


def test_when_a_suspension_lapses_under_a_ban_the_ban_still_holds(session, seller, monkeypatch):
    province, until = keeper(session, PROVINCE), clock.now() + timedelta(days=5)
    with commit(session):
        service.decide(session, province, seller.organisation_id, decree(ends_at=until))
        service.decide(session, province, seller.organisation_id, ban())
    engine = session.get_bind()
    session.rollback()
    pass_to(monkeypatch, until)
    assert handlers.keep_time(lambda: Session(engine)) == 1
    session.expire_all()
    assert seller.standing is Standing.BANNED


def test_what_makes_no_sense_leaves_no_decision(session, seller):
    province = keeper(session, PROVINCE)
    later = clock.now() + timedelta(days=5)
    with pytest.raises(EndsBeforeStart), commit(session):
        service.decide(session, province, seller.organisation_id, decree(starts_at=later, ends_at=later - timedelta(days=1)))
    assert factories.how_many(session, StandingDecision) == 0
    with commit(session):
        service.decide(session, province, seller.organisation_id, decree(starts_at=later))
    with pytest.raises(NotActive), commit(session):
        service.decide(session, province, seller.organisation_id, decree())
    assert factories.how_many(session, StandingDecision) == 1


@pytest.mark.both_databases
def test_the_library_is_narrowed_by_region_size_class_and_standing(session):
    city = keeper(session, factories.CITY)
    with commit(session):
        wide, local, far = (factories.supplier(session, name=name, scale=scale) for name, scale in (("甲", Scale.SMALL), ("乙", Scale.LARGE), ("丙", Scale.SMALL)))
        places = ((wide, PROVINCE), (local, factories.CITY), (far, factories.OTHER_CITY))
        session.add_all(SupplierArea(supplier_id=each.organisation_id, region=place) for each, place in places)
        session.add_all(SupplierClass(supplier_id=each.organisation_id, code=code) for each, code in ((wide, "A0202"), (local, "A0504")))
    with commit(session):
        service.decide(session, city, wide.organisation_id, decree())

    def found(**narrowed):
        return [row.name for row in queries.visible(session, Filters(**narrowed)).rows]

    assert found(region=factories.CITY) == sorted(["甲", "乙"])
    assert found(region=factories.COUNTY) == sorted(["甲", "乙"])
    assert found(region=factories.OTHER_CITY) == sorted(["甲", "丙"])
    assert found(scale=Scale.SMALL, code="A0202") == ["甲"]
    assert found(code="A05") == ["乙"]
    assert found(standing=Standing.SUSPENDED) == ["甲"]
    assert found(standing=Standing.SUSPENDED, region=factories.OTHER_CITY) == []
    assert found(standing=Standing.ACTIVE, region=factories.CITY) == ["乙"]
    first = queries.visible(session, Filters(), limit=2)
    second = queries.visible(session, Filters(), limit=2, cursor=first.next)
    assert [row.name for row in (*first.rows, *second.rows)] == sorted(["甲", "乙", "丙"])


@pytest.mark.both_databases
def test_suppliers_of_an_older_version_get_the_whole_province_and_a_decision_that_can_be_lifted(session):
    province = keeper(session, PROVINCE)
    with commit(session):
        old = factories.supplier(session, standing=Standing.SUSPENDED, standing_reason="旧决定", standing_until=clock.now() + timedelta(days=9))
    with commit(session):
        assert service.complete(session) == "1 areas, 1 decisions"
        assert service.complete(session) == "0 areas, 0 decisions"
    assert queries.areas(session, old.organisation_id) == (PROVINCE,)
    with commit(session):
        service.lift(session, province, old.organisation_id, reason="整改完成")
    assert session.get_one(Supplier, old.organisation_id).standing is Standing.ACTIVE
