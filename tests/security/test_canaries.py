"""What a unit or a supplier writes is read by nobody who may not: a mark planted in every text turns up only where it is meant to."""

from collections import defaultdict

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.accounts.organisations.tables import Organisation
from app.accounts.sessions import service as sessions
from app.kernel.db import commit
from app.policy import Actor, Role
from tests import factories
from tests.architecture import policies, test_policies
from tests.architecture.land import OTHER, OWN, SIBLING, Land
from tests.security.canaries import MADE, MARK, SHARED, WRITTEN, plant, texts
from tests.security.form_cases import ENDLESS

UNIT, RIVAL, FAR_UNIT, FAR_BUREAU, PUBLIC = "sibling unit", "rival supplier", "unit of another city", "bureau of another city", "public"
ROLES = {UNIT: factories.UNIT_ROLES, RIVAL: factories.SUPPLIER_ROLES, FAR_UNIT: factories.UNIT_ROLES, FAR_BUREAU: factories.FINANCE_ROLES}

PUBLISHED = {
    "listings.title", "suppliers.name", "organisations.name", "suppliers.legal_representative", "suppliers.contact", "suppliers.phone",
    "standing_decisions.reason", "suppliers.standing_reason",
}  # fmt: skip
"""What everybody may read: the shop window, with whom to call; a unit's name stands in its published contracts."""


def reader(ground: Land, who: str) -> tuple[FlaskClient, frozenset[Role]]:
    """A browser of somebody who holds every role that his house has."""
    if who == PUBLIC:
        return ground.app.test_client(), frozenset()
    world = ground.places[OTHER if who in {FAR_UNIT, FAR_BUREAU} else SIBLING].world
    house = world.people[ROLES[who][0]].organisation_id
    with ground.session() as session, commit(session):
        person = factories.person(session, session.get_one(Organisation, house), *ROLES[who])
        actor: Actor = factories.actor(session, person)
        client = ground.app.test_client()
        client.set_cookie("mall_session", sessions.open_for(session, person.id))
    return client, actor.roles


@pytest.fixture(scope="module")
def planted(ground: Land) -> set[str]:
    found = plant(ground)
    ground.app.extensions["mall.worker"]().drain()
    return found


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
    client, roles = reader(ground, who)
    leaks: dict[str, set[str]] = defaultdict(set)
    for rule in policies.routes(ground.app):
        if "GET" not in policies.methods(rule) or rule.endpoint in ENDLESS or rule.endpoint == "dashboard_api.events":
            continue
        if not any(test_policies.enters(role, rule, policies.policy(ground.app, rule)) for role in roles or {None}):
            continue
        answer = client.get(where(ground, rule, roles))
        for mark in set(MARK.findall(answer.get_data().decode(errors="replace"))) - PUBLISHED:
            leaks[mark].add(rule.endpoint)
        answer.close()
    assert dict(leaks) == {}


def where(ground: Land, rule: Rule, roles: frozenset[Role]) -> str:
    """The address of the first unit's own thing, which is foreign to whoever asks."""
    role = next(iter(sorted(roles)), None)
    return test_policies.address(ground, role, rule, OWN)
