"""The queue of questions without answer, for catalogue administrators."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.vocabulary import queries, service
from catalog.vocabulary.forms import SynonymForm
from catalog.vocabulary.rules import STATE_NAMES

bp = Blueprint("vocabulary", __name__, template_folder="templates", url_prefix="/vocabulary")


@bp.get("/")
@requires(Permission.CATALOGUE_ADMINISTER)
def index() -> ResponseReturnValue:
    """What readers asked for in vain, what was decided, and the synonyms in force."""
    return _page(SynonymForm(formdata=None))


@bp.post("/synonyms")
@requires(Permission.CATALOGUE_ADMINISTER)
def add() -> ResponseReturnValue:
    """Teach words that mean the same."""
    return _taught(None)


@bp.post("/misses/<int:miss_id>/synonym")
@requires(Permission.CATALOGUE_ADMINISTER)
def answer(miss_id: int) -> ResponseReturnValue:
    """Teach what a question means."""
    return _taught(queries.by_id(db.session(), miss_id).id)


@bp.post("/misses/<int:miss_id>/dismiss")
@requires(Permission.CATALOGUE_ADMINISTER)
def dismiss(miss_id: int) -> ResponseReturnValue:
    """Nothing is to be done."""
    with commit(db.session()) as session:
        service.dismiss(session, me(), miss_id)
    return htmx.go(url_for("vocabulary.index"))


@bp.post("/misses/<int:miss_id>/goods")
@requires(Permission.CATALOGUE_ADMINISTER)
def goods(miss_id: int) -> ResponseReturnValue:
    """Such goods are missing."""
    with commit(db.session()) as session:
        service.mark_missing(session, me(), miss_id)
    return htmx.go(url_for("vocabulary.index"))


@bp.post("/synonyms/<int:synonym_id>/remove")
@requires(Permission.CATALOGUE_ADMINISTER)
def remove(synonym_id: int) -> ResponseReturnValue:
    """Take words back."""
    with commit(db.session()) as session:
        service.remove_synonym(session, me(), synonym_id)
    return htmx.go(url_for("vocabulary.index"))


def _taught(miss_id: int | None) -> ResponseReturnValue:
    form = SynonymForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.add_synonym(session, me(), form.typed, miss_id)
    return _page(form, miss_id, status=422) if form.was_refused else htmx.go(url_for("vocabulary.index"))


def _page(form: SynonymForm, miss_id: int | None = None, status: int = 200) -> ResponseReturnValue:
    """`form` belongs to the question that it answers, or to the free entry; what was typed stays there."""
    session = db.session()
    return htmx.show(
        "vocabulary/index.html",
        misses=queries.waiting(session, clock.today()),
        decided=queries.decided(session),
        synonyms=queries.synonyms(session),
        form=form,
        answered=miss_id,
        empty=SynonymForm(formdata=None),
        state_names=STATE_NAMES,
        status=status,
    )
