"""The life of an offer: the quick lane, the slow lane, what stops it and who lets it go on."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.organisations.tables import Organisation
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.kernel.sheets import table_of
from app.policy import SYSTEM, OrganisationKind, Permission, Role
from catalog.listings import decisions, desk, gate, service
from catalog.listings.gate import Wish
from catalog.listings.rules import GateRefused, InReview, ListingFrozen, ReasonMissing, ReviewClosed
from catalog.listings.states import STEPS, Action, ReviewState, Shelf, ShelfNotNow
from catalog.listings.tables import ListingReview, ListingVerdict, ListingVersion
from catalog.products.states import Origin
from catalog.references import service as references
from catalog.references.rules import Found
from catalog.suppliers import service as suppliers
from catalog.suppliers.states import Standing
from tests import factories
from tests.catalog.suppliers.test_dishonest import HEAD, line
from tests.statements import count_statements

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


@pytest.fixture
def lister(world):
    return world.actor(Role.LISTER)


@pytest.fixture
def keeper(session, world):
    with commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        return factories.actor(session, factories.person(session, agency, Role.CATALOGUE_ADMIN))


def offered(session, lister, **more):
    """An offer of a new product, which the gate has let through or held."""
    product = more.pop("product", None) or factories.product(session)
    facts = {"product_id": product.id, "sku": factories.serial("K"), "title": product.title, "price_fen": 1_000_00, "stock": 9}
    return service.create(session, lister, service.NewListing(**(facts | more)))


def imported(session, lister, **more):
    return offered(session, lister, product=factories.product(session, origin=Origin.IMPORTED), **more)


def others(session, product, *prices):
    for price in prices:
        factories.listing(session, factories.supplier(session), product, price_fen=price)


def kinds(session, listing):
    return list(session.scalars(select(Event.type).where(Event.stream == f"listing/{listing.id}").order_by(Event.version)))


def waiting(session, listing):
    query = select(ListingReview).where(ListingReview.listing_id == listing.id, ListingReview.state == ReviewState.WAITING)
    return session.scalar(query)


def test_what_every_rule_passes_is_on_the_shelf_at_once_with_its_checks(session, lister):
    with commit(session):
        listing = offered(session, lister)
    assert listing.shelf is Shelf.ON_SHELF and waiting(session, listing) is None
    version, verdicts = desk.verdicts_of(session, listing.id)
    assert version == 1 and {"K02", "R02", "R08"} <= {verdict.rule for verdict in verdicts}


def test_what_a_rule_holds_waits_for_the_keeper_out_of_sight(session, lister, keeper):
    with commit(session):
        listing = imported(session, lister)
    assert listing.shelf is Shelf.REVIEW and session.scalar(select(ListingVersion.shelf).where(ListingVersion.listing_id == listing.id)) is not Shelf.ON_SHELF
    review = waiting(session, listing)
    assert (review.rules, review.price_fen) == ("P07", 1_000_00)
    with commit(session):
        decisions.approve(session, keeper, review.id)
    assert (listing.shelf, listing.version, review.state) == (Shelf.ON_SHELF, 2, ReviewState.APPROVED)
    assert kinds(session, listing) == ["listing.created", "listing.proposed", "listing.shelved", "listing.reviewed"]
    with pytest.raises(ReviewClosed), commit(session):
        decisions.approve(session, keeper, review.id)


def test_what_a_rule_blocks_is_refused_and_nothing_is_kept(session, lister):
    with commit(session):
        product = factories.product(session)
        others(session, product, 1_000_00, 1_000_00, 1_000_00)
    before = factories.how_many(session, ListingVersion)
    with pytest.raises(GateRefused) as refusal, commit(session):
        offered(session, lister, product=product, price_fen=1_200_01)
    assert [v.rule for v in refusal.value.verdicts if v.outcome.value == "block"] == ["R02"]
    assert factories.how_many(session, ListingVersion) == before and factories.how_many(session, ListingReview) == 0
    with commit(session):
        draft = offered(session, lister, product=product, price_fen=1_200_01, shelf=Shelf.DRAFT)
    with pytest.raises(GateRefused), commit(session):
        service.put_on_shelf(session, lister, draft.id)
    assert (draft.shelf, draft.version) == (Shelf.DRAFT, 1)


def test_a_suspended_supplier_puts_nothing_on_the_shelf(session, world, lister):
    with commit(session):
        draft = offered(session, lister, shelf=Shelf.DRAFT)
        world.supplier.standing = Standing.SUSPENDED
    with pytest.raises(GateRefused) as refusal, commit(session):
        service.put_on_shelf(session, lister, draft.id)
    assert refusal.value.titles == "供应商不能交易"


def dishonest(session, world, since, until=None):
    code = session.get_one(Organisation, world.supplier.organisation_id).credit_code
    text = HEAD + line(code, since=since.isoformat(), until=until.isoformat() if until else "")
    suppliers.import_dishonest(session, SYSTEM, table_of(text.encode()))


def test_a_firm_on_a_list_of_dishonest_firms_puts_nothing_on_the_shelf(session, world, lister):
    with commit(session):
        draft = offered(session, lister, shelf=Shelf.DRAFT)
        dishonest(session, world, clock.today())
    before = factories.how_many(session, ListingVersion)
    for put in (lambda: service.put_on_shelf(session, lister, draft.id), lambda: offered(session, lister)):
        with pytest.raises(GateRefused) as refusal, commit(session):
            put()
        assert refusal.value.titles == "供应商在失信名单上"
        (verdict,) = (each for each in refusal.value.verdicts if each.outcome.value == "block")
        assert verdict.facts["listed"] == "政府采购严重违法失信行为记录名单（财库函〔2026〕1号）"
    assert (draft.shelf, factories.how_many(session, ListingVersion)) == (Shelf.DRAFT, before)


def test_an_entry_that_has_ended_or_not_begun_or_is_anothers_stops_nothing(session, world, lister):
    today, day = clock.today(), timedelta(days=1)
    with commit(session):
        dishonest(session, world, today - 30 * day, today - day)
        dishonest(session, factories.world(session), today - day)
    with commit(session):
        assert offered(session, lister).shelf is Shelf.ON_SHELF
        dishonest(session, world, today + day)
    with commit(session):
        assert offered(session, lister).shelf is Shelf.ON_SHELF


def test_a_price_above_the_reference_is_asked_for_while_the_old_one_holds(session, lister, keeper):
    with commit(session):
        listing = offered(session, lister)
        references.keep(session, keeper, [Found(product_id=listing.product_id, source="某电商自营", day=clock.today(), price_fen=1_050_00)])
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=1_050_00)
    assert (listing.price_fen, listing.version) == (1_050_00, 2)
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=1_080_00)
    assert (listing.price_fen, listing.version, listing.shelf) == (1_050_00, 2, Shelf.ON_SHELF)
    review = waiting(session, listing)
    assert (review.rules, review.price_fen) == ("R01", 1_080_00)
    with commit(session):
        decisions.approve(session, keeper, review.id)
    assert (listing.price_fen, listing.version) == (1_080_00, 3)
    assert kinds(session, listing)[-2:] == ["listing.repriced", "listing.reviewed"]


def test_another_price_takes_the_place_of_the_one_that_waits(session, lister, keeper):
    with commit(session):
        listing = offered(session, lister)
        references.keep(session, keeper, [Found(product_id=listing.product_id, source="某电商自营", day=clock.today(), price_fen=1_000_00)])
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=1_080_00)
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=1_060_00)
    assert waiting(session, listing).price_fen == 1_060_00
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=990_00)
    assert waiting(session, listing) is None and listing.price_fen == 990_00
    assert [row.state.value for row in session.scalars(select(ListingReview).order_by(ListingReview.id))] == ["withdrawn", "withdrawn"]


def test_an_old_reference_price_holds_nothing(session, lister, keeper):
    with commit(session):
        listing = offered(session, lister)
        day = clock.today() - timedelta(days=8)
        references.keep(session, keeper, [Found(product_id=listing.product_id, source="某电商自营", day=day, price_fen=1_00)])
        service.reprice(session, lister, listing.id, price_fen=1_100_00)
    assert listing.price_fen == 1_100_00


def test_a_falling_price_is_never_stopped(session, lister):
    with commit(session):
        listing = offered(session, lister, price_fen=3_000_00)
        product = session.get_one(type(factories.product(session)), listing.product_id)
        others(session, product, 1_000_00, 1_000_00, 1_000_00)
    with commit(session):
        service.reprice(session, lister, listing.id, price_fen=2_000_00)
    assert listing.price_fen == 2_000_00
    with pytest.raises(GateRefused), commit(session):
        service.reprice(session, lister, listing.id, price_fen=2_100_00)
    assert listing.price_fen == 2_000_00


def test_what_is_sent_back_is_a_draft_with_the_keepers_reason(session, lister, keeper):
    with commit(session):
        listing = imported(session, lister)
    review = waiting(session, listing)
    with pytest.raises(ReasonMissing), commit(session):
        decisions.send_back(session, keeper, review.id, reason="  ")
    with commit(session):
        decisions.send_back(session, keeper, review.id, reason="缺原产地证明")
    assert (listing.shelf, listing.shelf_reason, review.state, review.reason) == (Shelf.DRAFT, "缺原产地证明", ReviewState.RETURNED, "缺原产地证明")


def test_nobody_changes_what_is_under_review_but_its_supplier_may_take_it_back(session, lister):
    with commit(session):
        listing = imported(session, lister)
    for attempt in (
        lambda: service.reprice(session, lister, listing.id, price_fen=1_00),
        lambda: service.edit(session, lister, listing.id, title="别的", delivery_days=1, regions=[], warranty_months=1),
    ):
        with pytest.raises(InReview), commit(session):
            attempt()
    with commit(session):
        service.withdraw(session, lister, listing.id)
    assert (listing.shelf, waiting(session, listing)) == (Shelf.DRAFT, None)


def test_a_suspended_offer_comes_back_by_review_or_by_the_keeper(session, lister, keeper):
    with commit(session):
        listing = offered(session, lister)
        decisions.suspend(session, keeper, listing.id, reason="图文不符")
    assert (listing.shelf, listing.shelf_reason) == (Shelf.SUSPENDED, "图文不符")
    with pytest.raises(ShelfNotNow), commit(session):
        decisions.suspend(session, keeper, listing.id, reason="再次")
    with commit(session):
        service.put_on_shelf(session, lister, listing.id)
    assert listing.shelf is Shelf.REVIEW
    with commit(session):
        decisions.approve(session, keeper, waiting(session, listing).id)
        decisions.suspend(session, keeper, listing.id, reason="又一次")
        decisions.lift(session, keeper, listing.id, reason="已改正")
    assert (listing.shelf, listing.shelf_reason) == (Shelf.ON_SHELF, None)


def test_supervision_freezes_and_thaws(session, world, lister, keeper):
    supervisor = world.actor(Role.SUPERVISOR)
    with commit(session):
        listing = imported(session, lister)
        decisions.freeze(session, supervisor, listing.id, reason="涉案取证")
    assert (listing.shelf, waiting(session, listing)) == (Shelf.FROZEN, None)
    with pytest.raises(ListingFrozen), commit(session):
        service.withdraw(session, lister, listing.id)
    with pytest.raises(Forbidden), commit(session):
        decisions.thaw(session, keeper, listing.id, reason="不归我管")
    with commit(session):
        decisions.thaw(session, supervisor, listing.id, reason="结案")
    assert listing.shelf is Shelf.OFF_SHELF


def test_several_are_approved_together_or_none(session, lister, keeper):
    with commit(session):
        first, second = imported(session, lister), imported(session, lister)
    ids = [waiting(session, each).id for each in (first, second)]
    with commit(session):
        decisions.send_back(session, keeper, ids[1], reason="缺材料")
    with pytest.raises(ReviewClosed), commit(session):
        decisions.approve_all(session, keeper, ids)
    assert first.shelf is Shelf.REVIEW
    with commit(session):
        assert decisions.approve_all(session, keeper, ids[:1]) == 1
    assert first.shelf is Shelf.ON_SHELF


def test_what_has_come_to_be_blocked_is_not_approved(session, world, lister, keeper):
    with commit(session):
        listing = imported(session, lister)
        world.supplier.standing = Standing.SUSPENDED
    with pytest.raises(GateRefused), commit(session):
        decisions.approve(session, keeper, waiting(session, listing).id)
    assert (listing.shelf, waiting(session, listing).state) == (Shelf.REVIEW, ReviewState.WAITING)


def test_only_keepers_decide_and_a_foreign_supplier_sees_no_review(session, world, lister):
    with commit(session):
        listing = imported(session, lister)
        stranger = factories.supplier(session)
        other = factories.staff(session, session.get_one(type(world.unit), stranger.organisation_id), [Role.LISTER])[Role.LISTER]
    review = waiting(session, listing).id
    for actor in (lister, world.actor(Role.BUYER), world.actor(Role.SUPERVISOR)):
        with pytest.raises(Forbidden), commit(session):
            decisions.approve(session, actor, review)
    assert desk.review(session, lister, review).rules == ("P07",)
    for reader in (other, world.actor(Role.BUYER), world.actor(Role.SUPERVISOR)):
        with pytest.raises(Missing):
            desk.review(session, reader, review)
        assert desk.waiting(session, reader).rows == [] and desk.waiting_by_rule(session, reader) == {"": 0}


def test_the_queue_is_counted_by_rule_and_paged_oldest_first(session, lister, keeper):
    with commit(session):
        made = [imported(session, lister) for _ in range(3)]
    assert desk.waiting_by_rule(session, keeper) == {"": 3, "P07": 3}
    page = desk.waiting(session, keeper, rule="P07", limit=2)
    rest = desk.waiting(session, keeper, rule="P07", limit=2, cursor=page.next)
    assert [row.listing_id for row in (*page.rows, *rest.rows)] == [each.id for each in made]
    assert desk.waiting(session, keeper, rule="R01").rows == []


def test_checks_stay_with_the_version_they_allowed(session, lister):
    with commit(session):
        listing = offered(session, lister)
        service.reprice(session, lister, listing.id, price_fen=900_00)
        service.take_off_shelf(session, lister, listing.id)
    kept = session.scalars(select(ListingVerdict).where(ListingVerdict.listing_id == listing.id).order_by(ListingVerdict.version))
    rows = [(row.version, {each["rule"]: each["facts"].get("price_fen") for each in json.loads(row.verdicts)}["R07"]) for row in kept]
    assert rows == [(1, 1_000_00), (2, 900_00)]


def test_every_step_of_the_table_leads_somewhere_else_and_needs_a_permission_of_listings():
    assert all(step.source is not step.target for step in STEPS)
    assert {step.permission for step in STEPS} == {Permission.LISTING_KEEP, Permission.LISTING_REVIEW, Permission.LISTING_FREEZE}
    assert len({(step.source, step.action) for step in STEPS}) == len(STEPS)
    assert not [step for step in STEPS if step.source is Shelf.FROZEN and step.action is not Action.THAW]


def test_the_gate_judges_many_with_as_many_statements_as_one(session, lister):
    with commit(session):
        wishes = [Wish(product_id=factories.product(session).id, price_fen=100 + number) for number in range(40)]
    taken = []
    for some in (wishes[:1], wishes):
        with count_statements(session.get_bind()) as ran:
            assert len(gate.judge_all(session, lister.organisation_id, some)) == len(some)
        taken.append(len(ran))
    assert taken[1] <= taken[0] <= 8
