"""The desk of those who look after the shelves: offers that wait for review, and any listing with what may be done about it."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.policy import Actor, Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.listings import decisions, desk, gate, prices, queries
from catalog.listings.gate import Wish
from catalog.listings.states import ACTION_NAMES, REVIEW_NAMES, SHELF_NAMES, STEPS, Action
from catalog.listings.tables import Listing
from catalog.listings.verdicts import RULES
from catalog.listings.views import SHELF_TONES, outside_price, said
from catalog.upkeep.forms import ReasonForm

bp = Blueprint("upkeep", __name__, template_folder="templates", url_prefix="/upkeep")

STOPS: Final = (Action.SUSPEND, Action.LIFT, Action.FREEZE, Action.THAW)
"""What may be done about a listing beside reviewing it, each at the address of its name."""


@bp.get("/reviews")
@requires(Permission.LISTING_REVIEW)
def reviews() -> ResponseReturnValue:
    """What waits for the keeper, and the offer that is being looked at."""
    return _queue()


@bp.post("/reviews/bulk")
@requires(Permission.LISTING_REVIEW)
def bulk() -> ResponseReturnValue:
    """Approve the ticked offers together, all or none."""
    ids = [int(each) for each in request.form.getlist("review") if each.isdecimal() and len(each) < 18]
    try:
        with commit(db.session()) as session:
            done = decisions.approve_all(session, me(), ids)
    except Refusal as refused:
        return _queue(refused=refused)
    flash(gettext("已通过 %(n)s 件", n=done), "ok") if done else flash(gettext("没有勾选商品"), "info")
    return htmx.go(url_for("upkeep.reviews", rule=request.form.get("rule") or None))


@bp.post("/reviews/<int:review_id>/approve")
@requires(Permission.LISTING_REVIEW)
def approve(review_id: int) -> ResponseReturnValue:
    """Let the offer stand on the shelf, or its new price hold."""
    return _decide(review_id, lambda session: decisions.approve(session, me(), review_id), gettext("已通过"))


@bp.post("/reviews/<int:review_id>/return")
@requires(Permission.LISTING_REVIEW)
def send_back(review_id: int) -> ResponseReturnValue:
    """Give the offer back with a reason."""
    form = ReasonForm()
    if not form.validate_on_submit():
        return _queue(review_id, form=form)
    reason = form.reason.data
    return _decide(review_id, lambda session: decisions.send_back(session, me(), review_id, reason=reason), gettext("已退回"), form)


@bp.get("/listings/<int:listing_id>")
@requires(Permission.LISTING_REVIEW, Permission.LISTING_FREEZE)
def listing(listing_id: int) -> ResponseReturnValue:
    """Any listing as those who look after it see it."""
    return _listing(listing_id, ReasonForm())


@bp.post("/listings/<int:listing_id>/suspend")
@requires(Permission.LISTING_REVIEW)
def suspend(listing_id: int) -> ResponseReturnValue:
    """Suspend the sale of an offer."""
    return _stop_or_release(listing_id, decisions.suspend)


@bp.post("/listings/<int:listing_id>/lift")
@requires(Permission.LISTING_REVIEW)
def lift(listing_id: int) -> ResponseReturnValue:
    """Let the sale of a suspended offer go on."""
    return _stop_or_release(listing_id, decisions.lift)


@bp.post("/listings/<int:listing_id>/freeze")
@requires(Permission.LISTING_FREEZE)
def freeze(listing_id: int) -> ResponseReturnValue:
    """Freeze an offer as it stands."""
    return _stop_or_release(listing_id, decisions.freeze)


@bp.post("/listings/<int:listing_id>/thaw")
@requires(Permission.LISTING_FREEZE)
def thaw(listing_id: int) -> ResponseReturnValue:
    """Give a frozen offer back to its supplier."""
    return _stop_or_release(listing_id, decisions.thaw)


def _stop_or_release(listing_id: int, command: Callable[..., Listing]) -> ResponseReturnValue:
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            command(session, me(), listing_id, reason=form.reason.data)
    return _listing(listing_id, form) if form.was_refused else htmx.go(url_for("upkeep.listing", listing_id=listing_id))


def _decide(
    review_id: int, command: Callable[[Session], object], done: str, form: ReasonForm | None = None
) -> ResponseReturnValue:
    try:
        with commit(db.session()) as session:
            command(session)
    except Refusal as refused:
        return _queue(review_id, refused=refused, form=form)
    flash(done, "ok")
    return htmx.go(url_for("upkeep.reviews", rule=request.form.get("rule") or None))


def _queue(review_id: int | None = None, *, refused: Refusal | None = None, form: ReasonForm | None = None) -> ResponseReturnValue:
    session, actor = db.session(), me()
    rule = request.values.get("rule", "")
    rule = rule if rule in RULES else ""
    q = " ".join(request.args.get("q", "").split())[:60]
    page = desk.waiting(session, actor, rule=rule, q=q, cursor=request.args.get("cursor"))
    asked = request.args.get("review", "")
    wanted = review_id or (int(asked) if asked.isdecimal() and len(asked) < 18 else None)
    shown = desk.review(session, actor, wanted) if wanted else page.rows[0] if page.rows else None
    counts = desk.waiting_by_rule(session, actor)
    tabs = [(gettext("全部"), url_for("upkeep.reviews", q=q or None), not rule, counts.pop(""))]
    tabs += [
        (f"{each} {gettext(RULES[each].title)}", url_for("upkeep.reviews", rule=each, q=q or None), each == rule, number)
        for each, number in sorted(counts.items())
    ]
    return htmx.show(
        "upkeep/reviews.html",
        page=page,
        shown=shown,
        sheet=_sheet(session, shown) if shown else {},
        rule=rule,
        rules=RULES,
        q=q,
        tabs=tabs,
        form=form or ReasonForm(formdata=None),
        refused=refused,
        review_names=REVIEW_NAMES,
        status=422 if refused or (form and form.was_refused) else 200,
    )


def _sheet(session: Session, shown: desk.Reviewed) -> dict[str, object]:
    """What the keeper sees of one review: the checks as they were and as they are, the other offers, how the price went."""
    wish = Wish(product_id=shown.product_id, price_fen=shown.price_fen)
    (now,) = gate.judge_all(session, shown.supplier_id, [wish], but=shown.listing_id)
    versions = prices.versions_of(session, shown.listing_id)
    return {
        "checks": said(now),
        "stats": prices.quartiles_of_others(session, [shown.product_id], shown.supplier_id).get(shown.product_id),
        "points": [(clock.local(version.at).date(), version.price_fen) for version in versions],
        "external": outside_price(shown.product_id),
        "today": clock.today(),
        "earlier": [each for each in desk.reviews_of(session, me(), shown.listing_id) if each.id != shown.id],
    }


def _listing(listing_id: int, form: ReasonForm) -> ResponseReturnValue:
    session, actor = db.session(), me()
    offer = queries.by_id(session, actor, listing_id)
    judged, kept = desk.verdicts_of(session, listing_id)
    versions = prices.versions_of(session, listing_id)
    return htmx.show(
        "upkeep/listing.html",
        offer=offer,
        form=form,
        reason=desk.reason_of(session, listing_id),
        judged=judged,
        kept=said(kept),
        stats=prices.quartiles(session, product_id=offer.product_id),
        versions=list(reversed(versions)),
        points=[(clock.local(version.at).date(), version.price_fen) for version in versions],
        today=clock.today(),
        shelf_names=SHELF_NAMES,
        shelf_tones=SHELF_TONES,
        ways=_ways(actor, offer),
        status=422 if form.was_refused else 200,
    )


def _ways(actor: Actor, offer: queries.Shown) -> list[tuple[str, str]]:
    """What this reader may do about the offer as it stands: label and address."""
    open_now = {step.action for step in STEPS if step.source is offer.shelf and actor.may(step.permission)}
    here = url_for("upkeep.listing", listing_id=offer.listing_id)
    return [(gettext(ACTION_NAMES[action]), f"{here}/{action.value}") for action in STOPS if action in open_now]
