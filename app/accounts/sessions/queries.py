"""Who stands behind a cookie or a token, found with one statement each; a person's open sessions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.service import digest
from app.accounts.people.tables import ApiToken, Person, PersonState, Post
from app.accounts.sessions.rules import IDLE, LONGEST, TOUCH_EVERY, SignedIn
from app.accounts.sessions.tables import SignInSession
from app.kernel import clock
from app.kernel.db import run
from app.policy import STEP_UP, Actor, Permission

_PERSON = (
    Person.id,
    Person.name,
    Person.login,
    Person.language,
    Person.must_change_password,
    Person.totp_secret.is_not(None).label("has_second_factor"),
    Organisation.id.label("organisation_id"),
    Organisation.kind,
    Organisation.name.label("organisation_name"),
    Organisation.region,
    Post.role,
)


def _with_roles(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.join(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(Post, Post.person_id == Person.id)
        .where(Person.state == PersonState.ACTIVE, Organisation.active)
    )


_BY_COOKIE: Final = _with_roles(
    select(SignInSession.id.label("session_id"), SignInSession.seen_at, SignInSession.stepped_up_at, *_PERSON)
    .join(Person, Person.id == SignInSession.person_id)
    .where(
        SignInSession.token_hash == bindparam("hash"),
        SignInSession.ended_at.is_(None),
        SignInSession.seen_at > bindparam("idle_since"),
        SignInSession.created_at > bindparam("opened_since"),
        or_(Person.sessions_from.is_(None), SignInSession.created_at >= Person.sessions_from),
    )
)
_BY_TOKEN: Final = _with_roles(
    select(ApiToken.id.label("token_id"), ApiToken.scopes, ApiToken.used_at, *_PERSON)
    .join(Person, Person.id == ApiToken.person_id)
    .where(ApiToken.token_hash == bindparam("hash"), ApiToken.revoked_at.is_(None), ApiToken.expires_at > bindparam("now"))
)
_KNOWN: Final = frozenset(Permission)


def by_cookie(session: Session, secret: str, *, fresh_for: timedelta) -> SignedIn | None:
    """Who opened this session, unless it ended, stood idle for 30 minutes or is 12 hours old.

    A proof of the person counts as fresh for `fresh_for`.
    """
    now = clock.wall_now()
    rows = run(session, _BY_COOKIE, {"hash": digest(secret), "idle_since": now - IDLE, "opened_since": now - LONGEST}).all()
    if not rows:
        return None
    first = rows[0]
    stepped_up = first.stepped_up_at is not None and first.stepped_up_at > now - fresh_for
    return _signed_in(rows, stepped_up=stepped_up, session_id=first.session_id, is_due=first.seen_at < now - TOUCH_EVERY)


def by_token(session: Session, secret: str) -> SignedIn | None:
    """Whose program holds this token, unless it was revoked or ran out."""
    rows = run(session, _BY_TOKEN, {"hash": digest(secret), "now": clock.wall_now()}).all()
    if not rows:
        return None
    scopes = frozenset(Permission(scope) for scope in rows[0].scopes.split() if scope in _KNOWN)
    used = rows[0].used_at
    is_due = used is None or used < clock.wall_now() - TOUCH_EVERY
    return _signed_in(rows, scopes=scopes, stepped_up=bool(scopes & STEP_UP), token_id=rows[0].token_id, is_due=is_due)


def open_sessions(session: Session, person_id: int) -> list[SignInSession]:
    """A person's sessions that still work, newest first."""
    now = clock.wall_now()
    query = (
        select(SignInSession)
        .join(Person, Person.id == SignInSession.person_id)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.ended_at.is_(None),
            SignInSession.seen_at > now - IDLE,
            SignInSession.created_at > now - LONGEST,
            or_(Person.sessions_from.is_(None), SignInSession.created_at >= Person.sessions_from),
        )
        .order_by(SignInSession.id.desc())
    )
    return list(session.scalars(query))


def _signed_in(
    rows: Sequence[Any],
    *,
    stepped_up: bool,
    scopes: frozenset[Permission] | None = None,
    session_id: int | None = None,
    token_id: int | None = None,
    is_due: bool = False,
) -> SignedIn:
    first = rows[0]
    actor = Actor(
        person_id=first.id,
        name=first.name,
        organisation_id=first.organisation_id,
        organisation_kind=first.kind,
        organisation_name=first.organisation_name,
        region=first.region,
        roles=frozenset(row.role for row in rows if row.role is not None),
        token_scopes=scopes,
        stepped_up=stepped_up,
    )
    return SignedIn(
        actor=actor,
        login=first.login,
        language=first.language,
        must_change_password=first.must_change_password,
        has_second_factor=first.has_second_factor,
        session_id=session_id,
        token_id=token_id,
        is_due=is_due,
    )
