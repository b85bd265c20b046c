"""Pages of import and export: what there is, one upload, one import with its progress and its wrong cells."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, cast
from urllib.parse import quote

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from app.bulk import engine, intake, outlet, queries, service
from app.bulk.entity import REGISTRY, Entity
from app.bulk.forms import StepForm, UploadForm
from app.bulk.queries import BulkJob, Problem
from app.bulk.rules import MOST_FILE, SHOWN, NoFile
from app.bulk.states import RUNNING, STATE_NAMES, TONES, JobState
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.sheets import Format, plain
from app.kernel.tabular import MOST_ROWS
from app.kernel.xlsx_writing import letter_of
from app.policy import Permission
from app.web import htmx
from app.web.errors import failure, shown
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, requires
from app.web.language import english
from app.web.streams import streamed

bp = Blueprint("bulk", __name__, template_folder="templates", url_prefix="/bulk")

IMPORTERS: Final = (
    Permission.LISTING_KEEP, Permission.BUDGET_KEEP, Permission.PLAN_FILE, Permission.ORGANISATION_REGISTER, Permission.ORDER_READ,
)  # fmt: skip
ANYBODY: Final = (*IMPORTERS, Permission.BUDGET_READ, Permission.PLAN_READ)
"""Who may open these pages at all; what he finds there is decided by each entity's own permissions."""
UPLOAD_ROOM: Final = MOST_FILE + 1024 * 1024
"""Bytes of a request: the file and the fields around it."""
LISTENED_TO: Final = 4 * MOST_FILE
"""Bytes of a request that is too large which are taken and thrown away: a browser shows no answer before it has sent everything."""


@bp.url_value_preprocessor
def room_for_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """An upload may be bigger than any other request; this is asked before anybody reads it."""
    if endpoint == "bulk.upload":
        request.max_content_length = UPLOAD_ROOM


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """Say to whoever may import how large the file is, how large it may be and what to do, and show the form again.

    This is found out before anybody asks who is there.
    """
    actor, kind, form = maybe_me(), REGISTRY.entities.get((request.view_args or {}).get("entity_name", "")), UploadForm(formdata=None)
    if request.endpoint != "bulk.upload" or kind is None or actor is None or not actor.may(kind.imports):
        return failure(error)
    size, taken = request.content_length or 0, 0
    while taken < min(size, LISTENED_TO) and (piece := request.environ["wsgi.input"].read(min(intake.PIECE, size - taken))):
        taken += len(piece)
    with refusals_on(form):
        intake.weigh(size)
    return _entity(kind, form, status=413)


@bp.get("/")
@requires(*ANYBODY)
def index() -> ResponseReturnValue:
    """What the reader may import and export, and the history of the organisation's imports."""
    session, actor = db.session(), me()
    page = queries.history(session, actor, cursor=request.args.get("cursor"))
    return htmx.show("bulk/index.html", entities=REGISTRY.open_to(actor), page=page, **_about(page.rows))


@bp.get("/<entity_name>")
@requires(*ANYBODY)
def entity(entity_name: str) -> ResponseReturnValue:
    """One kind of row: template, upload, export, history."""
    return _entity(_open(entity_name), UploadForm())


@bp.post("/<entity_name>")
@requires(*ANYBODY)
def upload(entity_name: str) -> ResponseReturnValue:
    """Take a file in and look at it; the columns are chosen next."""
    kind, form = _open(entity_name), UploadForm()
    me().must(kind.imports)
    job: BulkJob | None = None
    if form.validate_on_submit():
        with refusals_on(form):
            given = form.file.data
            if not given or not hasattr(given, "stream"):
                raise NoFile()
            stream = cast(BinaryIO, given.stream)
            seen = intake.look(stream, kind, outlet.titles(kind, lambda text: str(english().gettext(text))))
            with commit(db.session()) as session:
                job = service.receive(session, me(), kind.name, file=stream, name=given.filename or "", seen=seen)
                token = job.token
            return htmx.go(url_for("bulk.job", token=token))
    return _entity(kind, form, status=422)


@bp.get("/<entity_name>/template.xlsx")
@requires(*ANYBODY)
def template(entity_name: str) -> ResponseReturnValue:
    """An empty workbook; of a category when one is named."""
    kind = _open(entity_name)
    category = request.args.get("category", "")[:9]
    more = kind.of_category(db.session(), category.upper()) if category else ()
    name = f"{kind.name}-template{'-' + category if category.isalnum() else ''}.xlsx"
    return _file(outlet.template(kind, more, _say), Format.XLSX, name)


@bp.get("/<entity_name>/export.xlsx")
@requires(*ANYBODY)
def export_xlsx(entity_name: str) -> ResponseReturnValue:
    """The rows that a page with these arguments shows, as a workbook."""
    return _export(entity_name, Format.XLSX)


@bp.get("/<entity_name>/export.csv")
@requires(*ANYBODY)
def export_csv(entity_name: str) -> ResponseReturnValue:
    """The same as CSV."""
    return _export(entity_name, Format.CSV)


@bp.get("/jobs/<token>")
@requires(*IMPORTERS)
def job(token: str) -> ResponseReturnValue:
    """One import; htmx asks for its state alone, as long as it runs."""
    return _job(queries.by_token(db.session(), me(), token), StepForm())


@bp.post("/jobs/<token>/check")
@requires(*IMPORTERS)
def check(token: str) -> ResponseReturnValue:
    """Have the whole file checked with these columns."""
    chosen = StepForm.mapping(request.form)
    return _advance(token, lambda session: service.choose(session, me(), token, chosen), chosen)


@bp.post("/jobs/<token>/write")
@requires(*IMPORTERS)
def write(token: str) -> ResponseReturnValue:
    """Have what has no problems written."""
    return _advance(token, lambda session: service.write(session, me(), token))


@bp.post("/jobs/<token>/cancel")
@requires(*IMPORTERS)
def cancel(token: str) -> ResponseReturnValue:
    """Stop."""
    return _advance(token, lambda session: service.cancel(session, me(), token))


@bp.get("/jobs/<token>/failed.xlsx")
@requires(*IMPORTERS)
def failed(token: str) -> ResponseReturnValue:
    """The rows with problems and their reasons, to be corrected and uploaded again."""
    session = db.session()
    found = queries.by_token(session, me(), token)
    if not found.failed or found.state in RUNNING:
        raise Missing()
    headings: list[str] = json.loads(found.headings)
    rows = engine.failed_lines(session, found.id, len(headings))
    name = f"{found.entity}-errors-{found.token[:6]}.xlsx"
    return _file(outlet.failed(headings, rows, _reason, gettext("错误清单"), _say), Format.XLSX, name)


@bp.get("/jobs/<token>/file")
@requires(*IMPORTERS)
def source(token: str) -> ResponseReturnValue:
    """The file as it was uploaded."""
    session = db.session()
    found = queries.by_token(session, me(), token)
    return _file(queries.pieces(session, found.id), Format(found.format), found.file_name)


# ---------------------------------------------------------------- parts


def _say(text: str, **facts: Any) -> str:
    return str(gettext(text, **facts))


def _open(name: str) -> Entity:
    """An entity that the reader may import or export. Raises Missing."""
    found = REGISTRY.known(name)
    if found not in REGISTRY.open_to(me()):
        raise Missing()
    return found


def _export(name: str, kind: Format) -> ResponseReturnValue:
    what, actor = _open(name), me()
    actor.must(what.exports)
    rows = what.export(db.session(), actor, request.args)
    return _file(outlet.exported(what, rows, kind, _say), kind, f"{what.name}-{clock.today().isoformat()}.{kind}")


def _advance(token: str, step: Callable[[Session], BulkJob], chosen: dict[str, int] | None = None) -> ResponseReturnValue:
    """Take one step; what was chosen is kept in sight when it is refused."""
    form = StepForm()
    queries.by_token(db.session(), me(), token)
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            step(session)
        if not form.was_refused:
            return htmx.go(url_for("bulk.job", token=token))
    found = queries.by_token(db.session(), me(), token)
    return _job(found, form, chosen=chosen, status=form.refusals[0].status if form.refusals else 422)


def _file(pieces: Iterator[bytes], kind: Format, name: str) -> Response:
    """A download, sent as it is made."""
    plain_name = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "_" for sign in name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(streamed(pieces), content_type=outlet.TYPES[kind], headers=headers)


def _about(jobs: list[BulkJob]) -> dict[str, Any]:
    session = db.session()
    return {
        "people": REGISTRY.people().names(session, {job.person_id for job in jobs}),
        "labels": {name: found.label for name, found in REGISTRY.entities.items()},
        "state_names": STATE_NAMES,
        "tones": TONES,
    }


def _entity(kind: Entity, form: UploadForm, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), me()
    page = queries.history(session, actor, entity=kind.name, cursor=request.args.get("cursor"))
    return htmx.show(
        "bulk/entity.html",
        entity=kind,
        form=form,
        page=page,
        imports=actor.may(kind.imports),
        exports=actor.may(kind.exports),
        most=MOST_FILE // 2**20,
        most_rows=MOST_ROWS,
        status=status,
        **_about(page.rows),
    )


def _reason(problem: Problem) -> str:
    rule, way_out = _sentences(problem)
    return str(gettext("%(column)s：%(rule)s。%(way_out)s", column=gettext(problem.heading), rule=rule, way_out=way_out))


def _sentences(problem: Problem) -> tuple[str, str]:
    facts = shown(problem.facts)
    return tuple(str(gettext(text, **facts) if facts else gettext(text)) if text else "" for text in (problem.rule, problem.way_out))  # type: ignore[return-value]


def _why(job: BulkJob) -> tuple[str, str] | None:
    if not job.why:
        return None
    told = json.loads(job.why)
    facts, message, way_out = shown(told["facts"]), told["message"], told["way_out"]
    return str(gettext(message, **facts)), str(gettext(way_out, **facts)) if way_out else ""


def _job(job: BulkJob, form: StepForm, *, chosen: dict[str, int] | None = None, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    kind = REGISTRY.known(job.entity)
    is_running = job.state in RUNNING
    mapping: dict[str, int] = chosen if chosen is not None else json.loads(job.mapping)
    headings, samples = json.loads(job.headings), json.loads(job.samples)
    by_place = {place: name for name, place in mapping.items()}
    ignored = {plain(word) for each in outlet.IGNORED for word in (each, gettext(each))}
    columns = [
        {
            "place": place, "letter": letter_of(place), "heading": heading, "values": [value for value in samples[place] if value],
            "field": by_place.get(place, ""), "made": kind.more(heading),
        }
        for place, heading in enumerate(headings) if (heading or any(samples[place])) and plain(heading) not in ignored
    ]  # fmt: skip
    problems = [] if is_running else queries.problems(session, job.id, limit=SHOWN)
    return htmx.show(
        "bulk/job.html",
        part="bulk/_state.html",
        job=job,
        entity=kind,
        form=form,
        is_running=is_running,
        is_written=job.state in {JobState.WRITING, JobState.DONE, JobState.CANCELLED, JobState.FAILED},
        waits=job.state is JobState.UPLOADED,
        may_check=job.state in {JobState.UPLOADED, JobState.CHECKED, JobState.FAILED},
        may_write=job.state is JobState.CHECKED and bool(job.added + job.changed),
        may_cancel=job.state in {JobState.UPLOADED, JobState.CHECKING, JobState.CHECKED, JobState.WRITING},
        columns=columns,
        missing=[column.heading for column in kind.columns if column.required and column.name not in mapping],
        problems=[(problem, letter_of(problem.place) if problem.place is not None else "", *_sentences(problem)) for problem in problems],
        why=_why(job),
        seconds=_seconds(job),
        status=status,
        **_about([job]),
    )


def _seconds(job: BulkJob) -> int | None:
    with contextlib.suppress(TypeError):
        return round((job.ended_at - job.began_at).total_seconds())  # type: ignore[operator]
    return None
