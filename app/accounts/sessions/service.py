"""Signing in and out. A way in makes three steps of it, so that no transaction waits for a password comparison:

with commit(session): knock = service.knock(session, login)          # counts the attempt before anything is compared
proven = service.compare(knock, password, code)                       # slow, outside any transaction
with commit(session): secret = service.admit(session, proven)         # forgets the count, opens the session
"""

import secrets

from sqlalchemy import ColumnElement, case, or_, update
from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.accounts.people.service import digest
from app.accounts.people.tables import ApiToken, Person, PersonState
from app.accounts.sessions.rules import LOCK_AFTER, LOCK_FOR, Knock, Proven, SignInRefused, totp_step
from app.accounts.sessions.tables import SignInSession
from app.kernel import clock, passwords
from app.kernel.errors import Missing
from app.policy import Actor

_STILL = {"synchronize_session": False}


def knock(session: Session, login: str) -> Knock:
    """Count an attempt to sign in and return what it must match; the fifth in a row locks the login for 15 minutes.

    Counting comes first and is one guarded UPDATE, so that a hundred attempts at once are still only five.
    """
    now = clock.wall_now()
    count: ColumnElement[int] = case((Person.locked_until.is_not(None), 1), else_=Person.failures + 1)
    row = session.execute(
        update(Person)
        .where(
            Person.login == login.strip().lower(),
            Person.state == PersonState.ACTIVE,
            or_(Person.locked_until.is_(None), Person.locked_until <= now),
        )
        .values(failures=count, locked_until=case((count >= LOCK_AFTER, now + LOCK_FOR), else_=None))
        .returning(Person.id, Person.password_hash, Person.totp_secret, Person.totp_last_step, Person.must_change_password),
        execution_options=_STILL,
    ).one_or_none()
    return Knock(*row) if row is not None else Knock()


def compare(attempt: Knock, password: str, code: str = "", *, second_factor: bool = True) -> Proven:
    """Check password and, where the person has one, the one-time code; takes as long for a login that does not exist.

    Raises SignInRefused.
    """
    if attempt.person_id is None:
        passwords.matches_nobody(password)
        raise SignInRefused()
    is_right = passwords.matches(attempt.password_hash, password)
    step = None
    if second_factor and attempt.totp_secret is not None:
        step = totp_step(attempt.totp_secret, code, clock.wall_now(), attempt.totp_last_step)
        is_right = is_right and step is not None
    if not is_right:
        raise SignInRefused()
    return Proven(attempt.person_id, step, attempt.must_change_password)


def compare_again(attempt: Knock, password: str, code: str) -> Proven:
    """Check the one-time code of somebody who has a second factor, the password of anybody else. Raises SignInRefused."""
    if attempt.totp_secret is None:
        return compare(attempt, password)
    step = totp_step(attempt.totp_secret, code, clock.wall_now(), attempt.totp_last_step)
    if attempt.person_id is None or step is None:
        raise SignInRefused()
    return Proven(attempt.person_id, step, attempt.must_change_password)


def admit(session: Session, proven: Proven, *, instead_of: str | None = None) -> str:
    """Open a session under a new secret and end the one this browser had. Raises SignInRefused when the code was just used."""
    accept(session, proven)
    if instead_of:
        end(session, instead_of)
    return open_for(session, proven.person_id)


def accept(session: Session, proven: Proven) -> None:
    """Forget the counted attempts and never take this one-time code again. Raises SignInRefused."""
    values: dict[str, object] = {"failures": 0, "locked_until": None}
    query = update(Person).where(Person.id == proven.person_id, Person.state == PersonState.ACTIVE)
    if proven.step is not None:
        query = query.where(or_(Person.totp_last_step.is_(None), Person.totp_last_step < proven.step))
        values["totp_last_step"] = proven.step
    if session.execute(query.values(values).returning(Person.id), execution_options=_STILL).first() is None:
        raise SignInRefused()


def open_for(session: Session, person_id: int) -> str:
    """Open a session for a person who has just proven himself and return its secret for the cookie; only a hash is kept.

    Raises Missing.
    """
    person = people.by_id(session, person_id)
    if person.state is not PersonState.ACTIVE:
        raise Missing()
    secret = secrets.token_urlsafe(32)
    now = clock.wall_now()
    session.add(SignInSession(token_hash=digest(secret), person_id=person_id, created_at=now, seen_at=now, stepped_up_at=now))
    session.flush()
    return secret


def end(session: Session, secret: str) -> None:
    """End the session of this secret; nothing happens when it has ended already."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.token_hash == digest(secret), SignInSession.ended_at.is_(None))
        .values(ended_at=clock.wall_now()),
        execution_options=_STILL,
    )


def end_own(session: Session, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions. Raises Missing."""
    ended = session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.person_id == actor.person_id, SignInSession.ended_at.is_(None))
        .values(ended_at=clock.wall_now())
        .returning(SignInSession.id),
        execution_options=_STILL,
    ).first()
    if ended is None:
        raise Missing()


def touch(session: Session, session_id: int) -> None:
    """Note that a session is in use."""
    session.execute(
        update(SignInSession).where(SignInSession.id == session_id).values(seen_at=clock.wall_now()), execution_options=_STILL
    )


def touch_token(session: Session, token_id: int) -> None:
    """Note that a token is in use."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=clock.wall_now()), execution_options=_STILL)


def speak(session: Session, person_id: int, language: str) -> None:
    """From now on the person reads this language, wherever he signs in."""
    session.execute(update(Person).where(Person.id == person_id).values(language=language), execution_options=_STILL)


def step_up(session: Session, proven: Proven, session_id: int) -> None:
    """Note that the person has just proven himself again. Raises SignInRefused when the code was used before."""
    accept(session, proven)
    session.execute(
        update(SignInSession).where(SignInSession.id == session_id).values(stepped_up_at=clock.wall_now()), execution_options=_STILL
    )
