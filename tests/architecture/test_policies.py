"""Every route has exactly one policy, the table of them is checked in, and each answers every role and relation as it should."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.config import Settings
from app.policy import GRANTS, OrganisationKind, Permission, Role
from app.web import health
from app.web.guard import Policy
from tests import factories
from tests.architecture import policies
from tests.architecture.land import KIND_OF, MISSING, OTHER, OWN, SIBLING, TRIAL, Land, land

SUBJECTS = (
    (r"^/orders/submissions/", "submission"),
    (r"^(/api/v1)?/orders/|^/watch/orders/|^/cart/from-order/|^/reorders/from-order/", "order"),
    (r"^/reorders/", "reorder list"),
    (r"^/api/v1/reorder-lists/", "reorder list"),
    (r"^/favourites/stars/", "star"),
    (r"^/api/v1/favourites/stars/", "product"),
    (r"^(/api/v1)?/favourites/awaited/", "awaited"),
    (r"^(/api/v1)?/favourites/searches/", "saved search"),
    (r"^(/api/v1)?/comparisons/", "comparison"),
    (r"^(/api/v1)?/contracts/", "contract"),
    (r"^/acceptances/", "acceptance"),
    (r"^(/api/v1)?/assets/", "card"),
    (r"^(/api/v1)?/plans/", "plan"),
    (r"^/budgets/|^/api/v1/budgets/allotments/", "allotment"),
    (r"^/watch/alerts/|^/api/v1/alerts/", "alert"),
    (r"^/watch/attempts/", "attempt"),
    (r"^/portal/prices/", "index"),
    (r"^/positions/", "listing"),
    (r"^/portal/notices/|^/api/v1/notices/", "notice"),
    (r"^/api/v1/payment-applications/", "application"),
    (r"^(/api/v1)?/products/", "product"),
    (r"^/catalogue/products/proofs/", "proof"),
    (r"^/catalogue/products/", "product"),
    (r"^/catalogue/brands/", "brand"),
    (r"^/catalogue/profiles/", "category"),
    (r"^/suppliers/", "supplier"),
    (r"^/vocabulary/misses/", "miss"),
    (r"^/vocabulary/synonyms/", "synonym"),
    (r"^/api/v1/offers/.*/questions$", "live listing"),
    (r"^(/api/v1)?/(listings|offers)/", "listing"),
    (r"^(/api/v1)?/cart/items/", "item"),
    (r"^/people/tokens/", "token"),
    (r"^(/api/v1)?/people/", "person"),
    (r"^/onboarding/review/", "entry"),
    (r"^/qualifications/", "paper"),
    (r"address_id", "address"),
    (r"invoice_title_id", "title"),
    (r"^/account/sessions/", "session"),
    (r"^/account/tokens/", "token"),
    (r"^/dispatches/", "order"),
    (r"^/webhooks/deliveries/", "notice sent"),
    (r"^/webhooks/", "endpoint"),
    (r"^/upkeep/reviews/", "review"),
    (r"^/questions/about/|^/reports/new/", "live listing"),
    (r"^(/api/v1)?/questions/.*/answer$", "question"),
    (r"^/questions/", "any question"),
    (r"^/reports/", "report"),
    (r"^/upkeep/listings/", "any listing"),
    (r"^/log/", "log"),
    (r"^/tour/cheat/", "trick"),
    (r"^/bulk/jobs/", "import"),
    (r"^/bulk/", "entity"),
)
"""What the argument of an address names; the first that fits."""

STAGE_OF = {
    "approvals.withdrawing": "order submitted",
    "contracts.confirmation": "order approved",
    "contracts.termination": "order confirmed",
    "deliveries.parcel": "order confirmed",
    "deliveries.parcels": "order shipped",
    "deliveries.findings": "order delivered",
    "payments.invoicing": "order accepted",
    "payments.payment": "order invoiced",
}
"""Pages that are there at one stage only."""

BODIES: dict[str, dict[str, Any]] = {
    "alerts_api.close": {"note": "核实"},
    "alerts_api.dismiss": {"code": "duplicate", "note": "核实"},
    "approvals_api.reject": {"reason": "不符"},
    "approvals_api.release": {"reason": "不符"},
    "approvals_api.explain": {"explanations": {"S02": "合理"}},
    "assets_api.store": {"keeper": "李保管", "place": "一楼"},
    "carts_api.change": {"quantity": 2},
    "contracts_api.refuse": {"code": "other", "note": "无"},
    "contracts_api.propose": {"reason": "协商"},
    "deliveries_api.accept": {"version": 1, "lines": [{"line": 1, "accepted": 1}]},
    "deliveries_api.receive": {"shipment": "FH1"},
    "deliveries_api.ship": {"carrier": "顺丰", "tracking": "SF1", "version": 1, "lines": [{"line": 1, "quantity": 1}]},
    "listings_api.reprice": {"price_fen": 100},
    "listings_api.restock": {"stock": 1},
    "listings_api.shelve": {"shelf": "off_shelf"},
    "people_api.set_roles": {"roles": []},
    "plans_api.send_back": {"reason": "incomplete", "note": "改"},
    "questions_api.answer": {"words": "含"},
    "questions_api.ask": {"words": "含硒鼓吗？"},
    "ratings_api.rate": {"score": 5},
    "reorders_api.change": {"quantity": 1},
    "reorders_api.put": {"items": [{"listing_id": 1}]},
    "reorders_api.rename": {"name": "耗材"},
    "payments_api.invoice": {
        "kind": "digital",
        "number": "26412000000000009999",
        "amount_fen": 1,
        "tax_fen": 0,
        "buyer_title": "甲",
        "buyer_tax_number": "乙",
        "seller_tax_number": "丙",
        "issued_on": "2026-01-05",
    },
}
"""The least that is well-formed, so that the look-up is reached."""

QUERIES: dict[str, dict[str, Any]] = {
    "connections_api.availability": {"region": factories.CITY},
    "journal_api.proof": {"index": 0},
    "plans_api.candidates": {"category": factories.LASER, "amount_fen": 100},
    "search_api.suggest": {"q": "打印机"},
}
"""Questions that must be asked."""

PERSONAL = {"item", "session", "token", "import", "star", "awaited", "saved search"}
"""A person's own or his organisation's, which nobody supervises."""

UNITS_OWN = {"comparison"}
"""A unit's papers that no supplier sees, whether they name his offers or not."""


EVERYWHERE = {
    "supplier", "product", "brand", "category", "proof", "entity", "miss", "synonym", "review", "any listing", "live listing", "any question", "report",
}  # fmt: skip
"""The same for the whole province: whoever may look at one sees all."""

INSIDE = {"approvals_api.decisions"}
"""Open to whoever reads orders, but not to the supplier's side: its view says 403."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with land(tmp_path_factory.mktemp("policies") / "mall") as made:
        yield made


@pytest.fixture
def bare(tmp_path: Any) -> Flask:
    from wsgi import create_app

    return create_app(Settings(data_dir=tmp_path))


# ---------------------------------------------------------------- one policy each


def test_every_route_has_exactly_one_policy(bare: Flask) -> None:
    for rule in policies.routes(bare):
        view, found = bare.view_functions[rule.endpoint], set()
        while view is not None:
            if isinstance(mark := getattr(view, "policy", None), Policy):
                found.add(mark)
            view = getattr(view, "__wrapped__", None)  # type: ignore[assignment]
        assert len(found) == 1, rule.endpoint


def test_an_application_with_a_bare_route_refuses_to_start(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from wsgi import create_app

    monkeypatch.delitem(health.healthz.__dict__, "policy")
    with pytest.raises(RuntimeError, match=r"routes without a policy: health\.healthz"):
        create_app(Settings(data_dir=tmp_path))


def test_the_table_of_policies_is_what_the_code_says(bare: Flask) -> None:
    assert policies.TABLE.read_text() == policies.table(bare), f"the routes have changed; look at the difference, then: {policies.REWRITE}"


def test_every_permission_guards_something_and_every_role_may_something(bare: Flask) -> None:
    used = {
        each
        for rule in policies.routes(bare)
        for each in policies.policy(bare, rule).permissions
        if rule.endpoint != "sessions_api.who_am_i"
    }
    assert all(used & granted for granted in GRANTS.values())
    assert used <= set(Permission)


# ---------------------------------------------------------------- every role, every relation


def may(role: Role | None, policy: Policy) -> bool:
    """Whether the role passes the guard at all."""
    return policy.anyone or (role is not None and bool(GRANTS[role] & set(policy.permissions)))


def subject(rule: Rule) -> str | None:
    """What the address names, if anything."""
    return next(name for pattern, name in SUBJECTS if re.search(pattern, str(rule))) if rule.arguments else None


def sees(role: Role | None, name: str, relation: str, policy: Policy) -> bool:
    """Whether a thing of that relation is there for whoever passed the guard."""
    if name in UNITS_OWN and role is not None and KIND_OF[role] is OrganisationKind.SUPPLIER:
        return False
    if relation in {MISSING, OWN}:
        return relation == OWN
    if policy.anyone or name in EVERYWHERE or (name == "person" and role is Role.SECURITY_ADMIN):
        return True
    assert role is not None
    watches = KIND_OF[role] in {OrganisationKind.FINANCE, OrganisationKind.AUDIT, OrganisationKind.AGENCY}
    return watches and relation == SIBLING and name not in PERSONAL


def key(ground: Land, role: Role | None, rule: Rule, name: str, relation: str) -> Any:
    """The value of the address's argument."""
    number = "number" in rule.arguments
    if relation == MISSING and name in {"import", "entity"}:
        return "missing"
    if relation == MISSING:
        return "XX000000-000000-0" if number else 10**9
    place = ground.places[relation]
    if name in {"import", "entity"}:
        return ground.imports[role if role and (relation == OWN or name == "entity") else relation, name]
    if name in {"session", "token"}:
        return ground.opened[role if role and relation == OWN else relation, name]
    if name in {"endpoint", "notice sent"}:
        name += f" {Role.SUPPLIER_ADMIN if role is Role.SUPPLIER_ADMIN else Role.UNIT_ADMIN}"
    if name == "person":
        name = "person supplier" if role is Role.SUPPLIER_ADMIN else "person unit"
    return place.keys[STAGE_OF.get(rule.endpoint, name)]


def address(ground: Land, role: Role | None, rule: Rule, relation: str) -> str:
    """Where the route stands for a thing of that relation."""
    name = subject(rule)
    values: dict[str, Any] = {}
    for argument in rule.arguments:
        if argument == "version":
            values[argument] = 1
        elif name == "trick":
            there = relation != MISSING
            values[argument] = {"name": "no-plan" if there else "no-such", "number": TRIAL if there else "SW000000-000000-0"}[argument]
        elif name == "log":
            there = relation != MISSING
            values[argument] = {"index": 0 if there else 10**9, "name": ground.tile if there else "0/999"}[argument]
        else:
            assert name is not None
            values[argument] = key(ground, role, rule, name, relation)
    with ground.app.test_request_context():
        return ground.app.url_for(rule.endpoint, **values, **QUERIES.get(rule.endpoint, {}))


def call(ground: Land, role: Role | None, rule: Rule, method: str, relation: str, clients: dict[bool, Any], *, brief: bool = False) -> int:
    """The status of one visit; `brief` asks for a fragment, which is quicker where only a refusal is awaited."""
    where = address(ground, role, rule, relation)
    program = where.startswith("/api/")
    more: dict[str, Any] = {"headers": {"HX-Request": "true"}} if brief else {}
    more |= {"json": BODIES.get(rule.endpoint, {})} if program and method != "GET" else {}
    answer: TestResponse = clients[program].open(where, method=method, **more)
    status = answer.status_code
    answer.close()
    return status


def fits(status: int, method: str, *, allowed: bool, seen: bool, anonymous: bool, program: bool, addressed: bool) -> bool:
    """Whether this is the answer that the policy and the relation ask for."""
    if not allowed:
        return status == (401 if program else 303) if anonymous else status == 403
    if not seen:
        return status == 404 if method == "GET" or program else status in {403, 404}
    if method == "GET":
        return status in ({200, 303, 409} if addressed else {200, 204, 303})
    return status < 500 and status not in {401, 405}


def enters(role: Role | None, rule: Rule, policy: Policy) -> bool:
    """Whether the role gets past the guard and the view's own line between the two sides of an order."""
    return may(role, policy) and not (rule.endpoint in INSIDE and role is not None and KIND_OF[role] is OrganisationKind.SUPPLIER)


ROLES = [None, *Role]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "nobody")
def test_every_route_answers_the_role_by_policy_and_by_whose_thing_it_is(ground: Land, role: Role | None) -> None:
    clients = {program: ground.visitor(role, program=program) for program in (False, True)}
    before, wrong = ground.counts(), []
    for rule in policies.routes(ground.app):
        policy, name = policies.policy(ground.app, rule), subject(rule)
        allowed = enters(role, rule, policy)
        for method in policies.methods(rule):
            relations = (OWN, SIBLING, OTHER, MISSING) if allowed and name and (role or policy.anyone) else (OWN,)
            for relation in relations:
                seen = name is None or sees(role, name, relation, policy)
                if allowed and seen and method != "GET":
                    continue  # commands that would be carried out come last
                status = call(ground, role, rule, method, relation, clients, brief=role is not None and not (allowed and seen))
                if not fits(
                    status,
                    method,
                    allowed=allowed,
                    seen=seen,
                    anonymous=role is None,
                    program=str(rule).startswith("/api/"),
                    addressed=name is not None,
                ):
                    wrong.append((rule.endpoint, method, relation, status))
    assert not wrong, "\n".join(map(str, wrong))
    assert ground.counts() == before


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "nobody")
def test_an_empty_command_on_ones_own_thing_is_carried_out_or_refused_but_never_breaks(ground: Land, role: Role | None) -> None:
    wrong = []
    for rule in policies.routes(ground.app):
        policy, name = policies.policy(ground.app, rule), subject(rule)
        if not may(role, policy):
            continue
        for method in (each for each in policies.methods(rule) if each != "GET"):
            program = str(rule).startswith("/api/")
            clients = {program: ground.visitor(role, program=program)}
            status = call(ground, role, rule, method, OWN, clients)
            if not fits(status, method, allowed=True, seen=True, anonymous=role is None, program=program, addressed=name is not None):
                wrong.append((rule.endpoint, method, status))
    assert not wrong, "\n".join(map(str, wrong))
