"""The tour, the tricks and the demo logins. This blueprint is registered in the training province only."""

import secrets
from random import SystemRandom
from typing import Any

from flask import Blueprint, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.config import Settings
from app.kernel.db import commit
from app.kernel.errors import N_, Missing
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, public
from supervision.journal import queries as journal
from supervision.journal.views import directory as log_folder
from supervision.journal.views import verifier
from supervision.training import guide, tour, trial_pages, trials
from supervision.training.cast import PASSWORD
from supervision.training.forgery import Log
from supervision.training.props import Props
from supervision.training.tour import DONE, Stop, Ticket
from supervision.training.tricks import BY_NAME, TRICKS

bp = Blueprint("training", __name__, template_folder="templates", url_prefix="/tour")

COOKIE = "mall_tour"
SIGNED_IN = "mall_session"
STAGES = (
    N_("下单"),
    N_("审批"),
    N_("确认与发货"),
    N_("签收与验收"),
    N_("开票"),
    N_("支付"),
    N_("资产入库"),
    N_("在线监管"),
    N_("信息公开"),
)


EXAMPLES = {
    "/ship": {"carrier": N_("顺丰速运"), "tracking": "SF1090026112400"},
    "/accept": {"accepted": "max", "returned": "0"},
    "/assets/": {"keeper": N_("王老师"), "place": N_("办公楼 301")},
}
"""By a piece of the page's address: field and value."""


def _tickets() -> URLSafeSerializer:
    settings: Settings = current_app.config["SETTINGS"]
    return URLSafeSerializer(settings.secret_key, salt="tour")


def _ticket() -> Ticket | None:
    """The ticket this browser carries, if it is one of ours."""
    carried = request.cookies.get(COOKIE)
    if not carried:
        return None
    try:
        found: dict[str, Any] = _tickets().loads(carried)
        return Ticket(name=str(found["name"]), after=int(found["after"]), seen=str(found["seen"]))
    except (BadSignature, KeyError, TypeError, ValueError):
        return None


def _on(url: str, secret: str | None, ticket: Ticket | None) -> Response:
    """Send the browser on, as somebody else when there is a secret, with its ticket when there is one."""
    response = current_app.make_response(htmx.go(url))
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    if secret is not None:
        response.set_cookie(SIGNED_IN, secret, httponly=True, samesite="Lax", secure=secure)
    if ticket is not None:
        carried = _tickets().dumps(vars(ticket))
        response.set_cookie(COOKIE, carried, httponly=True, samesite="Lax", secure=secure)
    return response


@bp.get("")
@public
def page() -> ResponseReturnValue:
    """What the tour is, who is who, and where this browser's tour stands."""
    session, ticket = db.session(), _ticket()
    here = tour.stop(session, ticket) if ticket and ticket.seen != DONE else None
    return htmx.show(
        "training/tour.html",
        here=here,
        logins=guide.logins(session),
        password=PASSWORD,
        product=guide.product(session),
        stages=[gettext(name) for name in STAGES],
    )


@bp.post("/start")
@public
def start() -> ResponseReturnValue:
    """Begin: as the buyer of the tour's unit, at the search."""
    with commit(db.session()) as session:
        ticket = tour.begin(session)
        here = tour.stop(session, ticket)
        secret = tour.go(session, here, ticket)
    return _on(here.url, secret, ticket)


@bp.post("/continue")
@public
def go_on() -> ResponseReturnValue:
    """Go on as whoever is next, at the page where it is done."""
    ticket = _ticket()
    if ticket is None:
        return htmx.go(url_for("training.page"))
    with commit(db.session()) as session:
        ticket = tour.advanced(tour.stop(session, ticket), ticket)
        here = tour.stop(session, ticket)
        secret = tour.go(session, here, ticket)
    if ticket.seen == DONE:
        return _on(url_for("training.page"), None, ticket)
    return _on(here.url, secret, ticket)


@bp.post("/leave")
@public
def leave() -> ResponseReturnValue:
    """End the tour; the session stays as it is."""
    response = current_app.make_response(htmx.go(url_for("training.page")))
    response.delete_cookie(COOKIE, samesite="Lax", httponly=True, secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


@bp.post("/as")
@public
def sign_in_as() -> ResponseReturnValue:
    """Sign in as one of the demo logins without typing. Raises Missing for any other login."""
    with commit(db.session()) as session:
        person = tour.demo_person(session, request.form.get("as", ""))
        if person is None:
            raise Missing()
        secret = tour.take_identity(session, person, "sign-in")
    wanted = request.form.get("to", "")
    return _on(wanted if wanted.startswith("/watch/") else "/", secret, None)


# ---------------------------------------------------------------- trying to cheat


@bp.get("/cheat")
@public
def cheat() -> ResponseReturnValue:
    """Ten tricks to be tried, with what came of those that were tried last."""
    session = db.session()
    numbers = request.args.getlist("tried")[: len(TRICKS)]
    found = {each.trick.name: each for each in (trial_pages.tried(session, number) for number in numbers)}
    return htmx.show("training/cheat.html", tricks=TRICKS, found=found, unit=guide.unit_name(session))


@bp.post("/cheat")
@public
def try_all() -> ResponseReturnValue:
    """All ten, one after the other."""
    return htmx.go(url_for("training.cheat", tried=[trials.run(trick, _props()) for trick in TRICKS], _anchor="summary"))


@bp.post("/cheat/<name>")
@public
def try_one(name: str) -> ResponseReturnValue:
    """One trick: its card with the result, or the page for browsers without scripts. Raises Missing."""
    trick = BY_NAME.get(name)
    if trick is None:
        raise Missing()
    number = trials.run(trick, _props())
    if not htmx.asked():
        return htmx.go(url_for("training.cheat", tried=number, _anchor=f"trick-{name}"))
    tried = trial_pages.tried(db.session(), number)
    return htmx.show("training/_trick.html", trick=trick, no=TRICKS.index(trick) + 1, tried=tried, is_fragment=True)


@bp.get("/cheat/proofs/<number>")
@public
def trial_proof(number: str) -> ResponseReturnValue:
    """Where the events of a trial stand in the log; asked again until a checkpoint covers them. Raises Missing."""
    found = trial_pages.tried(db.session(), number)
    if not htmx.asked():
        return htmx.go(url_for("training.cheat", tried=number, _anchor=f"trick-{found.trick.name}"))
    return htmx.show("training/_proof.html", tried=found)


@bp.get("/cheat/receipts/<number>")
@public
def trial_receipt(number: str) -> ResponseReturnValue:
    """The receipt of a trial's event with all its fields, to be verified by anybody. Raises Missing, NotYetSealed."""
    session = db.session()
    _fact, event = trials.by_number(session, number)
    made = journal.receipt(session, log_folder(), event, journal.field_names(event))
    return jsonify(made.as_json()), 200, {"Content-Disposition": f"attachment; filename={number}.json"}


def _props() -> Props:
    """Everything from the real world: the database, the log's files, the rules that the supervision plugged in."""
    gates = current_app.extensions.get("mall.gates", ())
    return Props(session=db.session(), log=Log(folder=log_folder(), verifier=verifier()), gates=gates, rng=SystemRandom())


# ---------------------------------------------------------------- slots


def strip(**_context: Any) -> Markup:
    """The strip above every page of a browser on the tour; nothing for anybody else."""
    ticket = _ticket()
    if ticket is None or ticket.seen == DONE:
        return Markup("")
    here = tour.stop(db.session(), ticket)
    actor = maybe_me()
    is_me = actor is not None and actor.person_id is not None and actor.person_id == here.person_id
    shown = render_template(
        "training/_strip.html", here=here, is_me=is_me, is_looking=_is_looking(here), example=_example(request.path), whole=tour.STAGES
    )
    return Markup(shown)  # noqa: S704 - a template of ours  # nosec B704


def _example(path: str) -> dict[str, str]:
    """What a newcomer may let the strip put into the form of this page, so that nothing has to be typed."""
    if path.endswith("/invoice"):
        return {"number": f"2641{secrets.randbelow(10**16):016d}"}
    return next((dict(values) for piece, values in EXAMPLES.items() if piece in path), {})


def _is_looking(here: Stop) -> bool:
    """Whether this stop has nothing to do but to look, and this is the place."""
    return here.step >= tour.STAGES - 1 and request.path == here.url


def demo_logins(**_context: Any) -> Markup:
    """On the sign-in page: the way into the tour, and every demo login with one click."""
    found = guide.logins(db.session())
    if not found:
        return Markup("")
    return Markup(render_template("training/_logins.html", logins=found, password=PASSWORD))  # noqa: S704 - a template of ours


def demo_proof(**_context: Any) -> Markup:
    """Where somebody confirms who he is: the training password, put in by one click."""
    return Markup(render_template("training/_demo_password.html", password=PASSWORD))  # noqa: S704 - a template of ours
