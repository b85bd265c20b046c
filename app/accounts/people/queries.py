"""Reads of people, their roles and tokens."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import ApiToken, Person, PersonState, Post
from app.kernel import clock, paging
from app.kernel.errors import Missing
from app.kernel.outbox import Event
from app.policy import Actor, OrganisationKind, Permission, Role

__all__ = ["ApiToken", "Person", "PersonState"]  # rows that other packages name in their annotations


@dataclass(frozen=True)
class PersonRow:
    """A person as the list of people shows him."""

    id: int
    login: str
    name: str
    phone: str | None
    organisation_id: int
    organisation_name: str
    state: PersonState
    has_second_factor: bool
    is_locked: bool
    roles: tuple[Role, ...]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whose accounts the actor administers: all for the security administrator, the own organisation's for its administrators."""
    if actor.is_system or Role.SECURITY_ADMIN in actor.roles:
        return true()
    if actor.may(Permission.PEOPLE_GRANT) and actor.organisation_id is not None:
        return Person.organisation_id == actor.organisation_id
    return false()


def administered(session: Session, actor: Actor, person_id: int) -> Person:
    """One person whose account the actor administers. Raises Missing."""
    found = session.scalars(select(Person).where(Person.id == person_id, visible_to(actor))).one_or_none()
    if found is None:
        raise Missing()
    return found


def by_id(session: Session, person_id: int) -> Person:
    """The person with this id. Raises Missing."""
    found = session.get(Person, person_id)
    if found is None:
        raise Missing()
    return found


def by_login(session: Session, login: str) -> Person:
    """The person with this login. Raises Missing."""
    found = session.scalars(select(Person).where(Person.login == login)).one_or_none()
    if found is None:
        raise Missing()
    return found


def names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Names by id, with one statement."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row.id: row.name for row in session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))}


def roles_of(session: Session, person_id: int) -> frozenset[Role]:
    """The roles that a person holds."""
    return frozenset(session.scalars(select(Post.role).where(Post.person_id == person_id)))


def with_role(session: Session, organisation_id: int, role: Role) -> dict[int, str]:
    """Active people of an organisation with this role: names by id."""
    query = (
        select(Person.id, Person.name)
        .join(Post, Post.person_id == Person.id)
        .where(Person.organisation_id == organisation_id, Post.role == role, Person.state == PersonState.ACTIVE)
        .order_by(Person.id)
    )
    return {row.id: row.name for row in session.execute(query)}


def actor_of(session: Session, person_id: int, *, stepped_up: bool = False) -> Actor:
    """A person as services see him, with all his roles; `stepped_up` when he has just proven himself. Raises Missing."""
    query = (
        select(Person.name, Organisation)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.id == person_id)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise Missing()
    name, organisation = row
    return Actor(
        person_id=person_id,
        name=name,
        organisation_id=organisation.id,
        organisation_kind=organisation.kind,
        organisation_name=organisation.name,
        region=organisation.region,
        roles=roles_of(session, person_id),
        stepped_up=stepped_up,
    )


def people(
    session: Session, actor: Actor, *, words: str = "", role: Role | None = None, cursor: str | None = None, limit: int = 50
) -> paging.Page[PersonRow]:
    """The people whose accounts the actor administers, by login; `words` looks into logins, names and organisations."""
    query = select(Person, Organisation.name).join(Organisation, Organisation.id == Person.organisation_id).where(visible_to(actor))
    if words:
        found = [column.contains(words, autoescape=True) for column in (Person.login, Person.name, Organisation.name)]
        query = query.where(or_(*found))
    if role is not None:
        query = query.where(Person.id.in_(select(Post.person_id).where(Post.role == role)))
    page = paging.rows(session, query, [paging.Key(Person.login, descending=False)], cursor=cursor, limit=limit)
    roles: dict[int, list[Role]] = defaultdict(list)
    ids = [row[0].id for row in page.rows]
    for person_id, held in session.execute(select(Post.person_id, Post.role).where(Post.person_id.in_(ids)).order_by(Post.granted_at)):
        roles[person_id].append(held)
    return paging.Page([_row(person, name, tuple(roles[person.id])) for person, name, _ in page.rows], page.next, page.prev)


def row_of(session: Session, actor: Actor, person_id: int) -> PersonRow:
    """One administered person as the list shows him. Raises Missing."""
    person = administered(session, actor, person_id)
    name = session.scalars(select(Organisation.name).where(Organisation.id == person.organisation_id)).one()
    return _row(person, name, tuple(sorted(roles_of(session, person_id))))


def kind_of(session: Session, organisation_id: int) -> OrganisationKind:
    """What kind of organisation it is; it decides which roles fit."""
    return session.scalars(select(Organisation.kind).where(Organisation.id == organisation_id)).one()


def history(session: Session, person_id: int, limit: int = 50) -> list[Event]:
    """What happened to a person's account, newest first."""
    query = select(Event).where(Event.stream == f"person/{person_id}").order_by(Event.version.desc()).limit(limit)
    return list(session.scalars(query))


def tokens_of(session: Session, person_id: int) -> list[ApiToken]:
    """A person's tokens that still work, newest first."""
    query = (
        select(ApiToken)
        .where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.wall_now())
        .order_by(ApiToken.id.desc())
    )
    return list(session.scalars(query))


@dataclass(frozen=True)
class TokenRow:
    """A token as the organisation's administrator sees it: whose program it is, what it may do, when it was used last."""

    token: ApiToken
    person_id: int
    person: str


def tokens_in(session: Session, actor: Actor) -> list[TokenRow]:
    """The tokens that still work of everybody whose account the actor administers and himself, newest first."""
    if actor.organisation_id is None or not actor.may(Permission.PEOPLE_GRANT):
        return []
    query = (
        select(ApiToken, Person.id, Person.name)
        .join(Person, Person.id == ApiToken.person_id)
        .where(Person.organisation_id == actor.organisation_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.wall_now())
        .order_by(ApiToken.id.desc())
    )
    return [TokenRow(token=token, person_id=person_id, person=name) for token, person_id, name in session.execute(query)]


def token_in(session: Session, actor: Actor, token_id: int) -> ApiToken:
    """A token that still works, of the actor's own organisation. Raises Missing."""
    found = next((row.token for row in tokens_in(session, actor) if row.token.id == token_id), None)
    if found is None:
        raise Missing()
    return found


def _row(person: Person, organisation_name: str, roles: tuple[Role, ...]) -> PersonRow:
    locked: datetime | None = person.locked_until
    return PersonRow(
        id=person.id,
        login=person.login,
        name=person.name,
        phone=person.phone,
        organisation_id=person.organisation_id,
        organisation_name=organisation_name,
        state=person.state,
        has_second_factor=person.totp_secret is not None,
        is_locked=locked is not None and locked > clock.wall_now(),
        roles=roles,
    )
