"""Which path does what: the part of the Stripe API the mall and the official client need."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from orders.payments.simulator import intents
from orders.payments.simulator.state import COMPARISONS, Books, Thing
from orders.payments.simulator.wire import ApiError, Params, bad_parameter, metadata, no_such, text, whole

KINDS = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "events": "event",
    "accounts": "account",
    "customers": "customer",
    "webhook_endpoints": "webhook_endpoint",
}
NEW: Mapping[str, Callable[[Books, Params], Thing]] = {
    "payment_intents": intents.create,
    "refunds": intents.refund,
    "accounts": lambda books, params: _plain(books, "account", "acct", params),
    "customers": lambda books, params: _plain(books, "customer", "cus", params),
    "webhook_endpoints": lambda books, params: _plain(books, "webhook_endpoint", "we", params),
}
ACTIONS: Mapping[str, Callable[[Books, str, Params], Thing]] = {
    "confirm": intents.confirm,
    "capture": intents.capture,
    "cancel": intents.cancel,
}
EXPANDABLE = {"latest_charge": "charge", "charge": "charge", "payment_intent": "payment_intent"}
CLAUSE = re.compile(
    r"""\s*(?:metadata\[(['"])(?P<mark>(?:\\.|(?!\1).)*)\1\]|(?P<field>[a-z_]+))\s*:\s*(['"])(?P<value>(?:\\.|(?!\4).)*)\4\s*"""
)
FIELDS = frozenset({"status", "currency", "customer", "amount"})


def answer(books: Books, method: str, path: str, params: Params) -> Thing:
    """The object asked for or made. Raises ApiError."""
    found = re.fullmatch(r"/v1/([a-z_]+)(?:/([A-Za-z0-9_]+))?(?:/([a-z]+))?", path)
    if found is None or found[1] not in KINDS:
        raise ApiError(404, f"Unrecognized request URL ({method}: {path}).", kept=False)
    things, id, action = found.groups()  # noqa: A001
    expand = params.get("expand") or []
    if method == "GET" and action is None:
        if id is None:
            return _expanded_list(books, _listed(books, things, path, params), expand)
        if id == "search" and things == "payment_intents":
            return _expanded_list(books, _searched(books, path, params), expand)
        return _expanded(books, _retrieved(books, things, id), expand)
    if method == "POST" and id is None and things in NEW:
        return _expanded(books, NEW[things](books, params), expand)
    if method == "POST" and id is not None and things == "payment_intents" and action in ACTIONS:
        return _expanded(books, ACTIONS[action](books, id, params), expand)
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).", kept=False)


def _plain(books: Books, kind: str, prefix: str, params: Params) -> Thing:
    """Things the treasury only keeps: accounts, customers, webhook endpoints."""
    kept = {name: value for name, value in params.items() if name not in ("expand", "metadata")}
    return books.add(kind, prefix, {**kept, "metadata": metadata(params)})


def _retrieved(books: Books, things: str, id: str) -> Thing:  # noqa: A002
    thing = books.one(KINDS[things], id)
    if thing is None:
        raise no_such(KINDS[things], id)
    return thing


def _listed(books: Books, things: str, path: str, params: Params) -> Thing:
    after, parent = text(params, "starting_after"), text(params, "payment_intent")
    if after is not None:
        _retrieved(books, things, after)
    created = params.get("created") or {}
    if isinstance(created, str):
        created = {"gte": created, "lte": created}
    for word in created:
        if word not in COMPARISONS:
            raise bad_parameter("created", f"Invalid created filter: {word}")
    bounds = {word: whole(created, word, least=0) or 0 for word in created}
    fields = {name: value for name in ("type", "customer") if (value := text(params, name)) is not None}
    limit = _limit(params)
    found = books.page(KINDS[things], limit=limit + 1, after=after, parent=parent, fields=fields, created=bounds)
    return {"object": "list", "url": path, "has_more": len(found) > limit, "data": found[:limit]}


def _searched(books: Books, path: str, params: Params) -> Thing:
    """`metadata['a']:'b' AND status:'c'`, newest first."""
    query = text(params, "query")
    if query is None:
        raise bad_parameter("query", "Missing required param: query.", "parameter_missing")
    marks: dict[str, str] = {}
    fields: dict[str, str] = {}
    at = 0
    while at < len(query):
        clause = CLAUSE.match(query, at)
        if clause is None or (clause["mark"] is None and clause["field"] not in FIELDS):
            raise bad_parameter("query", f"We were unable to parse your search query: {query[at : at + 40]}")
        value = re.sub(r"\\(.)", r"\1", clause["value"])
        if clause["mark"] is None:
            fields[clause["field"]] = value
        else:
            marks[re.sub(r"\\(.)", r"\1", clause["mark"])] = value
        at = clause.end()
        if at < len(query):
            joint = re.compile(r"AND\s+").match(query, at)
            if joint is None:
                raise bad_parameter("query", "Clauses are joined by AND.")
            at = joint.end()
    limit = _limit(params)
    found = books.page("payment_intent", limit=limit + 1, metadata=marks, fields=fields)
    more = len(found) > limit
    return {"object": "search_result", "url": path, "has_more": more, "next_page": None, "data": found[:limit]}


def _limit(params: Params) -> int:
    limit = whole(params, "limit")
    if limit is not None and limit > 100:
        raise bad_parameter("limit", "This value must be less than or equal to 100.")
    return limit or 10


def _expanded_list(books: Books, page: Thing, expand: Any) -> Thing:
    inner = [name.removeprefix("data.") for name in expand if isinstance(name, str)]
    return {**page, "data": [_expanded(books, thing, inner) for thing in page["data"]]}


def _expanded(books: Books, thing: Thing, expand: Any) -> Thing:
    """Replace an id by the thing it names, one level deep."""
    shown = dict(thing)
    for name in expand if isinstance(expand, list) else []:
        if name not in EXPANDABLE or name not in shown:
            raise bad_parameter("expand", f"This property cannot be expanded ({name}).")
        if shown[name] is not None:
            shown[name] = books.one(EXPANDABLE[name], shown[name])
    return shown
