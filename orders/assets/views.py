"""Pages of asset cards: the list, and one card."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.organisations import queries as organisations
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.taxonomy import queries as taxonomy
from orders.assets import queries, service
from orders.assets.forms import CardForm
from orders.assets.states import STATE_NAMES, CardState

bp = Blueprint("assets", __name__, template_folder="templates", url_prefix="/assets")


@bp.get("")
@requires(Permission.ASSET_READ)
def index() -> ResponseReturnValue:
    """The cards the reader may see, the latest first."""
    session, actor = db.session(), me()
    state, words = request.args.get("state", ""), request.args.get("q", "").strip()[:60]
    chosen = CardState(state) if state in set(CardState) else None
    return htmx.show(
        "assets/index.html",
        page=queries.cards(session, actor, state=chosen, words=words, cursor=request.args.get("cursor")),
        counts=queries.counts(session, actor),
        state=chosen,
        words=words,
        state_names=STATE_NAMES,
    )


@bp.get("/<number>")
@requires(Permission.ASSET_READ)
def card(number: str) -> ResponseReturnValue:
    """One card with where it came from."""
    found, _order = queries.by_number(db.session(), me(), number)
    return _card_page(number, CardForm(formdata=None, keeper=found.keeper, place=found.place, serial=found.serial))


@bp.post("/<number>")
@requires(Permission.ASSET_KEEP)
def store(number: str) -> ResponseReturnValue:
    """The asset manager completes the card and takes it into store."""
    form = CardForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            found, order = queries.by_number(session, me(), number)
            service.store(
                session, me(), found, order, keeper=form.keeper.data or "", place=form.place.data or "", serial=form.serial.data or ""
            )
            flash(_("资产卡片 %(number)s：%(state)s", number=number, state=_(STATE_NAMES[found.state])), "ok")
            return htmx.go(url_for("assets.card", number=number))
    return _card_page(number, form, status=422)


def _card_page(number: str, form: CardForm, *, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), me()
    found, order = queries.by_number(session, actor, number)
    names = organisations.names(session, [found.unit_id, order.supplier_id])
    return htmx.show(
        "assets/card.html",
        status=status,
        card=found,
        order=order,
        form=form,
        unit_name=names[found.unit_id],
        supplier_name=names[order.supplier_id],
        class_name=taxonomy.category(session, found.class_code).name,
        state_names=STATE_NAMES,
        others=[each for each in queries.cards_of(session, order) if each.id != found.id],
        may_keep=actor.may(Permission.ASSET_KEEP) and found.state is CardState.DRAFT,
    )
