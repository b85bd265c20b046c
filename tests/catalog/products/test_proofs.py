"""What a document proves of a product, from when to when, and who may record, check and withdraw it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.kernel.worker import Worker
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.listings import queries as listings
from catalog.products import handlers, queries, rules, service
from catalog.products.rules import FactIncomplete, FactInput, FactNotNow, FactPeriod, FactReasonMissing
from catalog.products.states import Counts, FactKind
from catalog.products.tables import ProductFact
from catalog.search.handlers import indexer
from catalog.search.port import Filters, SearchRequest
from tests import factories

ENERGY = {"kind": FactKind.ENERGY, "number": "CQC26701000001", "issuer": "中国质量认证中心"}


def energy(days: int = 30, **more: object) -> FactInput:
    return FactInput(**(ENERGY | {"valid_to": clock.today() + timedelta(days=days)} | more))  # type: ignore[arg-type]


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


@pytest.mark.both_databases
def test_a_certificate_counts_through_its_last_day_and_not_a_day_longer(session, world):
    seller, product_id = world.actor(Role.LISTER), world.laser.product_id
    with commit(session):
        service.record_facts(session, seller, product_id, [energy(30)])
    last = clock.today() + timedelta(days=30)
    facts = {on: queries.facts_of(session, [product_id], on)[product_id][FactKind.ENERGY] for on in (clock.today(), last, last + timedelta(days=1))}
    assert [fact.counts for fact in facts.values()] == [Counts.YES, Counts.YES, Counts.EXPIRED]
    assert [fact.holds for fact in facts.values()] == [True, True, False]
    assert facts[last].number == "CQC26701000001" and facts[last].issuer == "中国质量认证中心" and facts[last].valid_to == last
    kept = queries.by_id(session, product_id).proven
    assert rules.proven_on(kept, last) == {FactKind.ENERGY}
    assert rules.proven_on(kept, last + timedelta(days=1)) == frozenset()
    shown = rules.documents(kept, product_id, last + timedelta(days=1))[FactKind.ENERGY]
    assert (shown.counts, shown.number, shown.valid_to, shown.checked) == (Counts.EXPIRED, "CQC26701000001", last, False)


def test_offers_bear_the_label_only_while_the_certificate_counts(session, world):
    assert not listings.shown(session, [world.paper.id])[world.paper.id].energy_saving
    with commit(session):
        service.record_facts(session, world.actor(Role.LISTER), world.paper.product_id, [energy(1)])
    offer = listings.shown(session, [world.paper.id])[world.paper.id]
    assert offer.energy_saving and not offer.environment and offer.facts == {FactKind.ENERGY}
    clock.advance(timedelta(days=2))
    try:
        assert listings.shown(session, [world.paper.id])[world.paper.id].facts == frozenset()
    finally:
        clock.advance(-timedelta(days=2))


def test_a_claim_without_a_certificate_is_kept_and_does_not_count(session):
    with commit(session):
        made = service.define(session, SYSTEM, service.Definition(category_code=factories.LASER, brand="奔图", model="P1", title="奔图 P1", unit="台", energy_saving=True))
    fact = queries.facts_of(session, [made.id], clock.today())[made.id][FactKind.ENERGY]
    assert (fact.counts, fact.holds, fact.number) == (Counts.UNPROVEN, False, "")
    assert made.proven == "{}"


@pytest.mark.parametrize(("given", "refusal"), [
    ({"number": ""}, FactIncomplete),
    ({"issuer": " "}, FactIncomplete),
    ({"valid_to": None}, FactIncomplete),
    ({"valid_from": date(2030, 1, 2), "valid_to": date(2030, 1, 1)}, FactPeriod),
    ({"valid_to": date(2020, 1, 1)}, FactNotNow),
    ({"valid_from": date(2100, 1, 1), "valid_to": date(2101, 1, 1)}, FactNotNow),
])
def test_a_certificate_is_recorded_whole_and_while_it_holds(session, world, given, refusal):
    with pytest.raises(refusal), commit(session):
        service.record_facts(session, world.actor(Role.LISTER), world.laser.product_id, [energy(**given)])
    assert factories.how_many(session, ProductFact) == 0


def test_a_declaration_of_a_domestic_product_needs_no_last_day(session, world):
    domestic = FactInput(kind=FactKind.DOMESTIC_2026, number="BGCP-1", issuer="联想（北京）有限公司")
    with commit(session):
        service.record_facts(session, world.actor(Role.LISTER), world.laser.product_id, [domestic])
    assert queries.facts_of(session, [world.laser.product_id], date(2099, 1, 1))[world.laser.product_id][FactKind.DOMESTIC_2026].holds


def test_the_same_certificate_given_twice_is_one_and_a_renewed_one_follows_the_old(session, world):
    seller, product_id = world.actor(Role.LISTER), world.laser.product_id
    with commit(session):
        assert len(service.record_facts(session, seller, product_id, [energy(10), energy(10)])) == 1
        assert service.record_facts(session, seller, product_id, [energy(10)]) == []
        assert len(service.record_facts(session, seller, product_id, [energy(400)])) == 1
    fact = queries.facts_of(session, [product_id], clock.today())[product_id][FactKind.ENERGY]
    assert fact.valid_to == clock.today() + timedelta(days=400)


def test_a_withdrawn_certificate_counts_no_more_and_keeps_its_reason(session, world):
    product_id = world.laser.product_id
    agency = factories.staff(session, factories.organisation(session, OrganisationKind.AGENCY), [Role.CATALOGUE_ADMIN])[Role.CATALOGUE_ADMIN]
    stranger = factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.LISTER])[Role.LISTER]
    with commit(session):
        (proof,) = service.record_facts(session, world.actor(Role.LISTER), product_id, [energy()])
    with pytest.raises(Forbidden), commit(session):
        service.withdraw_proof(session, stranger, proof, reason="竞争对手")
    with pytest.raises(FactReasonMissing), commit(session):
        service.withdraw_proof(session, agency, proof, reason="  ")
    assert queries.facts_of(session, [product_id], clock.today())[product_id][FactKind.ENERGY].holds
    with commit(session):
        service.check_proof(session, agency, proof)
        service.withdraw_proof(session, agency, proof, reason="认证机构查无此证")
    fact = queries.facts_of(session, [product_id], clock.today())[product_id][FactKind.ENERGY]
    assert (fact.counts, fact.checked, fact.withdrawn_reason) == (Counts.WITHDRAWN, True, "认证机构查无此证")
    assert queries.by_id(session, product_id).proven == "{}"


def test_the_search_hears_of_a_certificate_and_of_its_end(shop):
    def found() -> list[int]:
        Worker(shop.session, [indexer(shop.app.extensions["mall.search"])], []).drain()
        asked = SearchRequest(filters=Filters(energy=True, categories=(factories.PAPER,)))
        return [hit.pk for hit in shop.app.extensions["mall.search"].search(asked).hits]

    assert found() == []
    with shop.session() as session, commit(session):
        service.record_facts(session, shop.world.actor(Role.LISTER), shop.world.paper.product_id, [energy(1)])
    assert found() == [shop.world.paper.id]
    clock.advance(timedelta(days=2))
    try:
        assert handlers.expire(shop.session) == 1
        assert handlers.expire(shop.session) == 0
        assert found() == []
    finally:
        clock.advance(-timedelta(days=2))
    with shop.session() as session:
        types = list(session.scalars(select(Event.type).where(Event.stream == f"product/{shop.world.paper.product_id}").order_by(Event.id)))
    assert types == ["product.proof_recorded", "product.proof_expired"]
