"""The page on which both sides of an order rate each other."""

from flask import Blueprint, flash
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from orders.contracts.views import sheet_of
from orders.purchases import queries as purchases
from orders.ratings import queries, service
from orders.ratings.forms import RatingForm
from orders.ratings.states import SIDE_NAMES

bp = Blueprint("ratings", __name__, template_folder="templates")


@bp.get("/orders/<number>/rating")
@requires(Permission.ORDER_READ)
def rating(number: str) -> ResponseReturnValue:
    """What both sides said, and the own form while the term runs."""
    return _page(number, RatingForm(formdata=None))


@bp.post("/orders/<number>/rating")
@requires(Permission.RATING_GIVE)
def rate(number: str) -> ResponseReturnValue:
    """One side rates the other."""
    form = RatingForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            score = form.score.data or ""
            service.rate(session, me(), order, score=int(score) if score.isdecimal() else 0, words=form.words.data or "")
            flash(_("评价已提交"), "ok")
            return htmx.go(purchases.address(number))
    return _page(number, form, status=422)


def _page(number: str, form: RatingForm, *, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    order = sheet["order"]
    return htmx.show(
        "ratings/rating.html",
        status=status,
        form=form,
        ratings=queries.ratings_of(session, order),
        side_names=SIDE_NAMES,
        until=queries.open_until(session, order),
        may_rate=bool(queries.actions(session, me(), order)),
        **sheet,
    )
