"""Pages of signing in and out and of one's own account."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import segno
from flask import Blueprint, Request, Response, current_app, flash, redirect, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from wtforms.fields import SelectChoice

from app.accounts.people import queries as people
from app.accounts.people import rules as people_rules
from app.accounts.people import service as accounts
from app.accounts.sessions import queries, rules, service
from app.accounts.sessions.forms import CodeForm, DropSecondFactorForm, PasswordForm, ProofForm, SignInForm, TokenForm
from app.accounts.sessions.rules import Proven, SignedIn
from app.kernel import clock, passwords, regions
from app.kernel.db import commit
from app.policy import ROLE_NAMES, STEP_UP, Permission, StepUpFirst
from app.web import htmx, language
from app.web.extensions import db, login
from app.web.forms import refusals_on
from app.web.guard import me, public, requires, wants_fresh_proof, wants_page
from app.web.menus import Menus

bp = Blueprint("sessions", __name__, template_folder="templates")

COOKIE = "mall_session"
ONE_YEAR = 365 * 24 * 3600
OPEN_TO_TEMPORARY = {"sessions.password", "sessions.change_password", "sessions.sign_out", "sessions.choose_language", "static"}
"""All that a person with a temporary password may open."""

PROOF = frozenset({"proof_password", "proof_code"})


# ---------------------------------------------------------------- who makes the request


@login.request_loader  # type: ignore[untyped-decorator]
def load(asking: Request) -> SignedIn | None:
    """The person behind the bearer token (API) or the cookie (pages, and reading from the API), with one statement."""
    if asking.path.startswith("/api/"):
        kind, _space, secret = asking.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return queries.by_token(db.session(), secret.strip())
        if asking.method not in {"GET", "HEAD"}:
            return None  # a cookie alone changes nothing here, so these routes need no CSRF token
    secret = asking.cookies.get(COOKIE, "")
    fresh_for = timedelta(minutes=current_app.config["SETTINGS"].step_up_minutes)
    return queries.by_cookie(db.session(), secret, fresh_for=fresh_for) if secret else None


def signed_in() -> SignedIn | None:
    """Whoever makes this request."""
    return current_user._get_current_object() if current_user.is_authenticated else None  # noqa: SLF001


@bp.before_app_request
def ask_for_a_password_of_ones_own() -> ResponseReturnValue | None:
    """A temporary password opens nothing but the page where it is changed."""
    if request.endpoint is None or request.endpoint in OPEN_TO_TEMPORARY or request.path.startswith("/api/"):
        return None
    who = signed_in() if COOKIE in request.cookies else None
    return redirect(url_for("sessions.password"), 303) if who and who.must_change_password else None


@bp.before_app_request
def ask_for_a_fresh_proof() -> ResponseReturnValue | None:
    """Before an approval or a payment: the person proves himself on a page that keeps what was typed, and the step goes on."""
    who = signed_in() if wants_fresh_proof() else None
    if who is None:
        return None
    if not wants_page():
        raise StepUpFirst()
    form = ProofForm() if PROOF & request.form.keys() else ProofForm(formdata=None)
    if PROOF & request.form.keys() and form.validate() and who.session_id:
        with refusals_on(form):
            with commit(db.session()) as session:
                attempt = service.knock(session, who.login)
            proven = service.compare_again(attempt, form.proof_password.data or "", form.proof_code.data or "")
            with commit(db.session()) as session:
                service.step_up(session, proven, who.session_id)
            login._update_request_context_with_user(replace(who, actor=replace(who.actor, stepped_up=True)))  # noqa: SLF001
            return None
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in PROOF | {"csrf_token"}]
    return htmx.show("sessions/step_up.html", status=403, form=form, kept=kept, who=who)


@bp.after_app_request
def note_use(response: Response) -> Response:
    """Mark the session as seen, or the token as used, once a minute at most."""
    comes = COOKIE in request.cookies or (request.path.startswith("/api/") and "Authorization" in request.headers)
    who = signed_in() if comes and request.endpoint != "static" else None
    if who and who.is_due and who.session_id:
        db.session.rollback()
        with commit(db.session()) as session:
            service.touch(session, who.session_id)
    elif who and who.is_due and who.token_id:
        db.session.rollback()
        with commit(db.session()) as session:
            service.touch_token(session, who.token_id)
    return response


@bp.app_context_processor
def viewer() -> dict[str, object]:
    """What the header of every page says about the reader."""
    who = signed_in()
    if who is None:
        return {"viewer": None}
    roles = _("、").join(_(ROLE_NAMES[role]) for role in sorted(who.actor.roles, key=list(ROLE_NAMES).index))
    unit, region = who.actor.organisation_name, regions.by_code(who.actor.region).name
    return {"viewer": {"name": who.actor.name, "unit": unit, "region": region, "roles": roles, "login": who.login}}


# ---------------------------------------------------------------- in and out


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """The page to sign in; it shows nothing of any account."""
    return redirect(onward(), 303) if signed_in() else _sign_in_page(SignInForm(formdata=None))


@bp.post("/sign-in")
@public
def enter() -> ResponseReturnValue:
    """Check and let in."""
    form = SignInForm()
    if form.validate():
        with refusals_on(form):
            proven = prove(form.login.data, form.password.data, form.code.data or "")
            with commit(db.session()) as session:
                secret = service.admit(session, proven, instead_of=request.cookies.get(COOKIE))
            return let_in(secret, url_for("sessions.password") if proven.must_change_password else onward())
    return _sign_in_page(form, status=401 if form.refusals else 422)


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End the session for good."""
    with commit(db.session()) as session:
        service.end(session, request.cookies.get(COOKIE, ""))
    browser.clear()
    response = current_app.make_response(htmx.go(url_for("sessions.sign_in")))
    response.delete_cookie(COOKIE, samesite="Lax", httponly=True, secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


@bp.post("/language")
@public
def choose_language() -> ResponseReturnValue:
    """Read on in another language: this browser, and the person who is signed in."""
    wanted, who = request.form.get("language", ""), signed_in()
    if wanted not in language.NAMES:
        raise rules.NoSuchLanguage()
    if who is not None:
        with commit(db.session()) as session:
            service.speak(session, who.actor.person_id or 0, wanted)
    response = current_app.make_response(redirect(onward("/"), 303))
    response.set_cookie(
        language.COOKIE, wanted, max_age=ONE_YEAR, httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"]
    )
    return response


def prove(name: str, password: str, code: str = "", *, second_factor: bool = True) -> Proven:
    """Count the attempt, then compare outside any transaction. Raises SignInRefused."""
    with commit(db.session()) as session:
        attempt = service.knock(session, name)
    return service.compare(attempt, password, code, second_factor=second_factor)


def let_in(secret: str, address: str) -> Response:
    """Send the browser on with the cookie of a newly opened session; what it had stored before is forgotten."""
    browser.clear()
    response = current_app.make_response(htmx.go(address))
    response.set_cookie(COOKIE, secret, httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


def onward(otherwise: str = "") -> str:
    """Where the reader wanted to go, if that is a page of ours; otherwise where work waits, or the start."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    menus: Menus = current_app.extensions["mall.menus"]
    return wanted if is_ours and wanted.isprintable() else otherwise or menus.where("todo") or "/"


# ---------------------------------------------------------------- one's own account


@bp.get("/account")
@requires(Permission.ACCOUNT_USE)
def account() -> ResponseReturnValue:
    """Profile, second factor, sessions and tokens."""
    who, person_id = signed_in(), me().person_id or 0
    return htmx.show(
        "sessions/account.html",
        who=who,
        person=people.by_id(db.session(), person_id),
        role_names=[_(ROLE_NAMES[role]) for role in ROLE_NAMES if role in me().roles],
        sessions=queries.open_sessions(db.session(), person_id),
        ends=rules.expires_at,
        tokens=people.tokens_of(db.session(), person_id),
    )


@bp.get("/account/password")
@requires(Permission.ACCOUNT_USE)
def password() -> ResponseReturnValue:
    """The page to change the password."""
    return _password_page(PasswordForm(formdata=None))


@bp.post("/account/password")
@requires(Permission.ACCOUNT_USE)
def change_password() -> ResponseReturnValue:
    """A new password; every session ends and this browser gets a new one."""
    form, who = PasswordForm(), signed_in()
    assert who is not None
    if form.validate():
        with refusals_on(form):
            people_rules.check_password(form.new.data, who.login)
            if form.new.data == form.current.data:
                raise people_rules.SamePassword(field="new")
            proven = prove(who.login, form.current.data, second_factor=False)
            kept = passwords.hashed(form.new.data)
            with commit(db.session()) as session:
                accounts.change_password(session, me(), password_hash=kept)
                secret = service.open_for(session, proven.person_id)
            flash(_("密码已修改，其他会话均已退出。"), "ok")
            return let_in(secret, onward() if who.must_change_password else url_for("sessions.account"))
    return _password_page(form, status=422)


@bp.post("/account/sessions/<int:session_id>/end")
@requires(Permission.ACCOUNT_USE)
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign another browser out."""
    with commit(db.session()) as session:
        service.end_own(session, me(), session_id)
    return htmx.go(url_for("sessions.account", _anchor="sessions"))


@bp.get("/account/second-factor")
@requires(Permission.ACCOUNT_USE)
def second_factor() -> ResponseReturnValue:
    """The QR code to scan, or the form to go without."""
    return _second_factor_page(CodeForm(formdata=None), DropSecondFactorForm(formdata=None))


@bp.post("/account/second-factor")
@requires(Permission.ACCOUNT_USE)
def enable_second_factor() -> ResponseReturnValue:
    """From now on codes are asked for."""
    form, who = CodeForm(), signed_in()
    assert who is not None
    if form.validate() and not who.has_second_factor and "totp_draft" in browser:
        with refusals_on(form):
            step = rules.totp_step(browser["totp_draft"], form.code.data, clock.wall_now())
            if step is None:
                raise rules.WrongCode(field="code")
            with commit(db.session()) as session:
                accounts.enable_second_factor(session, me(), secret=browser["totp_draft"], step=step)
            browser.pop("totp_draft")
            flash(_("动态口令已启用，下次登录时需要输入。"), "ok")
            return htmx.go(url_for("sessions.account"))
    return _second_factor_page(form, DropSecondFactorForm(formdata=None), status=422)


@bp.post("/account/second-factor/drop")
@requires(Permission.ACCOUNT_USE)
def disable_second_factor() -> ResponseReturnValue:
    """Codes are no longer asked for."""
    form, who = DropSecondFactorForm(), signed_in()
    assert who is not None
    if form.validate() and who.has_second_factor:
        with refusals_on(form):
            proven = prove(who.login, form.password.data, form.code.data)
            with commit(db.session()) as session:
                service.accept(session, proven)
                accounts.disable_second_factor(session, me())
            flash(_("动态口令已停用。"), "ok")
            return htmx.go(url_for("sessions.account"))
    return _second_factor_page(CodeForm(formdata=None), form, status=422)


@bp.get("/account/tokens/new")
@requires(Permission.ACCOUNT_USE)
def new_token() -> ResponseReturnValue:
    """The page to make a token."""
    return _token_page(TokenForm(formdata=None))


@bp.post("/account/tokens")
@requires(Permission.ACCOUNT_USE)
def issue_token() -> ResponseReturnValue:
    """A token for a program, shown this once."""
    form, who = TokenForm(), signed_in()
    assert who is not None
    form.scopes.choices = [SelectChoice(scope.value) for scope in sorted(me().granted)]
    if form.validate():
        with refusals_on(form):
            proven = prove(who.login, form.password.data, form.code.data or "")
            ttl = timedelta(hours=int(form.hours.data))
            scopes = [Permission(scope) for scope in form.scopes.data]
            with commit(db.session()) as session:
                service.accept(session, proven)
                token, secret = accounts.issue_token(session, me(), name=form.name.data, scopes=scopes, ttl=ttl)
            return htmx.show("sessions/token_made.html", token=token, secret=secret)
    return _token_page(form, status=422)


@bp.post("/account/tokens/<int:token_id>/revoke")
@requires(Permission.ACCOUNT_USE)
def revoke_token(token_id: int) -> ResponseReturnValue:
    """A token ends."""
    with commit(db.session()) as session:
        accounts.revoke_token(session, me(), token_id)
    return htmx.go(url_for("sessions.account", _anchor="tokens"))


def _sign_in_page(form: SignInForm, *, status: int = 200) -> Response:
    return htmx.show("sessions/sign_in.html", status=status, form=form, bare=True)


def _password_page(form: PasswordForm, *, status: int = 200) -> Response:
    who = signed_in()
    first = bool(who and who.must_change_password)
    return htmx.show("sessions/password.html", status=status, form=form, first=first, bare=first)


def _second_factor_page(form: CodeForm, drop_form: DropSecondFactorForm, *, status: int = 200) -> Response:
    who = signed_in()
    assert who is not None
    secret, picture = "", Markup()
    if not who.has_second_factor:
        secret = browser.setdefault("totp_draft", rules.new_secret())
        out = BytesIO()
        segno.make(rules.enrolment_uri(secret, who.login, _("政府采购网上商城"))).save(
            out, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, light="#fff", title=_("用身份验证器扫描的二维码")
        )
        picture = Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from our own text  # nosec B704
    return htmx.show(
        "sessions/second_factor.html", status=status, who=who, form=form, drop_form=drop_form, secret=secret, picture=picture
    )


def _token_page(form: TokenForm, *, status: int = 200) -> Response:
    form.scopes.choices = [SelectChoice(scope.value) for scope in sorted(me().granted)]
    return htmx.show("sessions/token_new.html", status=status, form=form, short_lived=sorted(STEP_UP & me().granted))
