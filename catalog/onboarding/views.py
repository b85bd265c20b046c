"""The way of a firm into the supplier library: it registers itself, fills in part after part, submits; the keeper reviews."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms.fields import SelectChoice

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.accounts.people.rules import check_password
from app.kernel import clock, passwords, regions
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import maybe_me, me, public, requires
from catalog.onboarding import queries, rules, service
from catalog.onboarding.forms import AgreementForm, CompanyForm, ContactForm, JoinForm, NoInput, ReviewForm, ScopeForm
from catalog.onboarding.queries import Application
from catalog.onboarding.rules import FIELD_NAMES, Joining
from catalog.onboarding.states import OPEN, PART_NAMES, STATE_NAMES, TONES, Part, State
from catalog.qualifications import queries as registry
from catalog.qualifications import views as qualifications
from catalog.qualifications.forms import PaperForm
from catalog.suppliers import queries as suppliers
from catalog.suppliers.forms import area_choices
from catalog.suppliers.rules import SCALE_NAMES
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("onboarding", __name__, template_folder="templates", url_prefix="/onboarding")

FORMS: dict[Part, Callable[..., Form]] = {Part.COMPANY: CompanyForm, Part.SCOPE: ScopeForm, Part.CONTACT: ContactForm}


@bp.before_request
def lead_on() -> ResponseReturnValue | None:
    """A supplier that entered the library in another way has no application: it keeps its entry instead."""
    actor = maybe_me()
    if request.method != "GET" or actor is None or not actor.may(Permission.SUPPLIER_ADMINISTER):
        return None
    without = not queries.has_one(db.session(), actor.organisation_id) and suppliers.has_entered(db.session(), actor.organisation_id)
    return redirect(url_for("suppliers.own"), 303) if without else None


# ---------------------------------------------------------------- registering


@bp.get("/join")
@public
def join() -> ResponseReturnValue:
    """The page on which a firm registers itself."""
    return htmx.show("onboarding/join.html", form=JoinForm(formdata=None))


@bp.post("/join")
@public
def register() -> ResponseReturnValue:
    """The firm and its administrator are registered; he signs in to go on."""
    form = JoinForm()
    if form.validate():
        with refusals_on(form):
            with commit(db.session()) as session:
                attempts = service.knock(session, *_from_here())
            service.refuse_many(db.session(), attempts)
            joining = Joining(
                name=" ".join((form.name.data or "").split()),
                credit_code="".join((form.credit_code.data or "").split()).upper(),
                region=form.region.data or "",
                person=(form.person.data or "").strip(),
                phone=(form.phone.data or "").strip(),
                login=(form.login.data or "").strip().lower(),
            )
            check_password(form.password.data or "", joining.login, field="password")
            if form.password.data != form.again.data:
                raise rules.PasswordsDiffer()
            kept = passwords.hashed(form.password.data or "")
            with commit(db.session()) as session:
                service.join(session, joining, password_hash=kept)
            flash(gettext("已登记。请用刚才的账号登录，继续填写入驻资料。"), "ok")
            return htmx.go(url_for("sessions.sign_in", next=url_for("onboarding.overview")))
    return htmx.show("onboarding/join.html", status=max([422, *(refusal.status for refusal in form.refusals)]), form=form)


def _from_here() -> tuple[str, date]:
    """The caller's network address as it is counted, and the day by the real clock."""
    on = clock.local(clock.wall_now()).date()
    return rules.mark(str(current_app.secret_key), on, request.remote_addr or ""), on


# ---------------------------------------------------------------- filling in


@bp.get("")
@requires(Permission.SUPPLIER_ADMINISTER)
def overview() -> ResponseReturnValue:
    """How far the application has come, what it lacks and what was returned."""
    return _overview(NoInput(formdata=None))


@bp.get("/company")
@requires(Permission.SUPPLIER_ADMINISTER)
def company() -> ResponseReturnValue:
    """What the firm is."""
    return _part_page(Part.COMPANY)


@bp.post("/company")
@requires(Permission.SUPPLIER_ADMINISTER)
def save_company() -> ResponseReturnValue:
    """Keep what the firm is."""
    return _save(Part.COMPANY)


@bp.get("/scope")
@requires(Permission.SUPPLIER_ADMINISTER)
def scope() -> ResponseReturnValue:
    """What the firm sells and where it delivers."""
    return _part_page(Part.SCOPE)


@bp.post("/scope")
@requires(Permission.SUPPLIER_ADMINISTER)
def save_scope() -> ResponseReturnValue:
    """Keep what the firm sells and where it delivers."""
    return _save(Part.SCOPE)


@bp.get("/contact")
@requires(Permission.SUPPLIER_ADMINISTER)
def contact() -> ResponseReturnValue:
    """Whom to call, and where to pay."""
    return _part_page(Part.CONTACT)


@bp.post("/contact")
@requires(Permission.SUPPLIER_ADMINISTER)
def save_contact() -> ResponseReturnValue:
    """Keep whom to call, and where to pay."""
    return _save(Part.CONTACT)


@bp.get("/papers")
@requires(Permission.SUPPLIER_ADMINISTER)
def papers() -> ResponseReturnValue:
    """The documents that this supplier hands in."""
    return _papers_page(None)


@bp.post("/papers")
@requires(Permission.SUPPLIER_ADMINISTER)
def hand_in() -> ResponseReturnValue:
    """Hand in one document."""
    form = PaperForm()
    if qualifications.take(form, lambda session: queries.wanted_of(session, service.note_papers(session, me())), at_once=False):
        flash(gettext("材料已保存。"), "ok")
        return htmx.go(url_for("onboarding.papers"))
    return _papers_page(form, status=422)


@bp.get("/agreement")
@requires(Permission.SUPPLIER_ADMINISTER)
def agreement() -> ResponseReturnValue:
    """The agreement as it is in force, or as it was accepted."""
    return _agreement_page(AgreementForm(formdata=None))


@bp.post("/agreement")
@requires(Permission.SUPPLIER_ADMINISTER)
def agree() -> ResponseReturnValue:
    """Accept the version that was shown."""
    form = AgreementForm()
    if form.validate():
        with refusals_on(form):
            if not form.accepted.data:
                raise rules.NotAccepted()
            with commit(db.session()) as session:
                service.agree(session, me(), form.version.data or "")
            return htmx.go(url_for("onboarding.overview"))
    return _agreement_page(form, status=422)


@bp.post("/submit")
@requires(Permission.SUPPLIER_ADMINISTER)
def submit() -> ResponseReturnValue:
    """Hand the application over."""
    return _step(service.submit, gettext("申请已提交，审核结果会显示在这里。"))


@bp.post("/withdraw")
@requires(Permission.SUPPLIER_ADMINISTER)
def withdraw() -> ResponseReturnValue:
    """Take the application back."""
    return _step(service.withdraw, gettext("申请已撤回，可以继续修改。"))


# ---------------------------------------------------------------- reviewing


@bp.get("/review")
@requires(Permission.SUPPLIER_REVIEW)
def review() -> ResponseReturnValue:
    """Applications of the region and below, those that wait first."""
    session, actor = db.session(), me()
    wanted = request.args.get("state", State.SUBMITTED.value)
    state = State(wanted) if wanted in set(State) else None
    return htmx.show(
        "onboarding/review.html",
        page=queries.listing(session, actor, state, cursor=request.args.get("cursor")),
        state=wanted if state else "all",
        counts=queries.counts(session, actor),
        states=[State.SUBMITTED, State.RETURNED, State.ADMITTED],
        state_names=STATE_NAMES,
        tones=TONES,
        now=clock.now(),
        full_name=regions.full_name,
    )


@bp.get("/review/<number>")
@requires(Permission.SUPPLIER_REVIEW)
def reviewed(number: str) -> ResponseReturnValue:
    """One application: what it says, its documents, and the decision."""
    return _review_page(number, ReviewForm(formdata=None))


@bp.post("/review/<number>/return")
@requires(Permission.SUPPLIER_REVIEW)
def send_back(number: str) -> ResponseReturnValue:
    """Return it with a reason for each item that is to be mended."""
    done = gettext("已退回，供应商会看到理由。")
    return _decide(number, lambda session, form: service.send_back(session, me(), number, form.reasons()), done)


@bp.post("/review/<number>/admit")
@requires(Permission.SUPPLIER_REVIEW)
def admit(number: str) -> ResponseReturnValue:
    """Let the supplier in."""
    return _decide(number, lambda session, _form: service.admit(session, me(), number), gettext("已准予入驻，供应商可以上架商品。"))


# ---------------------------------------------------------------- slots


def todo() -> str | Markup:
    """For the workbench: one's own application on its way, or those that wait for review."""
    actor = maybe_me()
    if actor is None:
        return ""
    session = db.session()
    if actor.may(Permission.SUPPLIER_ADMINISTER) and queries.has_one(session, actor.organisation_id):
        application = queries.own(session, actor)
        if application.state is not State.ADMITTED:
            context = {"application": application, "state_names": STATE_NAMES, "tones": TONES, "is_open": application.state in OPEN}
            return Markup(render_template("onboarding/_own.html", **context))  # noqa: S704 - a rendered template
    if actor.may(Permission.SUPPLIER_REVIEW):
        count = queries.counts(session, actor).get(State.SUBMITTED, 0)
        if count:
            return Markup(render_template("onboarding/_waiting.html", count=count))  # noqa: S704 - a rendered template
    return ""


def invitation() -> str | Markup:
    """For the page to sign in: how a supplier gets in."""
    return Markup(render_template("onboarding/_invitation.html"))  # noqa: S704 - a rendered template


# ---------------------------------------------------------------- pages


def _step(command: Callable[[Session, Any], Application], done: str) -> ResponseReturnValue:
    form = NoInput()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            command(session, me())
            flash(done, "ok")
            return htmx.go(url_for("onboarding.overview"))
    return _overview(form, status=422)


def _overview(form: Form, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    application = queries.own(session, me())
    return htmx.show(
        "onboarding/overview.html", status=status, name=me().organisation_name, form=form, remarks=_worded(_remarks(application)),
        **_steps(application),
    )  # fmt: skip


def _remarks(application: Application) -> dict[str, str]:
    """Why the application waits to be mended, by part or document."""
    return queries.remarks(db.session(), application) if application.state is State.RETURNED else {}


def _steps(application: Application, part: Part | None = None) -> dict[str, Any]:
    """What every page of the way shows: its parts, where the application stands, and of one part why it was returned."""
    return {
        "part": part,
        "remark": _remarks(application).get(part.value, "") if part else "",
        "is_open": application.state in OPEN,
        "parts": list(Part),
        "part_names": PART_NAMES,
        "addresses": {part: url_for(f"onboarding.{part.value}") for part in Part},
        "lacking": queries.missing(db.session(), application),
        "state": application.state,
        "state_names": STATE_NAMES,
        "tones": TONES,
        "application": application,
    }


def _save(part: Part) -> ResponseReturnValue:
    form = FORMS[part]()
    _offer(part, form)
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.save(session, me(), part, {name: _typed(form[name].data) for name in FIELD_NAMES[part]})
            flash(gettext("已保存。"), "ok")
            return htmx.go(url_for(f"onboarding.{_after(part).value}" if "next" in request.form else f"onboarding.{part.value}"))
    return _part_page(part, form, status=422)


def _typed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _after(part: Part) -> Part:
    return list(Part)[list(Part).index(part) + 1]


def _offer(part: Part, form: Form) -> None:
    if part is Part.SCOPE:
        form["classes"].choices = [SelectChoice(code, name) for code, name in queries.classes_offered(db.session())]


def _part_page(part: Part, form: Form | None = None, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    application = queries.own(session, me())
    if form is None:
        values: dict[str, Any] = {name: getattr(application, name) for name in FIELD_NAMES[part]}
        values |= {name: list(queries.codes_of(values[name])) for name in ("classes", "areas") if name in values}
        values |= {"scale": application.scale.value} if part is Part.COMPANY and application.scale else {}
        form = FORMS[part](formdata=None, data=values)
        _offer(part, form)
    return htmx.show(
        f"onboarding/{part.value}.html",
        status=status,
        form=form,
        offered=area_choices() if part is Part.SCOPE else [],
        **_steps(application, part),
    )


def _papers_page(refused: PaperForm | None, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    application = queries.own(session, me())
    return htmx.show(
        "onboarding/papers.html",
        status=status,
        **_steps(application, Part.PAPERS),
        **qualifications.shown(application.organisation_id, queries.wanted_of(session, application), refused),
    )


def _agreement_page(form: AgreementForm, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    application = queries.own(session, me())
    current = queries.agreement(session)
    settled = application.state not in OPEN and application.agreement_version
    agreed_by = people.names(session, {application.agreed_by}) if application.agreed_by else {}
    return htmx.show(
        "onboarding/agreement.html",
        status=status,
        form=form,
        agreement=queries.agreement_of(session, application.agreement_version) if settled and application.agreement_version else current,
        is_current=application.agreement_version == current.version,
        agreed_by=agreed_by.get(application.agreed_by or 0, ""),
        **_steps(application, Part.AGREEMENT),
    )


def _decide(number: str, command: Callable[[Session, ReviewForm], Application], done: str) -> ResponseReturnValue:
    form = ReviewForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            command(session, form)
            flash(done, "ok")
            return htmx.go(url_for("onboarding.review"))
    return _review_page(number, form, status=422)


def _review_page(number: str, form: ReviewForm, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    application = queries.by_number(session, me(), number)
    firm = organisations.by_id(session, application.organisation_id)
    codes = [code.ljust(9, "0") for code in queries.codes_of(application.classes)]
    signer = people.names(session, {application.agreed_by}) if application.agreed_by else {}
    return htmx.show(
        "onboarding/reviewed.html",
        status=status,
        firm=firm,
        form=form,
        typed=form.reasons() if form.was_refused else {},
        lacking=queries.missing(session, application),
        listed=suppliers.dishonest(session, firm.credit_code, clock.today()),
        classes=list(taxonomy.names(session, codes).values()),
        areas=[_area(code) for code in queries.codes_of(application.areas)],
        scale=gettext(SCALE_NAMES[application.scale]) if application.scale else "—",
        signer=signer.get(application.agreed_by or 0, "—"),
        history=[(row, _subject(row.subject)) for row in queries.all_remarks(session, application)],
        can_decide=application.state is State.SUBMITTED,
        full_name=regions.full_name,
        application=application,
        part_names=PART_NAMES,
        state_names=STATE_NAMES,
        tones=TONES,
        most_reason=rules.LONGEST_REASON,
        **qualifications.shown(application.organisation_id, queries.wanted_of(session, application), None),
    )


def _area(code: str) -> str:
    return str(gettext("全省")) if code == regions.PROVINCE else regions.by_code(code).name


def _worded(remarks: dict[str, str]) -> list[tuple[str, str, str]]:
    """What is to be mended: its name, the reason, and where."""
    return [
        (
            _subject(subject),
            reason,
            url_for("onboarding.papers", _anchor=f"paper-{subject.removeprefix(rules.PAPER)}")
            if subject.startswith(rules.PAPER)
            else url_for(f"onboarding.{subject}"),
        )
        for subject, reason in remarks.items()
    ]


def _subject(subject: str) -> str:
    if subject.startswith(rules.PAPER):
        code = subject.removeprefix(rules.PAPER)
        return str(gettext(registry.title_of(db.session(), code)))
    return str(gettext(PART_NAMES[Part(subject)]))
