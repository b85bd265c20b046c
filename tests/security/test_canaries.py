"""What a unit or a supplier writes is read by nobody who may not: a mark planted in every text turns up only where it is meant to."""

from collections import defaultdict
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.accounts.organisations.tables import Organisation
from app.accounts.sessions import service as sessions
from app.kernel.db import commit
from app.policy import Actor, Role
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from orders.comparisons import service as comparisons
from orders.comparisons.queries import as_cited
from orders.purchases import service as purchases
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import SubmissionRefused
from orders.purchases.states import Action
from orders.purchases.tables import Order
from tests import factories
from tests.architecture import policies, test_policies
from tests.architecture.land import OTHER, OWN, SIBLING, Land
from tests.security.canaries import MADE, MARK, SHARED, WRITTEN, plant, texts
from tests.security.form_cases import ENDLESS

UNIT, RIVAL, FAR_UNIT, FAR_BUREAU, PUBLIC = "sibling unit", "rival supplier", "unit of another city", "bureau of another city", "public"
BUYER, SELLER = "the unit itself", "its supplier"
ROLES = {
    UNIT: factories.UNIT_ROLES, RIVAL: factories.SUPPLIER_ROLES, FAR_UNIT: factories.UNIT_ROLES, FAR_BUREAU: factories.FINANCE_ROLES,
    BUYER: factories.UNIT_ROLES, SELLER: factories.SUPPLIER_ROLES,
}  # fmt: skip
WORLDS = {UNIT: SIBLING, RIVAL: SIBLING, FAR_UNIT: OTHER, FAR_BUREAU: OTHER, BUYER: OWN, SELLER: OWN}

PUBLISHED = {
    "listings.title", "suppliers.name", "organisations.name", "suppliers.legal_representative", "suppliers.contact", "suppliers.phone",
    "standing_decisions.reason", "suppliers.standing_reason", "questions.words", "questions.answer",
}  # fmt: skip
"""What everybody may read: the shop window with its questions and answers, and whom to call; a unit's name stands in its published contracts."""

SUPERVISED = {"listings.sku", "listings.shelf_reason", "listing_versions.title"}
"""What every bureau may read beside: the mall has one shelf for the whole province, and whoever supervises may freeze an offer wherever
its supplier sits. To decide he reads the supplier's number, what the offer said before, and why others stopped it."""

REASONS = {"decision_records.verdicts", "attempts.lines"}
"""Where the words stand with which a buyer accepts a price that is not the lowest: a matter of the unit and those above it."""


def reader(ground: Land, who: str) -> tuple[FlaskClient, frozenset[Role]]:
    """A browser of somebody who holds every role that his house has."""
    if who == PUBLIC:
        return ground.app.test_client(), frozenset()
    world = ground.places[WORLDS[who]].world
    house = world.people[ROLES[who][0]].organisation_id
    with ground.session() as session, commit(session):
        person = factories.person(session, session.get_one(Organisation, house), *ROLES[who])
        actor: Actor = factories.actor(session, person)
        client = ground.app.test_client()
        client.set_cookie("mall_session", sessions.open_for(session, person.id))
    return client, actor.roles


@pytest.fixture(scope="module")
def planted(ground: Land) -> set[str]:
    reason_a_price(ground)
    found = plant(ground)
    ground.app.extensions["mall.worker"]().drain()
    return found


def reason_a_price(ground: Land) -> None:
    """The first unit twice buys what another offers for less and says why: once it gets its order, once it is refused."""
    place = ground.places[OWN]
    world, gates = place.world, ground.app.extensions["mall.gates"]
    with ground.app.app_context(), ground.session() as session:
        with commit(session):
            laser = session.get_one(Listing, world.laser.id)
            cheaper = factories.listing(session, factories.supplier(session), session.get_one(Product, laser.product_id), price_fen=900_00)
        buyer = world.actor(Role.BUYER)
        said: dict[str, Any] = {"seen_price_fen": 1_000_00, "plan_line_id": world.lines[0].id, "address_id": None, "why": "delivery", "words": "开标前三日要用"}
        with commit(session):
            cited = as_cited(comparisons.freeze_offers(session, buyer, [laser.id, cheaper.id]))
        with commit(session):
            made = submission.submit(session, buyer, [Wish(listing_id=laser.id, quantity=1, **said)], key="reasoned", gates=gates, cited=cited)
            order = session.get_one(Order, made.orders[0].id)
        with commit(session):
            purchases.move(session, world.actor(Role.APPROVER), order, Action.APPROVE)
        wishes = [Wish(listing_id=laser.id, quantity=99, **said)]
        with pytest.raises(SubmissionRefused) as refused, commit(session):
            submission.submit(session, buyer, wishes, key="refused", gates=gates, cited=cited)
        with commit(session):
            attempt = submission.record_attempt(session, buyer, refused.value, wishes, key="refused", cited=cited)
    place.keys |= {"order": made.orders[0].number, "attempt": attempt, "submission": made.number}


def test_every_text_column_is_known_as_written_by_people_or_made_by_the_product():
    known = {name: WRITTEN.get(name, set()) | MADE.get(name, set()) for name in {*WRITTEN, *MADE} - SHARED}
    assert texts() == known
    assert all(not WRITTEN.get(name, set()) & made for name, made in MADE.items())


def test_the_owner_himself_reads_what_he_wrote(ground: Land, planted: set[str]):
    role = Role.BUYER
    client = ground.visitor(role, program=False)
    order = ground.places[OWN].keys["order"]
    seen = set(MARK.findall(client.get(f"/orders/{order}").get_data(as_text=True)))
    assert {"order_lines.title", "organisations.name"} <= seen
    assert len(planted) > 40


@pytest.mark.parametrize("who", [UNIT, RIVAL, FAR_UNIT, FAR_BUREAU, PUBLIC])
def test_nobody_reads_what_is_not_his(ground: Land, planted: set[str], who: str):
    allowed = PUBLISHED | (SUPERVISED if who == FAR_BUREAU else set())
    assert {mark: places for mark, places in seen_by(ground, who).items() if mark not in allowed} == {}


def test_why_a_dearer_offer_was_bought_is_read_by_the_unit_and_not_by_the_supplier_that_sold_it(ground: Land, planted: set[str]):
    assert planted >= REASONS
    assert "decision_records.verdicts" in seen_by(ground, BUYER)
    sold = seen_by(ground, SELLER)
    assert "order_lines.title" in sold and not REASONS & set(sold)


def seen_by(ground: Land, who: str) -> dict[str, set[str]]:
    """The marks that somebody finds on all pages that he may open, with their routes."""
    client, roles = reader(ground, who)
    found: dict[str, set[str]] = defaultdict(set)
    for rule in policies.routes(ground.app):
        if "GET" not in policies.methods(rule) or rule.endpoint in ENDLESS or rule.endpoint == "dashboard_api.events":
            continue
        if not any(test_policies.enters(role, rule, policies.policy(ground.app, rule)) for role in roles or {None}):
            continue
        answer = client.get(where(ground, rule, roles))
        for mark in MARK.findall(answer.get_data().decode(errors="replace")):
            found[mark].add(rule.endpoint)
        answer.close()
    return found


def where(ground: Land, rule: Rule, roles: frozenset[Role]) -> str:
    """The address of the first unit's own thing, which is foreign to whoever asks."""
    role = next(iter(sorted(roles)), None)
    return test_policies.address(ground, role, rule, OWN)
