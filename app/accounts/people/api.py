"""JSON ways in: people and roles for their administrators."""

from flask import Blueprint
from pydantic import Field

from app.accounts.people import queries, rules, service
from app.accounts.people.queries import PersonRow
from app.accounts.people.rules import NewPerson
from app.kernel import passwords
from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission, Role
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Id, Model, PageQuery, Problem, spec, titled

api = Blueprint("people_api", __name__, url_prefix="/api/v1/people")
TAG = ("people",)


class PeopleQuery(PageQuery):
    """Which people."""

    q: str = Field(default="", max_length=60, description=N_("账号、姓名或机构名称中的文字"))
    role: Role | None = None


class PersonOut(Model):
    """A person and his roles."""

    id: int
    login: str
    name: str
    phone: str | None
    organisation_id: int
    organisation: str
    state: str
    is_locked: bool
    has_second_factor: bool
    roles: list[Role]


class PersonPage(CursorPage):
    """A page of people."""

    items: list[PersonOut]


class PersonIn(Model):
    """Somebody who gets a login."""

    login: str = Field(min_length=3, max_length=40)
    name: str = Field(min_length=1, max_length=40)
    phone: str | None = Field(default=None, max_length=20)
    roles: list[Role] = Field(default_factory=list, max_length=10)
    organisation_id: Id | None = Field(default=None, description=N_("缺省为本机构；仅安全管理员可指定其他机构"))


class PersonMade(PersonOut):
    """The person, with the temporary password that is shown this once."""

    temporary_password: str


class RolesIn(Model):
    """Exactly the roles that the person shall hold."""

    roles: list[Role] = Field(max_length=10)


@api.get("")
@titled(N_("人员与岗位"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonPage), tags=TAG)
def index(query: PeopleQuery) -> PersonPage:
    """The people whose accounts the caller administers, by login."""
    page = queries.people(db.session(), me(), words=query.q, role=query.role, cursor=query.cursor, limit=query.limit)
    return PersonPage(items=[_out(row) for row in page.rows], next=page.next)


@api.post("")
@titled(N_("添加人员"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_201=PersonMade, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def add(json: PersonIn) -> tuple[PersonMade, int]:
    """Give somebody a login with a temporary password."""
    temporary = rules.temporary_password()
    kept = passwords.hashed(temporary)
    new = NewPerson(login=json.login.lower(), name=json.name, phone=json.phone, roles=tuple(json.roles))
    with commit(db.session()) as session:
        person = service.add_person(session, me(), new, password_hash=kept, organisation_id=json.organisation_id)
        row = queries.row_of(session, me(), person.id)
    return PersonMade(**_out(row).model_dump(), temporary_password=temporary), 201


@api.get("/<int:person_id>")
@titled(N_("一位人员"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonOut, HTTP_404=Problem), tags=TAG)
def show(person_id: int) -> PersonOut:
    """One person."""
    return _out(queries.row_of(db.session(), me(), person_id))


@api.put("/<int:person_id>/roles")
@titled(N_("设定岗位"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonOut, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def set_roles(person_id: int, json: RolesIn) -> PersonOut:
    """Let the person hold exactly these roles."""
    with commit(db.session()) as session:
        service.set_roles(session, me(), person_id, json.roles)
    return show_row(person_id)


@api.post("/<int:person_id>/disable")
@titled(N_("停用账号"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonOut, HTTP_404=Problem), tags=TAG)
def disable(person_id: int) -> PersonOut:
    """Shut the person out: sessions and tokens end."""
    with commit(db.session()) as session:
        service.disable(session, me(), person_id)
    return show_row(person_id)


@api.post("/<int:person_id>/enable")
@titled(N_("启用账号"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonOut, HTTP_404=Problem), tags=TAG)
def enable(person_id: int) -> PersonOut:
    """Let the person sign in again."""
    with commit(db.session()) as session:
        service.enable(session, me(), person_id)
    return show_row(person_id)


@api.post("/<int:person_id>/unlock")
@titled(N_("解除锁定"))
@requires(Permission.PEOPLE_GRANT)
@spec.validate(resp=Answers(HTTP_200=PersonOut, HTTP_404=Problem), tags=TAG)
def unlock(person_id: int) -> PersonOut:
    """Lift a lock before its time."""
    with commit(db.session()) as session:
        service.unlock(session, me(), person_id)
    return show_row(person_id)


def show_row(person_id: int) -> PersonOut:
    """The person as he is now."""
    return _out(queries.row_of(db.session(), me(), person_id))


def _out(row: PersonRow) -> PersonOut:
    return PersonOut(
        id=row.id,
        login=row.login,
        name=row.name,
        phone=row.phone,
        organisation_id=row.organisation_id,
        organisation=row.organisation_name,
        state=row.state.value,
        is_locked=row.is_locked,
        has_second_factor=row.has_second_factor,
        roles=list(row.roles),
    )
