"""Gives people logins, roles and tokens, and takes them away. Every change leaves its event. The way in commits.

Functions that set a password take its hash: hashing takes a tenth of a second and happens before the transaction.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.organisations.rules import NewOrganisation, check_phone
from app.accounts.organisations.service import register
from app.accounts.people import events, queries, rules
from app.accounts.people.rules import LoginTaken, NewPerson, NotForYourself
from app.accounts.people.tables import ApiToken, Person, PersonState, Post
from app.kernel import clock, outbox, passwords, sheets
from app.kernel.errors import N_, Forbidden, Missing
from app.kernel.outbox import Entry
from app.kernel.sheets import CellProblem, Imported, Line
from app.policy import ROLE_NAMES, SYSTEM, Actor, OrganisationKind, Permission, Role

TOKEN_PREFIX = "mall_"  # noqa: S105 - what a token begins with, so that leaked ones are recognised


OPERATOR_NAME = "平台运营服务机构"


def digest(secret: str) -> str:
    """What is kept of a session's or token's secret; the secret has 256 random bits, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_person(
    session: Session, actor: Actor, new: NewPerson, *, password_hash: str, organisation_id: int | None = None, must_change: bool = True
) -> Person:
    """Give somebody of the actor's organisation (any, for the security administrator) a login and roles.

    Raises Forbidden, Missing, BadLogin, BadPhone, LoginTaken, RoleDoesNotFit or RolesClash.
    """
    actor.must(Permission.PEOPLE_GRANT)
    wanted = organisation_id or actor.organisation_id or 0
    if wanted != actor.organisation_id and not (actor.is_system or Role.SECURITY_ADMIN in actor.roles):
        raise Missing()
    organisation = organisations.by_id(session, wanted)
    rules.check_login(new.login)
    if new.phone:
        check_phone(new.phone)
    rules.check_roles(organisation.kind, new.roles)
    if session.scalars(select(Person.id).where(Person.login == new.login)).first() is not None:
        raise LoginTaken(login=new.login, field="login")
    person = _insert(session, actor, new, organisation.id, password_hash, must_change=must_change)
    outbox.record_all(session, actor, [_added(person, new.roles, organisation.region)])
    return person


def grant(session: Session, actor: Actor, person_id: int, role: Role) -> None:
    """Let a person hold one more role. Raises Forbidden, Missing, NotForYourself, RoleDoesNotFit or RolesClash."""
    person = _administer(session, actor, person_id)
    set_roles(session, actor, person.id, queries.roles_of(session, person.id) | {role})


def revoke(session: Session, actor: Actor, person_id: int, role: Role) -> None:
    """Take a role from a person. Raises Forbidden, Missing or NotForYourself."""
    person = _administer(session, actor, person_id)
    set_roles(session, actor, person.id, queries.roles_of(session, person.id) - {role})


def set_roles(session: Session, actor: Actor, person_id: int, roles: Collection[Role]) -> None:
    """Let a person hold exactly these roles; each one granted or revoked leaves its own event.

    Raises Forbidden, Missing, NotForYourself, RoleDoesNotFit or RolesClash.
    """
    person = _administer(session, actor, person_id)
    wanted = frozenset(roles)
    held = queries.roles_of(session, person.id)
    rules.check_roles(queries.kind_of(session, person.organisation_id), wanted)
    about = {"person_id": person.id, "organisation_id": person.organisation_id}
    revoked, granted = sorted(held - wanted), sorted(wanted - held)
    if revoked:
        session.execute(delete(Post).where(Post.person_id == person.id, Post.role.in_(revoked)))
    session.add_all(Post(person_id=person.id, role=role, granted_by=actor.person_id, granted_at=clock.now()) for role in granted)
    session.flush()
    for role in revoked:
        _record(session, actor, person, events.RoleRevoked(**about, role=role.value))
    for role in granted:
        _record(session, actor, person, events.RoleGranted(**about, role=role.value))


def disable(session: Session, actor: Actor, person_id: int) -> None:
    """Shut a person out: no sign-in, every session and token ends. Raises Forbidden, Missing or NotForYourself."""
    person = _administer(session, actor, person_id)
    if person.state is PersonState.DISABLED:
        return
    person.state = PersonState.DISABLED
    person.sessions_from = clock.wall_now()
    _revoke_tokens(session, person)
    _record(session, actor, person, events.PersonDisabled(person_id=person.id, organisation_id=person.organisation_id))


def enable(session: Session, actor: Actor, person_id: int) -> None:
    """Let a person sign in again. Raises Forbidden, Missing or NotForYourself."""
    person = _administer(session, actor, person_id)
    if person.state is PersonState.ACTIVE:
        return
    person.state = PersonState.ACTIVE
    _record(session, actor, person, events.PersonEnabled(person_id=person.id, organisation_id=person.organisation_id))


def unlock(session: Session, actor: Actor, person_id: int) -> None:
    """Lift a lock before its time. Raises Forbidden, Missing or NotForYourself."""
    person = _administer(session, actor, person_id)
    person.failures, person.locked_until = 0, None
    _record(session, actor, person, events.PersonUnlocked(person_id=person.id, organisation_id=person.organisation_id))


def reset_password(session: Session, actor: Actor, person_id: int, *, password_hash: str) -> None:
    """Set a temporary password, to be changed at the next sign-in; also lifts a lock and ends every session and token.

    Raises Forbidden, Missing or NotForYourself.
    """
    person = _administer(session, actor, person_id)
    person.password_hash, person.must_change_password = password_hash, True
    person.failures, person.locked_until, person.sessions_from = 0, None, clock.wall_now()
    _revoke_tokens(session, person)
    _record(session, actor, person, events.PasswordReset(person_id=person.id, organisation_id=person.organisation_id))


def change_password(session: Session, actor: Actor, *, password_hash: str) -> None:
    """Set the actor's own new password; every session he has ends. The caller has compared the current one."""
    person = _own(session, actor)
    person.password_hash, person.must_change_password = password_hash, False
    person.failures, person.locked_until, person.sessions_from = 0, None, clock.wall_now()
    _record(session, actor, person, events.PasswordChanged(person_id=person.id, organisation_id=person.organisation_id))


def enable_second_factor(session: Session, actor: Actor, *, secret: str, step: int) -> None:
    """Ask the actor for one-time codes from now on; `step` is the time step of the code just proven, never accepted again."""
    person = _own(session, actor)
    person.totp_secret, person.totp_last_step = secret, step
    _record(session, actor, person, events.SecondFactorEnabled(person_id=person.id, organisation_id=person.organisation_id))


def disable_second_factor(session: Session, actor: Actor) -> None:
    """Ask the actor for codes no longer; the caller has compared password and code."""
    person = _own(session, actor)
    _drop_second_factor(session, actor, person)


def reset_second_factor(session: Session, actor: Actor, person_id: int) -> None:
    """Take a lost second factor from a person. Raises Forbidden, Missing or NotForYourself."""
    _drop_second_factor(session, actor, _administer(session, actor, person_id))


def issue_token(session: Session, actor: Actor, *, name: str, scopes: Iterable[Permission], ttl: timedelta) -> tuple[ApiToken, str]:
    """Let a program act for the actor within these scopes; the secret is returned this once, only its hash is kept.

    Raises Forbidden (a token makes no tokens), ScopeTooWide or TokenTooLong.
    """
    if actor.token_scopes is not None or actor.person_id is None:
        raise Forbidden()
    wanted = sorted(set(scopes))
    rules.check_scopes(wanted, actor.granted, ttl)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    at = clock.wall_now()
    token = ApiToken(
        person_id=actor.person_id,
        name=name,
        token_hash=digest(secret),
        scopes=" ".join(wanted),
        expires_at=at + ttl,
        created_at=at,
    )
    session.add(token)
    session.flush()
    person = _own(session, actor)
    fact = events.TokenIssued(person_id=person.id, organisation_id=person.organisation_id, token_id=token.id, scopes=tuple(wanted))
    _record(session, actor, person, fact)
    return token, secret


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    """End one of the actor's own tokens. Raises Missing."""
    query = select(ApiToken).where(ApiToken.id == token_id, ApiToken.person_id == actor.person_id, ApiToken.revoked_at.is_(None))
    token = session.scalars(query).one_or_none()
    if token is None:
        raise Missing()
    token.revoked_at = clock.wall_now()
    person = _own(session, actor)
    fact = events.TokenRevoked(person_id=person.id, organisation_id=person.organisation_id, token_id=token.id)
    _record(session, actor, person, fact)


def end_token(session: Session, actor: Actor, token_id: int) -> None:
    """End a token of somebody of the actor's own organisation. Raises Forbidden or Missing."""
    actor.must(Permission.PEOPLE_GRANT)
    token = queries.token_in(session, actor, token_id)
    token.revoked_at = clock.wall_now()
    person = queries.by_id(session, token.person_id)
    fact = events.TokenRevoked(person_id=person.id, organisation_id=person.organisation_id, token_id=token.id)
    _record(session, actor, person, fact)


def logins_in(table: Sequence[Line]) -> list[str]:
    """The logins that a table of people names, so that passwords can be made before the transaction."""
    rows, _ = sheets.read(table, rules.PEOPLE_COLUMNS)
    return [row["login"] for row in rows]


def import_people(
    session: Session, actor: Actor, table: Sequence[Line], *, dry_run: bool = False, password_hashes: Mapping[str, str] | None = None
) -> Imported:
    """Give people of registered organisations logins and roles from a table; each must change the password at the first sign-in.

    Columns: 单位编码, 账号, 姓名, 电话, 岗位. Raises SheetRefused with one entry per cell.
    """
    actor.must(Permission.PEOPLE_GRANT)
    rows, problems = sheets.read(table, rules.PEOPLE_COLUMNS)
    known = organisations.by_codes(session, {row["organisation_code"] for row in rows})
    taken = set(session.scalars(select(Person.login).where(Person.login.in_({row["login"] for row in rows}))))
    seen: set[str] = set()
    for row in rows:
        organisation = known.get(row["organisation_code"])
        if organisation is None:
            way_out = N_("先用 mall import units 登记单位，或改正编码")
            problems.append(CellProblem(row.line, "单位编码", row["organisation_code"], N_("没有这个单位"), way_out))
        else:
            try:
                rules.check_roles(organisation.kind, row["roles"])
            except (rules.RoleDoesNotFit, rules.RolesClash) as refused:
                way_out = refused.way_out or N_("改填这类机构的岗位")
                problems.append(CellProblem(row.line, "岗位", "、".join(row["roles"]), refused.message % refused.facts, way_out))
        if row["login"] in taken or row["login"] in seen:
            problems.append(CellProblem(row.line, "账号", row["login"], N_("账号已被使用"), N_("换一个账号")))
        seen.add(row["login"])
    sheets.refuse(problems)
    if dry_run:
        return Imported(rows=len(rows), added=len(rows), dry_run=True)
    entries = []
    for row in rows:
        organisation = known[row["organisation_code"]]
        new = NewPerson(login=row["login"], name=row["name"], phone=row["phone"], roles=row["roles"])
        person = _insert(session, actor, new, organisation.id, (password_hashes or {}).get(new.login, "!"), must_change=True)
        entries.append(_added(person, new.roles, organisation.region))
    if entries:
        outbox.record_all(session, actor, entries)
    return Imported(rows=len(rows), added=len(entries))


def first_administrator(session: Session, login: str, password: str) -> dict[Role, str]:
    """Make the operator and its three separated administrators in an empty system; returns their logins by role.

    All three begin with the same password and must change it at the first sign-in. Raises BadLogin, WeakPassword or AlreadyBegun.
    """
    rules.check_login(login)
    rules.check_password(password, login, field="password")
    if organisations.of_kind(session, OrganisationKind.OPERATOR):
        raise rules.AlreadyBegun()
    new_operator = NewOrganisation(kind=OrganisationKind.OPERATOR, code="OPERATOR", name=OPERATOR_NAME, region=SYSTEM.region)
    operator = register(session, SYSTEM, new_operator)
    kept = passwords.hashed(password)
    logins = {Role.SYSTEM_ADMIN: login, Role.SECURITY_ADMIN: f"{login}-security", Role.AUDIT_ADMIN: f"{login}-audit"}
    for role, own in logins.items():
        new = NewPerson(login=own, name=ROLE_NAMES[role], roles=(role,))
        add_person(session, SYSTEM, new, password_hash=kept, organisation_id=operator.id)
    return logins


def _revoke_tokens(session: Session, person: Person) -> None:
    mine = update(ApiToken).where(ApiToken.person_id == person.id, ApiToken.revoked_at.is_(None))
    session.execute(mine.values(revoked_at=clock.wall_now()))


def _insert(session: Session, actor: Actor, new: NewPerson, organisation_id: int, password_hash: str, *, must_change: bool) -> Person:
    person = Person(
        organisation_id=organisation_id,
        login=new.login,
        name=new.name,
        phone=new.phone or None,
        password_hash=password_hash,
        must_change_password=must_change,
        version=1,
        created_at=clock.now(),
    )
    session.add(person)
    session.flush()
    session.add_all(Post(person_id=person.id, role=role, granted_by=actor.person_id, granted_at=clock.now()) for role in new.roles)
    session.flush()
    return person


def _added(person: Person, roles: Collection[Role], region: str) -> Entry:
    held = tuple(sorted(role.value for role in roles))
    fact = events.PersonAdded(person_id=person.id, organisation_id=person.organisation_id, name=person.name, roles=held)
    return Entry(fact, f"person/{person.id}", 1, region, person.organisation_id)


def _administer(session: Session, actor: Actor, person_id: int) -> Person:
    """The person, if the actor may change this account; a second change at the same moment waits for the first."""
    actor.must(Permission.PEOPLE_GRANT)
    person = queries.administered(session, actor, person_id)
    if person.id == actor.person_id:
        raise NotForYourself()
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    return person


def _own(session: Session, actor: Actor) -> Person:
    return queries.by_id(session, actor.person_id or 0)


def _drop_second_factor(session: Session, actor: Actor, person: Person) -> None:
    person.totp_secret, person.totp_last_step = None, None
    _record(session, actor, person, events.SecondFactorDisabled(person_id=person.id, organisation_id=person.organisation_id))


def _record(session: Session, actor: Actor, person: Person, fact: events.PersonFact) -> None:
    """Leave the event with the person's next version."""
    session.flush()
    version = session.execute(
        update(Person).where(Person.id == person.id).values(version=Person.version + 1).returning(Person.version),
        execution_options={"synchronize_session": False},
    ).scalar_one()
    session.expire(person, ["version"])
    region = organisations.by_id(session, person.organisation_id).region
    outbox.record(session, actor, fact, stream=f"person/{person.id}", version=version, region=region, owner_id=person.organisation_id)
