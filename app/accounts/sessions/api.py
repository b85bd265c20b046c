"""JSON ways in: a token for login and password, who the caller is, and ending the token."""

from datetime import datetime, timedelta
from typing import cast

from flask import Blueprint
from flask_login import current_user
from pydantic import Field

from app.accounts.people import queries as people
from app.accounts.people import service as accounts
from app.accounts.sessions import service
from app.accounts.sessions.rules import PasswordFirst, SignedIn
from app.kernel.db import commit
from app.kernel.errors import N_, Missing
from app.policy import STEP_UP, Permission
from app.web.extensions import db
from app.web.guard import me, public, requires
from app.web.openapi import Answers, Model, Problem, spec, titled

api = Blueprint("sessions_api", __name__, url_prefix="/api/v1")


class TokenIn(Model):
    """Proof of who asks, and what the token shall be good for."""

    login: str = Field(min_length=1, max_length=40)
    password: str = Field(min_length=1, max_length=200)
    code: str = Field(default="", max_length=10, description=N_("动态口令；已启用时必填"))
    name: str = Field(default="API", min_length=1, max_length=60)
    scopes: list[Permission] | None = Field(default=None, description=N_("缺省为本人全部权限，但审批、支付须写明，且最长 8 小时"))
    ttl_minutes: int = Field(default=480, ge=1, le=90 * 24 * 60)


class TokenOut(Model):
    """The token; its secret is shown this once."""

    id: int
    token: str
    scopes: list[Permission]
    expires_at: datetime


class Me(Model):
    """Who the caller is and what he may do."""

    person_id: int
    login: str
    name: str
    organisation_id: int
    organisation: str
    organisation_kind: str
    region: str
    roles: list[str]
    permissions: list[Permission]


@api.post("/tokens")
@titled(N_("申请令牌"))
@public
@spec.validate(resp=Answers(HTTP_201=TokenOut, HTTP_401=Problem, HTTP_403=Problem), tags=("account",))
def issue(json: TokenIn) -> tuple[TokenOut, int]:
    """Exchange login, password and, where enabled, a one-time code for a scoped token."""
    with commit(db.session()) as session:
        attempt = service.knock(session, json.login)
    proven = service.compare(attempt, json.password, json.code)
    if proven.must_change_password:
        raise PasswordFirst()
    with commit(db.session()) as session:
        service.accept(session, proven)
        actor = people.actor_of(session, proven.person_id)
        scopes = actor.granted - STEP_UP if json.scopes is None else json.scopes
        ttl = timedelta(minutes=json.ttl_minutes)
        token, secret = accounts.issue_token(session, actor, name=json.name, scopes=scopes, ttl=ttl)
    granted = [Permission(scope) for scope in token.scopes.split()]
    return TokenOut(id=token.id, token=secret, scopes=granted, expires_at=token.expires_at), 201


@api.delete("/tokens/current")
@titled(N_("停用当前令牌"))
@requires(Permission.ACCOUNT_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=("account",))
def revoke() -> tuple[str, int]:
    """End the token that this request carries."""
    who = cast(SignedIn, current_user)
    if who.token_id is None:
        raise Missing()
    with commit(db.session()) as session:
        accounts.revoke_token(session, me(), who.token_id)
    return "", 204


@api.get("/me")
@titled(N_("我是谁"))
@requires(*Permission)
@spec.validate(resp=Answers(HTTP_200=Me), tags=("account",))
def who_am_i() -> Me:
    """The caller, with the permissions that the token leaves."""
    who = cast(SignedIn, current_user)
    actor = who.actor
    return Me(
        person_id=actor.person_id or 0,
        login=who.login,
        name=actor.name,
        organisation_id=actor.organisation_id or 0,
        organisation=actor.organisation_name,
        organisation_kind=actor.organisation_kind.value,
        region=actor.region,
        roles=sorted(role.value for role in actor.roles),
        permissions=sorted(actor.granted),
    )
