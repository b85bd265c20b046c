"""The administrator's page for people and roles."""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from wtforms.fields import SelectChoice

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries, rules, service
from app.accounts.people.forms import PersonForm, RolesForm
from app.accounts.people.rules import NewPerson
from app.kernel import passwords
from app.kernel.db import commit
from app.policy import ROLE_NAMES, ROLES_OF, OrganisationKind, Permission, Role
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires

bp = Blueprint("people", __name__, template_folder="templates", url_prefix="/people")

DUTIES = {
    Role.BUYER: lambda: _("检索、下单、撤回、评价；同一订单不得审批、验收"),
    Role.APPROVER: lambda: _("审批或驳回、解除暂缓；同一订单不得经办"),
    Role.ACCEPTOR: lambda: _("收货、验收、退货；同一订单不得经办、付款"),
    Role.FINANCE: lambda: _("备案计划、发票、支付申请；同一订单不得验收"),
    Role.ASSET_MANAGER: lambda: _("资产建卡与登记"),
    Role.UNIT_ADMIN: lambda: _("人员、岗位、地址、发票抬头"),
    Role.SUPPLIER_ADMIN: lambda: _("入驻资料与人员"),
    Role.LISTER: lambda: _("商品、价格、库存"),
    Role.ORDER_CLERK: lambda: _("确认合同、发货、开票"),
}
"""What a role is for, in a line beside its tick."""

HAPPENED: dict[str, Callable[[dict[str, Any]], str]] = {
    "person.added": lambda fact: _("添加账号：%(roles)s", roles=_role_words(fact["roles"])),
    "person.role_granted": lambda fact: _("授予“%(role)s”", role=_role_words([fact["role"]])),
    "person.role_revoked": lambda fact: _("撤销“%(role)s”", role=_role_words([fact["role"]])),
    "person.disabled": lambda _fact: _("停用账号"),
    "person.enabled": lambda _fact: _("启用账号"),
    "person.unlocked": lambda _fact: _("解除锁定"),
    "person.password_changed": lambda _fact: _("本人修改密码"),
    "person.password_reset": lambda _fact: _("重置密码"),
    "person.second_factor_enabled": lambda _fact: _("启用动态口令"),
    "person.second_factor_disabled": lambda _fact: _("停用动态口令"),
    "person.token_issued": lambda _fact: _("创建接口令牌"),
    "person.token_revoked": lambda _fact: _("停用接口令牌"),
}


def _role_words(roles: list[str]) -> str:
    return str(_("、").join(_(ROLE_NAMES[Role(role)]) for role in roles) or _("无岗位"))


@bp.get("")
@requires(Permission.PEOPLE_GRANT)
def index() -> ResponseReturnValue:
    """People of the organisation, with their roles."""
    words, wanted = request.args.get("q", "").strip()[:60], request.args.get("role", "")
    role = Role(wanted) if wanted in set(Role) else None
    page = queries.people(db.session(), me(), words=words, role=role, cursor=request.args.get("cursor"))
    return htmx.show(
        "people/index.html",
        page=page,
        words=words,
        role=wanted,
        role_choices=[("", _("全部岗位")), *((each.value, _(ROLE_NAMES[each])) for each in _fitting())],
        role_names=ROLE_NAMES,
        everywhere=Role.SECURITY_ADMIN in me().roles,
    )


@bp.get("/tokens")
@requires(Permission.PEOPLE_GRANT)
def tokens() -> ResponseReturnValue:
    """The tokens with which programs act for people of the organisation."""
    return htmx.show("people/tokens.html", rows=queries.tokens_in(db.session(), me()))


@bp.post("/tokens/<int:token_id>/end")
@requires(Permission.PEOPLE_GRANT)
def end_token(token_id: int) -> ResponseReturnValue:
    """A token of the organisation ends."""
    with commit(db.session()) as session:
        service.end_token(session, me(), token_id)
    return htmx.go(url_for("people.tokens"))


@bp.get("/new")
@requires(Permission.PEOPLE_GRANT)
def new() -> ResponseReturnValue:
    """The page to add somebody."""
    return _new_page(PersonForm(formdata=None, organisation_code=request.args.get("organisation", "")))


@bp.post("/new")
@requires(Permission.PEOPLE_GRANT)
def add() -> ResponseReturnValue:
    """Somebody gets a login; the temporary password is shown this once."""
    form = PersonForm()
    form.roles.choices = _role_choices()
    if form.validate():
        with refusals_on(form):
            temporary = rules.temporary_password()
            kept = passwords.hashed(temporary)
            with commit(db.session()) as session:
                code = (form.organisation_code.data or "").strip()
                where = organisations.by_code(session, code).id if code else None
                wanted = NewPerson(
                    login=form.login.data.strip().lower(),
                    name=form.name.data.strip(),
                    phone=(form.phone.data or "").strip() or None,
                    roles=tuple(Role(role) for role in form.roles.data or ()),
                )
                person = service.add_person(session, me(), wanted, password_hash=kept, organisation_id=where)
            return htmx.show("people/password.html", person=person, temporary=temporary)
    return _new_page(form, status=422)


@bp.get("/<int:person_id>")
@requires(Permission.PEOPLE_GRANT)
def show(person_id: int) -> ResponseReturnValue:
    """One person: roles, state, history."""
    return _person_page(person_id, RolesForm(formdata=None))


@bp.post("/<int:person_id>/roles")
@requires(Permission.PEOPLE_GRANT)
def set_roles(person_id: int) -> ResponseReturnValue:
    """The person holds exactly the ticked roles."""
    form = RolesForm()
    form.roles.choices = [SelectChoice(role.value) for role in Role]
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.set_roles(session, me(), person_id, [Role(role) for role in form.roles.data or ()])
            return htmx.go(url_for("people.show", person_id=person_id))
    return _person_page(person_id, form, status=422)


@bp.post("/<int:person_id>/disable")
@requires(Permission.PEOPLE_GRANT)
def disable(person_id: int) -> ResponseReturnValue:
    """The person may no longer sign in."""
    return _change(person_id, service.disable)


@bp.post("/<int:person_id>/enable")
@requires(Permission.PEOPLE_GRANT)
def enable(person_id: int) -> ResponseReturnValue:
    """The person may sign in again."""
    return _change(person_id, service.enable)


@bp.post("/<int:person_id>/unlock")
@requires(Permission.PEOPLE_GRANT)
def unlock(person_id: int) -> ResponseReturnValue:
    """A lock is lifted before its time."""
    return _change(person_id, service.unlock)


@bp.post("/<int:person_id>/second-factor/reset")
@requires(Permission.PEOPLE_GRANT)
def reset_second_factor(person_id: int) -> ResponseReturnValue:
    """A lost authenticator is taken off."""
    return _change(person_id, service.reset_second_factor)


@bp.post("/<int:person_id>/password/reset")
@requires(Permission.PEOPLE_GRANT)
def reset_password(person_id: int) -> ResponseReturnValue:
    """A temporary password, shown this once."""
    temporary = rules.temporary_password()
    kept = passwords.hashed(temporary)
    with commit(db.session()) as session:
        service.reset_password(session, me(), person_id, password_hash=kept)
        person = queries.by_id(session, person_id)
    return htmx.show("people/password.html", person=person, temporary=temporary)


def _change(person_id: int, command: Callable[[Session, Any, int], None]) -> ResponseReturnValue:
    with commit(db.session()) as session:
        command(session, me(), person_id)
    return htmx.go(url_for("people.show", person_id=person_id))


def _fitting() -> list[Role]:
    kinds = list(OrganisationKind) if Role.SECURITY_ADMIN in me().roles else [me().organisation_kind]
    return [role for role in ROLE_NAMES if any(role in ROLES_OF[kind] for kind in kinds)]


def _role_choices() -> list[SelectChoice]:
    return [SelectChoice(role.value, _(ROLE_NAMES[role])) for role in _fitting()]


def _new_page(form: PersonForm, *, status: int = 200) -> ResponseReturnValue:
    form.roles.choices = _role_choices()
    return htmx.show(
        "people/new.html",
        status=status,
        form=form,
        fitting=_fitting(),
        role_names=ROLE_NAMES,
        duties=DUTIES,
        everywhere=Role.SECURITY_ADMIN in me().roles,
    )


def _person_page(person_id: int, form: RolesForm, *, status: int = 200) -> ResponseReturnValue:
    person = queries.row_of(db.session(), me(), person_id)
    events = queries.history(db.session(), person_id)
    by = queries.names(db.session(), {event.actor_id for event in events if event.actor_id})
    kind = queries.kind_of(db.session(), person.organisation_id)
    return htmx.show(
        "people/show.html",
        status=status,
        person=person,
        form=form,
        is_me=person.id == me().person_id,
        fitting=[role for role in ROLE_NAMES if role in ROLES_OF[kind]],
        held=set(form.roles.data or []) if form.was_refused else {role.value for role in person.roles},
        role_names=ROLE_NAMES,
        duties=DUTIES,
        history=[
            (event.at, HAPPENED[event.type](json.loads(event.body)), by.get(event.actor_id or 0, _("系统")))
            for event in events
            if event.type in HAPPENED
        ],
    )
