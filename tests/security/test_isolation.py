"""Every route of the catalogue and of the buying aids, asked by whom the thing is not: the answer stands in a table, and no mark of the owner's is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.accounts.organisations.tables import Organisation
from app.accounts.people import service as people
from app.accounts.sessions import service as sessions
from app.kernel.db import commit
from app.policy import Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from tests import factories
from tests.architecture import policies, test_policies
from tests.architecture.land import OTHER, OWN, SIBLING, Land
from tests.security import isolation
from tests.security.canaries import MARK, plant
from tests.security.test_canaries import PUBLISHED

RIVAL, UNIT, FAR_UNIT, NOBODY, OWNER, SELLER = "rival supplier", "unit of the same city", "unit of another city", "nobody", "owner", "its supplier"
COLUMN = {RIVAL: 0, UNIT: 1, FAR_UNIT: 1, NOBODY: 2}
WORLDS = {RIVAL: SIBLING, UNIT: SIBLING, FAR_UNIT: OTHER}

READ_BY_OWNERS = {
    OWNER: {
        "comparisons.content", "comparisons.words", "reorder_lists.name", "saved_searches.words", "webhook_endpoints.url", "webhook_deliveries.body",
        "webhook_attempts.request", "webhook_attempts.response", "listing_reports.words", "bulk_jobs.file_name",
    },
    SELLER: {
        "connections.base_url", "connections.client_id", "connected_goods.title", "dispatches.note", "dispatches.shop_order", "webhook_endpoints.url",
        "webhook_deliveries.body", "listings.sku", "listing_versions.title", "questions.words", "qualifications.number", "bulk_jobs.file_name",

    },
}  # fmt: skip
"""What the owners themselves find on these routes: nobody else reads it there, although it is there to be read."""


@dataclass
class Asker:
    """Somebody with every role of his house, by browser and by program."""

    role: Role | None
    browser: FlaskClient
    program: FlaskClient


@pytest.fixture(scope="module")
def planted(ground: Land) -> set[str]:
    ground.app.config["WTF_CSRF_ENABLED"] = False
    found = plant(ground)
    ground.app.extensions["mall.worker"]().drain()
    return found


def asker(ground: Land, who: str) -> Asker:
    """A newcomer of that house."""
    browser, program = ground.app.test_client(), ground.app.test_client()
    if who == NOBODY:
        return Asker(None, browser, program)
    roles = factories.SUPPLIER_ROLES if who == RIVAL else factories.UNIT_ROLES
    world = ground.places[WORLDS[who]].world
    with ground.session() as session, commit(session):
        house = session.get_one(Organisation, world.people[roles[0]].organisation_id)
        person = factories.person(session, house, *roles)
        actor = factories.actor(session, person)
        browser.set_cookie("mall_session", sessions.open_for(session, person.id))
        _, secret = people.issue_token(session, actor, name="test", scopes=actor.granted, ttl=timedelta(minutes=30))
        program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return Asker(Role.SUPPLIER_ADMIN if who == RIVAL else Role.UNIT_ADMIN, browser, program)


def hidden(ground: Land) -> dict[str, Any]:
    """Names under which a question might ask for more than it may: keys of the owner's things, and an offer that is on no shelf."""
    place = ground.places[OWN]
    with ground.session() as session:
        draft = session.scalars(
            select(Listing.id).where(Listing.supplier_id == place.keys["supplier"], Listing.shelf != Shelf.ON_SHELF).limit(1)
        ).one()
    unit, supplier = place.world.unit.id, place.keys["supplier"]
    return {
        "q": "CANARY", "supplier": supplier, "supplier_id": supplier, "unit": unit, "unit_id": unit, "organisation": unit, "organisation_id": unit,
        "person": place.world.people[Role.BUYER].person_id, "person_id": place.world.people[Role.BUYER].person_id, "all": "1", "show": "all",
        "state": "all", "scope": "all", "ids": f"{draft},{place.keys['listing']}", "listing": draft, "listing_id": draft, "pieces": "1", "quantity": "1",
        "number": place.keys["order"], "product": place.keys["product"], "comparison": place.keys["comparison"],
    }  # fmt: skip


CHAPTERS = ("app.bulk.", "catalog.", "orders.comparisons.", "orders.reorders.", "orders.favourites.", "orders.dispatch.", "orders.webhooks.")
"""The packages whose every route stands in the table: what comes and goes in bulk, the catalogue, and the buying aids."""


def own_routes(ground: Land) -> Iterator[tuple[Rule, str]]:
    """Every way of asking one of these chapters, as the application knows them."""
    ours = {name for name, each in ground.app.blueprints.items() if each.import_name.startswith(CHAPTERS)} - isolation.LEFT_OUT
    for rule in policies.routes(ground.app):
        if rule.endpoint.partition(".")[0] in ours:
            for method in policies.methods(rule):
                yield rule, method


def ask(ground: Land, who: Asker, rule: Rule, method: str, more: dict[str, Any]) -> TestResponse:
    """One question with the keys of the first unit's and first supplier's things."""
    where = test_policies.address(ground, who.role, rule, OWN)
    client = who.program if where.startswith("/api/") else who.browser
    if method == "GET":
        return client.get(where + ("&" if "?" in where else "?") + "&".join(f"{name}={value}" for name, value in more.items()))
    if where.startswith("/api/"):
        return client.open(where, method=method, json=test_policies.BODIES.get(rule.endpoint, {}))
    return client.open(where, method=method, data={name: str(value) for name, value in more.items()})


def fits(expected: str, answer: TestResponse, *, program: bool, nobody: bool, plain: bool) -> bool:
    """Whether this is the answer that the table asks for; a question with strange names beside may be refused for its form."""
    status, led_away = answer.status_code, "/sign-in" in answer.headers.get("Location", "")
    if expected == isolation.SHUT:
        return (status == 401 if program else status == 303 and led_away) if nobody else status == 403
    if expected == isolation.NONE:
        return status == 404
    return not led_away and status in ({200, 204, 303} if plain else {200, 201, 204, 303, 400, 409, 422})


def test_the_table_names_every_route_of_these_chapters_and_no_other(ground: Land) -> None:
    there = {f"{rule.endpoint} {method}" for rule, method in own_routes(ground)}
    assert there - isolation.TABLE.keys() == set(), "a route that the table of isolation does not know"
    assert isolation.TABLE.keys() - there == set(), "the table of isolation names what is no route"


@pytest.mark.parametrize("who", [RIVAL, UNIT, FAR_UNIT, NOBODY])
def test_a_foreigner_gets_what_the_table_says_and_reads_nothing_of_the_owner(ground: Land, planted: set[str], who: str) -> None:
    asking, more, wrong = asker(ground, who), hidden(ground), []
    for rule, method in sorted(own_routes(ground), key=lambda pair: pair[1] != "GET"):
        expected = isolation.TABLE[f"{rule.endpoint} {method}"][COLUMN[who]]
        for asked in ({}, more) if method == "GET" else (more,):
            answer = ask(ground, asking, rule, method, asked)
            program, plain = str(rule).startswith("/api/"), method == "GET" and not asked
            marks = set(MARK.findall(answer.get_data().decode(errors="replace"))) - (PUBLISHED if expected == isolation.OPEN else set())
            if not fits(expected, answer, program=program, nobody=who == NOBODY, plain=plain) or marks:
                wrong.append((rule.endpoint, method, expected, answer.status_code, sorted(marks)))
            answer.close()
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("who", [OWNER, SELLER])
def test_the_owners_themselves_find_their_marks_on_these_very_routes(ground: Land, planted: set[str], who: str) -> None:
    found: set[str] = set()
    for role in factories.SUPPLIER_ROLES if who == SELLER else factories.UNIT_ROLES:
        asking = Asker(role, ground.visitor(role, program=False), ground.visitor(role, program=True))
        for rule, method in own_routes(ground):
            if method == "GET":
                answer = ask(ground, asking, rule, method, {})
                found |= set(MARK.findall(answer.get_data().decode(errors="replace")))
                answer.close()
    assert planted >= READ_BY_OWNERS[who]
    assert READ_BY_OWNERS[who] - found == set()
