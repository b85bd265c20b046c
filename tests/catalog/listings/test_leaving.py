"""What may not be on the shelf any more leaves it: by a list of dishonest firms (K01), an ended licence (K05), a lost certificate (P08)."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.kernel.sheets import table_of
from app.kernel.worker import Worker
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.listings import decisions, desk, handlers, queries, service, told
from catalog.listings.rules import GateRefused, leaving
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingReview
from catalog.products import service as products
from catalog.products.rules import FactInput
from catalog.products.states import FactKind
from catalog.qualifications import queries as qualifications
from catalog.qualifications import service as papers
from catalog.suppliers import service as suppliers
from tests import factories
from tests.catalog import suppliers_at_the_door as door
from tests.catalog.search.test_shop import page
from tests.catalog.suppliers.test_dishonest import HEAD, line

ENERGY = FactInput(kind=FactKind.ENERGY, number="CQC26-0001", issuer="中国质量认证中心", valid_to=date(2999, 12, 31))


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


def sweep(session) -> int:
    session.commit()
    done = handlers.clear(lambda: Session(session.get_bind()))
    session.expire_all()
    return done


def name_dishonest(session, world, **more) -> None:
    code = session.get_one(Organisation, world.supplier.organisation_id).credit_code
    with commit(session):
        suppliers.import_dishonest(session, SYSTEM, table_of((HEAD + line(code, **more)).encode()))


def shelves(session, world) -> list[Shelf]:
    return [session.get_one(Listing, each).shelf for each in (world.laser.id, world.paper.id)]


def reasons(session, listing_id) -> list[tuple[str, str | None]]:
    rows = session.execute(select(Event.type, Event.body).where(Event.stream == f"listing/{listing_id}").order_by(Event.version))
    return [(row.type, json.loads(row.body).get("reason")) for row in rows]


@pytest.mark.both_databases
def test_offers_of_a_firm_that_comes_onto_a_list_leave_the_shelf_with_event_reason_and_checks(session, world):
    assert sweep(session) == 0
    name_dishonest(session, world)
    assert sweep(session) == 1
    assert shelves(session, world) == [Shelf.OFF_SHELF, Shelf.OFF_SHELF]
    reason = f"{world.supplier.name} 在政府采购严重违法失信行为记录名单（财库函〔2026〕1号）上，其商品不能上架"
    assert reasons(session, world.laser.id)[-1] == ("listing.unshelved", reason)
    version, kept = desk.verdicts_of(session, world.laser.id)
    laser = session.get_one(Listing, world.laser.id)
    assert (version, laser.version, laser.shelf_reason, [each.rule for each in kept]) == (2, 2, reason, ["K01"])
    groups = desk.taken_off(session, world.actor(Role.LISTER))
    assert [(each.shelf, each.reason.text, each.count) for each in groups] == [(Shelf.OFF_SHELF, reason, 2)]
    assert desk.taken_off(session, world.actor(Role.BUYER)) == []
    assert sweep(session) == 0
    assert queries.count_live(session) == 0


def test_the_gate_keeps_them_off_until_the_list_lets_go_and_then_lets_them_back(session, world):
    lister = world.actor(Role.LISTER)
    name_dishonest(session, world)
    sweep(session)
    with pytest.raises(GateRefused) as refused, commit(session):
        service.put_on_shelf(session, lister, world.laser.id)
    assert [each.rule for each in leaving(refused.value.verdicts)] == ["K01"]
    name_dishonest(session, world, until=(clock.today() - timedelta(days=1)).isoformat())
    with commit(session):
        service.put_on_shelf(session, lister, world.laser.id)
    assert shelves(session, world) == [Shelf.ON_SHELF, Shelf.OFF_SHELF]
    assert session.get_one(Listing, world.laser.id).shelf_reason is None
    assert sweep(session) == 0


def test_a_list_that_begins_later_waits_for_its_day_and_other_suppliers_stay(session, world):
    with commit(session):
        other = factories.listing(session, factories.supplier(session), factories.product(session))
    name_dishonest(session, world, since=(clock.today() + timedelta(days=1)).isoformat())
    assert sweep(session) == 0
    clock.advance(timedelta(days=1))
    try:
        assert sweep(session) == 1
    finally:
        clock.advance(-timedelta(days=1))
    assert (shelves(session, world), session.get_one(Listing, other.id).shelf) == ([Shelf.OFF_SHELF, Shelf.OFF_SHELF], Shelf.ON_SHELF)


@pytest.mark.parametrize(("requirement", "leaves"), [("clean_record", True), ("sme_statement", False)], ids=["required", "voluntary"])
def test_a_licence_that_the_supplier_must_have_ends_and_its_offers_leave_until_it_is_renewed(session, world, tmp_path, requirement, leaves):
    manager, lister = world.actor(Role.SUPPLIER_ADMIN), world.actor(Role.LISTER)
    with commit(session):
        bureau = factories.organisation(session, OrganisationKind.FINANCE, region=factories.CITY)
        keeper = factories.actor(session, factories.person(session, bureau, Role.SUPERVISOR))
        wanted = qualifications.wanted_of_supplier(session, world.supplier.organisation_id, clock.today())

    def hand_in(days: int) -> None:
        last = clock.today() + timedelta(days=days)
        with commit(session):
            made = papers.hand_in(
                session, manager, tmp_path, wanted, requirement=requirement, paper=door.paper(valid_to=last), content=door.content(), file_name="a.pdf"
            )
            papers.accept(session, keeper, made.id)

    hand_in(3)
    assert sweep(session) == 0
    clock.advance(timedelta(days=4))
    try:
        assert sweep(session) == int(leaves)
        if not leaves:
            assert shelves(session, world) == [Shelf.ON_SHELF, Shelf.ON_SHELF]
            return
        assert shelves(session, world) == [Shelf.OFF_SHELF, Shelf.OFF_SHELF]
        assert reasons(session, world.paper.id)[-1][1] == f"{world.supplier.name} 的前三年内没有重大违法记录的声明已到期，其商品不能上架"
        with pytest.raises(GateRefused) as refused, commit(session):
            service.put_on_shelf(session, lister, world.paper.id)
        assert [each.rule for each in leaving(refused.value.verdicts)] == ["K05"]
        hand_in(100)
        with commit(session):
            service.put_on_shelf(session, lister, world.paper.id)
        assert sweep(session) == 0
    finally:
        clock.advance(-timedelta(days=4))


@pytest.mark.both_databases
def test_an_offer_whose_mandatory_certificate_is_withdrawn_leaves_and_takes_its_waiting_price_along(session, world):
    lister = world.actor(Role.LISTER)
    with commit(session):
        (proof,) = products.record_facts(session, lister, world.laser.product_id, [ENERGY])
        review = ListingReview(
            listing_id=world.laser.id, listing_version=1, supplier_id=world.supplier.organisation_id, price_fen=900_00, rules="R01",
            verdicts="[]", asked_at=clock.now(),
        )  # fmt: skip
        session.add(review)
    with commit(session):
        products.withdraw_proof(session, lister, proof, reason="证书编号有误")
    Worker(lambda: Session(session.get_bind()), handlers.consumers(None), []).drain()
    session.expire_all()
    assert shelves(session, world) == [Shelf.OFF_SHELF, Shelf.ON_SHELF]
    assert [name for name, _ in reasons(session, world.laser.id)][-2:] == ["listing.reviewed", "listing.unshelved"]
    assert review.state.value == "withdrawn"


def test_the_supplier_reads_at_his_workbench_and_in_the_editor_why(shop):
    with shop.session() as session, commit(session):
        code = session.get_one(Organisation, shop.world.supplier.organisation_id).credit_code
        suppliers.import_dishonest(session, SYSTEM, table_of((HEAD + line(code)).encode()))
    handlers.clear(shop.session)
    lister = shop.browser(Role.LISTER)
    assert "2 件：已下架" in page(lister, "/workbench") and "财库函〔2026〕1号" in page(lister, "/workbench")
    editor = page(lister, f"/listings/{shop.world.laser.id}")
    assert "已按规则下架" in editor and "财库函〔2026〕1号" in editor and "改正后可以重新上架，由闸门判定。" in editor
    assert "财库函〔2026〕1号" not in page(shop.browser(Role.BUYER), "/workbench")
    with shop.session() as session, commit(session):
        session.get_one(Person, shop.world.actor(Role.LISTER).person_id).language = "en"
    for address in ("/workbench", f"/listings/{shop.world.laser.id}"):
        assert "its offers cannot be put on the shelf" in page(lister, address) and "其商品不能上架" not in page(lister, address)


def test_what_a_keeper_wrote_stays_as_he_wrote_it(shop):
    with shop.session() as session, commit(session):
        keeper = factories.actor(session, factories.person(session, factories.organisation(session, OrganisationKind.OPERATOR), Role.CATALOGUE_ADMIN))
        decisions.suspend(session, keeper, shop.world.laser.id, reason="标题与实物不符")
        assert told.reason(desk.reason_of(session, shop.world.laser.id)) == "标题与实物不符"
        assert told.reason(desk.reason_of(session, shop.world.paper.id)) is None
