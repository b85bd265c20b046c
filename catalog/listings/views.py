"""A supplier's own offers: the list with prices and stock to type in, the editor with its gate, the history."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup

from app.kernel import clock, money
from app.kernel.db import commit
from app.kernel.errors import Missing, Refusal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import maybe_me, me, requires
from catalog.listings import desk, gate, prices, queries, service, told
from catalog.listings.forms import NewOfferForm, OfferForm, PriceForm, ShelfForm, StockForm
from catalog.listings.gate import Goods, Wish
from catalog.listings.queries import Shown
from catalog.listings.rules import Parameters, place_of_price
from catalog.listings.service import NewListing
from catalog.listings.states import REVIEW_NAMES, SHELF_NAMES, ReviewState, Shelf
from catalog.listings.verdicts import Outcome, Verdict
from catalog.products import forms as product_forms
from catalog.products import queries as products
from catalog.products import service as product_service
from catalog.products.rules import check_fact, read_lines, words
from catalog.products.service import How
from catalog.products.states import COUNTS_NAMES, COUNTS_TONES, FACT_NAMES, FactKind, Origin
from catalog.profiles import queries as profiles
from catalog.profiles.rules import Profile, arranged
from catalog.references import queries as references
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("listings", __name__, template_folder="templates", url_prefix="/listings")

SHELF_TONES: Final[dict[Shelf, str]] = {
    Shelf.ON_SHELF: "ok", Shelf.OFF_SHELF: "dim", Shelf.DRAFT: "info", Shelf.REVIEW: "hold", Shelf.SUSPENDED: "warn", Shelf.FROZEN: "bad",
}  # fmt: skip
TABS: Final = ("all", "on_shelf", "low", "review", "off_shelf", "draft", "suspended", "frozen")
TONES: Final[dict[Outcome, str]] = {Outcome.WATCH: "warn"}
"""Outcomes as verdict lines call them, where the word is another."""


@bp.get("/")
@requires(Permission.LISTING_KEEP)
def index() -> ResponseReturnValue:
    """The supplier's offers by shelf."""
    return _list()


@bp.post("/<int:listing_id>/price")
@requires(Permission.LISTING_KEEP)
def price(listing_id: int) -> ResponseReturnValue:
    """Set the price typed in the list; buyers see it at once, unless a rule of the gate holds or blocks it."""
    form = PriceForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.reprice(session, me(), listing_id, price_fen=form.price_fen.data or 0, version=form.version.data)
    return _row(listing_id, form)


@bp.post("/<int:listing_id>/stock")
@requires(Permission.LISTING_KEEP)
def stock(listing_id: int) -> ResponseReturnValue:
    """Set the stock typed in the list."""
    form = StockForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.restock(session, me(), listing_id, stock=form.stock.data, seen=form.seen.data)
    return _row(listing_id, form)


@bp.post("/<int:listing_id>/shelf")
@requires(Permission.LISTING_KEEP)
def shelf(listing_id: int) -> ResponseReturnValue:
    """Put the offer on the shelf or take it off."""
    form = ShelfForm()
    if form.validate_on_submit():
        move = service.put_on_shelf if form.shelf.data == Shelf.ON_SHELF else service.take_off_shelf
        with refusals_on(form), commit(db.session()) as session:
            move(session, me(), listing_id, version=form.version.data)
    return _row(listing_id, form)


@bp.post("/<int:listing_id>/withdraw")
@requires(Permission.LISTING_KEEP)
def withdraw(listing_id: int) -> ResponseReturnValue:
    """Take back what waits for the catalogue keeper."""
    with commit(db.session()) as session:
        service.withdraw(session, me(), listing_id)
    return htmx.go(url_for("listings.listing", listing_id=listing_id))


@bp.post("/<int:listing_id>/gate")
@requires(Permission.LISTING_KEEP)
def price_preview(listing_id: int) -> ResponseReturnValue:
    """What the gate would say of another price while it is typed; nothing is kept."""
    offer = _own(listing_id)
    return htmx.show("listings/_gate.html", checks=_checks_of(offer, _price_typed()), category=None)


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.LISTING_KEEP)
def new() -> ResponseReturnValue:
    """Make an offer."""
    form = NewOfferForm()
    if request.method == "GET" and (code := request.args.get("category", "")):
        form.category_code.data = code[:9]
    if "show" not in request.form and form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            made, how = _create(form)
        if not form.was_refused:
            return htmx.go(url_for("listings.listing", listing_id=made, product=None if how is How.NEW else how.value))
    session = db.session()
    code = form.category_code.data or ""
    profile = _profile(code)
    asked = {each.name for each in profile.attributes}
    return htmx.show(
        "listings/new.html",
        form=form,
        category=taxonomy.category(session, code) if taxonomy.exists(session, code) else None,
        usual=[name for name in products.usual_attributes(session, code) if name not in asked],
        specs=product_forms.spec_fields(profile, product_forms.read_specs(profile, request.form), judge=form.was_refused),
        papers=product_forms.fact_fields(request.form),
        checks=_preview(form) if code else (),
        status=422 if form.was_refused else 200,
    )


@bp.post("/new/specs")
@requires(Permission.LISTING_KEEP)
def specs() -> ResponseReturnValue:
    """The fields that the profile of the category typed asks for, with what was typed in them."""
    profile = _profile(request.form.get("category_code", "").strip())
    fields = product_forms.spec_fields(profile, product_forms.read_specs(profile, request.form), judge=False)
    return htmx.show("products/_specs.html", specs=fields)


@bp.post("/<int:listing_id>/proofs")
@requires(Permission.LISTING_KEEP)
def proofs(listing_id: int) -> ResponseReturnValue:
    """Record documents about the product of one's own offer."""
    offer = _own(listing_id)
    form = Form()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            product_service.record_facts(session, me(), offer.product_id, product_forms.read_facts(request.form))
        if not form.was_refused:
            return htmx.go(url_for("listings.listing", listing_id=listing_id) + "#proofs")
    return _editor(offer, _offer_form(offer), papers=form)


@bp.post("/gate")
@requires(Permission.LISTING_KEEP)
def preview() -> ResponseReturnValue:
    """What the gate says of an offer while it is typed; nothing is kept."""
    form = NewOfferForm()
    session = db.session()
    code = form.category_code.data or ""
    category = taxonomy.category(session, code) if taxonomy.exists(session, code) else None
    return htmx.show("listings/_gate.html", checks=_preview(form) if category else (), category=category)


@bp.route("/<int:listing_id>", methods=["GET", "POST"])
@requires(Permission.LISTING_KEEP)
def listing(listing_id: int) -> ResponseReturnValue:
    """The editor of one offer, its gate and its history."""
    offer = _own(listing_id)
    form = _offer_form(offer)
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.edit(
                session, me(), listing_id, title=form.title.data, delivery_days=form.delivery_days.data, regions=form.regions.data,
                warranty_months=form.warranty_months.data, version=_version(),
            )
        if not form.was_refused:
            return htmx.go(url_for("listings.listing", listing_id=listing_id))
    return _editor(offer, form)


def _offer_form(offer: Shown) -> OfferForm:
    return OfferForm(data={
        "title": offer.title, "delivery_days": offer.delivery_days, "warranty_months": offer.warranty_months, "regions": list(offer.areas),
    })  # fmt: skip


def _profile(code: str) -> Profile:
    """By what the products of a category are described today; by nothing while there is no such category."""
    session = db.session()
    return profiles.of(session, code, clock.today()) if taxonomy.exists(session, code) else Profile(category_code=code)


def _create(form: NewOfferForm) -> tuple[int, How]:
    """Find or define the product and offer it: the offer, and whether its product was there. Raises what the services raise."""
    session = db.session()
    typed = read_lines(form.attributes.data or "") | product_forms.read_specs(_profile(form.category_code.data), request.form)
    (found,) = product_service.find_or_define_all(
        session,
        me(),
        [product_service.Definition(
            category_code=form.category_code.data, brand=form.brand.data, model=form.model.data, title=form.title.data, unit=form.unit.data,
            attributes=typed, origin=Origin.IMPORTED if form.imported.data else Origin.DOMESTIC, gtin=form.gtin.data or "",
            facts=product_forms.read_facts(request.form),
        )],
    )  # fmt: skip
    made = service.create(
        session,
        me(),
        NewListing(
            product_id=found.product_id, sku=form.sku.data, title=form.title.data, price_fen=form.price_fen.data or 0,
            stock=form.stock.data, delivery_days=form.delivery_days.data, regions=form.regions.data,
            warranty_months=form.warranty_months.data, shelf=Shelf(form.shelf.data),
        ),
    )  # fmt: skip
    return made.id, found.how


def _preview(form: NewOfferForm) -> list[dict[str, Any]]:
    """The gate for what is typed so far."""
    session, supplier_id = db.session(), me().organisation_id or 0
    brand, model, code = ((field.data or "").strip() for field in (form.brand, form.model, form.category_code))
    price_fen = form.price_fen.data if form.price_fen.data is not None else _price_typed()
    proven = _proofs_typed()
    if found := products.same(session, code, brand, model):
        (verdicts,) = gate.judge_all(session, supplier_id, [Wish(product_id=found.id, price_fen=price_fen, proven=proven)])
        return said(verdicts)
    goods = Goods(category=code, unit=(form.unit.data or "").strip(), imported=form.imported.data, proven=proven)
    return said(gate.judge_definition(session, supplier_id, goods, price_fen))


def _proofs_typed() -> frozenset[FactKind]:
    """The kinds of documents in the form that are whole and hold today."""
    kinds = set()
    with contextlib.suppress(Refusal):
        for fact in product_forms.read_facts(request.form):
            with contextlib.suppress(Refusal):
                if check_fact(fact, FACT_NAMES[fact.kind], clock.today()).number:
                    kinds.add(fact.kind)
    return frozenset(kinds)


def _price_typed() -> int | None:
    """The price in the form, in fen; None while it cannot be read."""
    with contextlib.suppress(Refusal):
        return money.parse_yuan(request.form.get("price_fen", ""))
    return None


def _checks_of(offer: Shown, price_fen: int | None) -> list[dict[str, Any]]:
    """What the gate says of an offer at this price."""
    wish = Wish(product_id=offer.product_id, price_fen=price_fen)
    (verdicts,) = gate.judge_all(db.session(), offer.supplier_id, [wish], but=offer.listing_id)
    return said(verdicts)


def said(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Checks in the words of verdict lines: what was found, and for what did not pass the way out."""
    return [
        {
            "outcome": TONES.get(verdict.outcome, verdict.outcome.value),
            "rule": verdict.rule,
            "title": gettext(verdict.words.passed if verdict.outcome is Outcome.PASS else verdict.words.title),
            "basis": told.sentence(verdict),
            "detail": gettext(verdict.words.way_out),
            "source": gettext(verdict.words.basis),
            "ways": (),
        }
        for verdict in verdicts
    ]


def todo() -> str | Markup:
    """For the workbench: what of the supplier's offers was taken out of sale, and why."""
    actor = maybe_me()
    groups = desk.taken_off(db.session(), actor) if actor else []
    if not groups:
        return ""
    return Markup(render_template("listings/_taken_off.html", groups=groups, shelf_names=SHELF_NAMES, said=told.reason))  # noqa: S704 - a rendered template


def outside_price(product_id: int) -> int | None:
    """The newest reference price of a product within the days of a price history, in fen; None when there is none."""
    newest = references.newest(db.session(), [product_id], clock.today(), prices.HISTORY_DAYS).get(product_id)
    return newest.price_fen if newest else None


def _own(listing_id: int) -> Shown:
    """An offer of the reader's own supplier. Raises Missing."""
    offer = queries.by_id(db.session(), me(), listing_id)
    if offer.supplier_id != me().organisation_id:
        raise Missing()
    return offer


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _editor(offer: Shown, form: OfferForm, papers: Form | None = None) -> ResponseReturnValue:
    session = db.session()
    versions = prices.versions_of(session, offer.listing_id)
    reviews = desk.reviews_of(session, me(), offer.listing_id)
    judged, kept = desk.verdicts_of(session, offer.listing_id)
    return htmx.show(
        "listings/listing.html",
        offer=offer,
        form=form,
        stats=prices.quartiles(session, product_id=offer.product_id),
        checks=_checks_of(offer, offer.price_fen),
        kept=said(kept),
        judged=judged,
        reviews=reviews,
        waiting=next((each for each in reviews if each.state is ReviewState.WAITING), None),
        reason=told.reason(desk.reason_of(session, offer.listing_id)),
        review_names=REVIEW_NAMES,
        category=None,
        attributes=[
            (name, gettext(words(value)) if isinstance(value, bool) else words(value))
            for name, value in arranged(_profile(offer.category_code), offer.spec)
        ],
        proofs=products.all_facts(session, [offer.product_id], clock.today()),
        papers=product_forms.fact_fields(request.form if papers else {}),
        papers_form=papers,
        fact_names=FACT_NAMES,
        counts_names=COUNTS_NAMES,
        counts_tones=COUNTS_TONES,
        found=request.args.get("product", ""),
        offers=len(queries.offers_for_product(session, offer.product_id)),
        versions=list(reversed(versions)),
        points=[(clock.local(version.at).date(), version.price_fen) for version in versions],
        external=outside_price(offer.product_id),
        today=clock.today(),
        shelf_names=SHELF_NAMES,
        shelf_tones=SHELF_TONES,
        on_shelf=offer.shelf is Shelf.ON_SHELF,
        may_shelve=offer.shelf in {Shelf.DRAFT, Shelf.OFF_SHELF, Shelf.SUSPENDED},
        frozen=offer.shelf is Shelf.FROZEN,
        status=422 if form.was_refused or (papers is not None and papers.was_refused) else 200,
    )


def _row(listing_id: int, form: Form) -> ResponseReturnValue:
    """After a change in the list: the row alone for htmx, else the page the form came from; a refusal keeps the list in sight."""
    offer = _own(listing_id)
    if not htmx.asked() and not form.was_refused:
        back = request.form.get("back", "")
        return htmx.go(url_for("listings.listing", listing_id=listing_id) if back == "editor" else url_for("listings.index"))
    if not htmx.asked():
        return _list(form, status=422)
    (line,) = _lines([offer])
    return htmx.show(
        "listings/_row.html",
        each=line,
        form=form,
        shelf_names=SHELF_NAMES,
        shelf_tones=SHELF_TONES,
        status=422 if form.was_refused else 200,
    )


def _lines(offers: Sequence[Shown]) -> list[dict[str, Any]]:
    """Offers with the spread of their product, and where their price stands among the others."""
    session = db.session()
    ids = [offer.product_id for offer in offers]
    stats = prices.quartiles_by_product(session, ids)
    others = prices.quartiles_of_others(session, ids, me().organisation_id or 0)
    given: Parameters = gate.parameters(session)
    return [
        {
            "offer": offer,
            "stats": stats.get(offer.product_id),
            "check": said([place_of_price(offer.price_fen, others.get(offer.product_id), given)])[0] if "R02" in given else None,
        }
        for offer in offers
    ]


def _list(form: Form | None = None, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), me()
    tab = request.args.get("tab", "all")
    q = queries.words(request.args.get("q", ""))
    kept = Shelf(tab) if tab in set(Shelf) else None
    page = queries.own_page(session, actor, shelf=kept, low=tab == "low", q=q, cursor=request.args.get("cursor"))
    counts = queries.own_counts(session, actor)
    labels = {"all": gettext("全部"), "low": gettext("库存为零"), **{each.value: gettext(name) for each, name in SHELF_NAMES.items()}}
    return htmx.show(
        "listings/index.html",
        page=page,
        lines=_lines(page.rows),
        counts=counts,
        tabs=[
            (labels[each], url_for("listings.index", tab=each if each != "all" else None, q=q or None), each == tab, counts.get(each, 0))
            for each in TABS
        ],
        tab=tab,
        q=q,
        form=form,
        shelf_names=SHELF_NAMES,
        shelf_tones=SHELF_TONES,
        here=lambda cursor: url_for("listings.index", tab=tab if tab != "all" else None, q=q or None, cursor=cursor),
        status=status,
    )
