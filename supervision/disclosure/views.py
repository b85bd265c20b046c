"""The public portal: contracts as they are concluded, searchable and verifiable, without signing in."""

import hmac
from typing import Any

from flask import Blueprint, current_app, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.config import Settings
from app.kernel import clock, regions
from app.web import htmx
from app.web.extensions import db
from app.web.guard import public
from supervision.disclosure import documents, queries, service
from supervision.disclosure.forms import address_of, search_of
from supervision.disclosure.queries import Notice, Search
from supervision.disclosure.rules import digest
from supervision.disclosure.states import KIND_NAMES, MODE_NAMES, NoticeKind

bp = Blueprint("disclosure", __name__, url_prefix="/portal", template_folder="templates")

LATEST = 8


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


@bp.get("")
@public
def portal() -> ResponseReturnValue:
    """The newest notices, the sums of the year by city, and ways to search and verify."""
    session, today = db.session(), clock.today()
    year = Search(since=today.replace(month=1, day=1), until=today)
    found = queries.sums(session, year)
    return htmx.show(
        "disclosure/portal.html",
        latest=queries.listing(session, Search(), limit=LATEST).rows,
        total=queries.total(found),
        cities=queries.by_city(found),
        year=year,
        now=clock.now(),
        kinds=KIND_NAMES,
        name_of=region_name,
    )


@bp.get("/notices")
@public
def notices() -> ResponseReturnValue:
    """All notices, the latest first, under the search of the address."""
    session, search = db.session(), search_of(request.args)
    page = queries.listing(session, search, cursor=request.args.get("cursor"))
    found = queries.sums(session, search)
    return htmx.show(
        "disclosure/notices.html",
        page=page,
        search=search,
        keep=address_of(search),
        total=queries.total(found),
        kinds=KIND_NAMES,
        cities=[("", _("全省")), *((each.code, each.name) for each in regions.children(regions.PROVINCE))],
        counties=[(each.code, each.name) for each in regions.children(_city(search.region))] if search.region else [],
        city=_city(search.region) if search.region else "",
        name_of=region_name,
    )


@bp.get("/notices/<number>")
@public
def notice(number: str) -> ResponseReturnValue:
    """One notice with its digest and the ways to check it."""
    found = queries.by_number(db.session(), number)
    body = queries.body_of(found)
    published = clock.local(found.published_at).strftime("%Y-%m-%d %H:%M:%S")
    other = NoticeKind.TERMINATION if found.kind is NoticeKind.CONTRACT else NoticeKind.CONTRACT
    return htmx.show(
        "disclosure/notice.html",
        notice=found,
        body=body,
        facts=documents.facts_of(body, published, _),
        kinds=KIND_NAMES,
        modes=MODE_NAMES,
        related=queries.of_contract(db.session(), found.contract_number, other),
    )


@bp.get("/notices/<number>.pdf")
@public
def document(number: str) -> ResponseReturnValue:
    """The notice as PDF."""
    found = queries.by_number(db.session(), number)
    db.session.rollback()
    file = documents.file_of(found, settings())
    return send_file(file, mimetype="application/pdf", download_name=f"{found.number}.pdf", max_age=3600, conditional=True)


@bp.get("/notices/<number>.json")
@public
def body(number: str) -> ResponseReturnValue:
    """The very text that the digest was made of."""
    found = queries.by_number(db.session(), number)
    return current_app.response_class(found.body, mimetype="application/json")


@bp.get("/verify")
@public
def verify() -> ResponseReturnValue:
    """Compare the digest of a contract or notice with what was published."""
    number = service.tidy(request.args.get("contract") or request.args.get("number") or "")
    given = request.args.get("sha256", "").strip().lower()[:64]
    found = queries.named(db.session(), number) if number else None
    return htmx.show(
        "disclosure/verify.html", number=number, given=given, notice=found, verdict=_verdict(found, number, given), kinds=KIND_NAMES
    )


def _verdict(found: Notice | None, number: str, given: str) -> dict[str, Any] | None:
    """What the comparison says: nothing asked, not found, found without a digest, same, other, or a record that was changed."""
    if not number:
        return None
    if found is None:
        return {"outcome": "missing"}
    contract = queries.body_of(found)["contract_sha256"]
    if digest(found.body) != found.sha256:
        return {"outcome": "broken", "contract": contract}
    if not given:
        return {"outcome": "found", "contract": contract}
    for name, known in (("contract", contract), ("notice", found.sha256)):
        if hmac.compare_digest(given, known):
            return {"outcome": "same", "what": name, "contract": contract}
    return {"outcome": "other", "contract": contract}


def _city(code: str) -> str:
    way = regions.path(code)
    return way[1].code if len(way) > 1 else regions.PROVINCE


def region_name(code: str) -> str:
    """A region in the fewest words."""
    way = regions.path(code)
    return str(_("省本级")) if len(way) == 1 else " · ".join(each.name for each in way[1:])


def notices_of_contract(contract: str) -> str | None:
    """Where a contract is published, for pages of other chapters."""
    found = queries.of_contract(db.session(), contract)
    return url_for("disclosure.notice", number=found.number) if found else None
