"""Questions on the product page, the supplier's list of them, and the keeper's hand on what does not belong there."""

from typing import Any

from flask import Blueprint, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.kernel import regions
from app.kernel.db import commit
from app.kernel.errors import Missing
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, public, requires
from app.web.menus import Menus
from catalog.listings import queries as listings
from catalog.questions import queries, service
from catalog.questions.forms import HideForm, WordsForm
from catalog.questions.states import QUESTION_NAMES, QuestionState

bp = Blueprint("questions", __name__, template_folder="templates", url_prefix="/questions")

TONES = {QuestionState.OPEN: "warn", QuestionState.ANSWERED: "ok", QuestionState.HIDDEN: "dim"}


def on_product(listing_id: int) -> str:
    """Where the questions about a product will stand on its page: they are fetched when they come into sight."""
    places: Menus = current_app.extensions["mall.menus"]
    return render_template("questions/_later.html", listing_id=listing_id, report=places.where("listing.report", listing_id=listing_id))


@bp.get("/about/<int:listing_id>")
@public
def about(listing_id: int) -> ResponseReturnValue:
    """All that was asked about a product, and the form to ask more."""
    return _page(listing_id, WordsForm())


@bp.post("/about/<int:listing_id>")
@requires(Permission.CART_USE)
def ask(listing_id: int) -> ResponseReturnValue:
    """Ask about an offer."""
    form = WordsForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.ask(session, me(), listing_id, words=form.words.data)
        if not form.was_refused:
            flash(gettext("已提问，供应商回答后会显示在这里"), "ok")
            return htmx.go(url_for("questions.about", listing_id=listing_id))
    return _page(listing_id, form)


@bp.get("/")
@requires(Permission.LISTING_KEEP)
def index() -> ResponseReturnValue:
    """What the supplier was asked."""
    return _list()


@bp.post("/<int:question_id>/answer")
@requires(Permission.LISTING_KEEP)
def answer(question_id: int) -> ResponseReturnValue:
    """Answer a question; everybody reads it."""
    form = WordsForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.answer(session, me(), question_id, words=form.words.data)
    if form.was_refused:
        if queries.by_id(db.session(), me(), question_id).supplier_id != me().organisation_id:
            raise Missing()
        return _list(form, question_id)
    return htmx.go(url_for("questions.index"))


@bp.get("/<int:question_id>")
@requires(Permission.LISTING_REVIEW)
def question(question_id: int) -> ResponseReturnValue:
    """One question as the keeper sees it."""
    return _question(question_id, HideForm())


@bp.post("/<int:question_id>/hide")
@requires(Permission.LISTING_REVIEW)
def hide(question_id: int) -> ResponseReturnValue:
    """Take a question off the page."""
    form = HideForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.hide(session, me(), question_id, reason=form.reason.data)
    return _question(question_id, form) if form.was_refused else htmx.go(url_for("questions.question", question_id=question_id))


def _about(product_id: int, listing_id: int) -> dict[str, Any]:
    actor = maybe_me()
    return {
        "asked": queries.on_product(db.session(), actor, product_id),
        "listing_id": listing_id,
        "may_ask": actor is not None and actor.may(Permission.CART_USE),
        "reader": actor.person_id if actor else None,
        "place_of": lambda region: regions.by_code(region).name,
    }


def _page(listing_id: int, form: WordsForm) -> ResponseReturnValue:
    offer = listings.by_id(db.session(), maybe_me(), listing_id)
    status = 422 if form.was_refused else 200
    part = "questions/_on_product.html"
    return htmx.show("questions/about.html", part=part, offer=offer, form=form, status=status, **_about(offer.product_id, listing_id))


def _question(question_id: int, form: HideForm) -> ResponseReturnValue:
    found = queries.by_id(db.session(), me(), question_id)
    return htmx.show(
        "questions/question.html", each=found, form=form, names=QUESTION_NAMES, tones=TONES, open=found.state is not QuestionState.HIDDEN,
        place_of=lambda region: regions.by_code(region).name, status=422 if form.was_refused else 200,
    )  # fmt: skip


def _list(form: WordsForm | None = None, refused: int | None = None) -> ResponseReturnValue:
    session, actor = db.session(), me()
    tab = request.args.get("tab", QuestionState.OPEN.value)
    state = QuestionState(tab) if tab in set(QuestionState) else None
    page = queries.of_supplier(session, actor, state=state if refused is None else None, cursor=request.args.get("cursor"))
    counts = queries.counts_of_supplier(session, actor)
    tabs = [
        (gettext(name), url_for("questions.index", tab=each.value), each is state, counts.get(each.value, 0))
        for each, name in QUESTION_NAMES.items()
    ]
    tabs.append((gettext("全部"), url_for("questions.index", tab="all"), state is None, sum(counts.values())))
    return htmx.show(
        "questions/index.html", page=page, tabs=tabs, tab=tab, form=form, refused=refused, names=QUESTION_NAMES, tones=TONES,
        place_of=lambda region: regions.by_code(region).name,
        status=422 if form else 200,
    )  # fmt: skip
