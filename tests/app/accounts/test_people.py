"""People and roles: who may grant what to whom, and what is kept apart."""

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.accounts.people import queries, service
from app.accounts.people.rules import AlreadyBegun, LoginTaken, NewPerson, NotForYourself, RoleDoesNotFit, RolesClash, WeakPassword
from app.accounts.people.tables import Person, Post
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import Role
from tests import factories
from tests.app.accounts.conftest import KEPT


def story(session, person_id):
    return [event.type for event in reversed(queries.history(session, person_id))]


@pytest.fixture
def admin(mall):
    with mall.session() as session:
        return queries.actor_of(session, mall.admin_id)


@pytest.fixture
def guard(mall):
    with mall.session() as session:
        return queries.actor_of(session, mall.security_id)


@pytest.mark.both_databases
def test_each_change_of_roles_leaves_its_event_with_the_next_version(mall, admin):
    with mall.session() as session:
        with commit(session):
            added = service.add_person(session, admin, NewPerson(login="new", name="新人", roles=(Role.BUYER,)), password_hash=KEPT)
        with commit(session):
            service.set_roles(session, admin, added.id, [Role.ACCEPTOR, Role.ASSET_MANAGER])
        assert queries.roles_of(session, added.id) == {Role.ACCEPTOR, Role.ASSET_MANAGER}
        assert story(session, added.id) == ["person.added", "person.role_revoked", "person.role_granted", "person.role_granted"]
        assert session.get_one(Person, added.id).version == 4
        assert session.scalars(select(Event.owner_id).where(Event.stream == f"person/{added.id}")).all() == [mall.unit_id] * 4


def test_roles_must_fit_the_organisation_and_nothing_changes_when_they_do_not(mall, admin):
    with mall.session() as session:
        with pytest.raises(RoleDoesNotFit), commit(session):
            service.grant(session, admin, mall.buyer_id, Role.SUPERVISOR)
        assert queries.roles_of(session, mall.buyer_id) == {Role.BUYER} and story(session, mall.buyer_id) == []


def test_the_three_administrators_are_never_one_person(mall, guard):
    with mall.session() as session:
        with pytest.raises(RolesClash) as refused, commit(session):
            service.grant(session, guard, mall.system_id, Role.AUDIT_ADMIN)
        assert {refused.value.first, refused.value.second} == {"系统管理员", "审计管理员"}
        assert queries.roles_of(session, mall.system_id) == {Role.SYSTEM_ADMIN}


@pytest.mark.both_databases
def test_the_database_itself_keeps_the_three_administrators_apart(mall):
    with mall.session() as session, pytest.raises(IntegrityError), commit(session):
        session.execute(insert(Post).values(person_id=mall.system_id, role=Role.AUDIT_ADMIN, granted_at=clock.now()))


def test_a_unit_administrator_reaches_only_his_own_people(mall, admin):
    with mall.session() as session:
        with pytest.raises(Missing), commit(session):
            service.grant(session, admin, mall.stranger_id, Role.APPROVER)
        with pytest.raises(Missing), commit(session):
            service.add_person(session, admin, NewPerson(login="other", name="人"), password_hash=KEPT, organisation_id=mall.unit_id + 1)
    browser = mall.browser("admin")
    assert browser.get(f"/people/{mall.stranger_id}").status_code == 404
    assert mall.api("GET", f"/api/v1/people/{mall.stranger_id}", mall.token("admin")).status_code == 404
    listed = browser.get("/people").get_data(as_text=True)
    assert "buyer" in listed and "stranger" not in listed


def test_the_security_administrator_reaches_everybody_but_himself(mall, guard):
    with mall.session() as session:
        with commit(session):
            service.grant(session, guard, mall.stranger_id, Role.APPROVER)
        with pytest.raises(NotForYourself), commit(session):
            service.disable(session, guard, mall.security_id)
        assert queries.roles_of(session, mall.stranger_id) == {Role.BUYER, Role.APPROVER}


def test_a_buyer_grants_nothing(mall):
    with mall.session() as session:
        buyer = queries.actor_of(session, mall.buyer_id)
        with pytest.raises(Forbidden), commit(session):
            service.grant(session, buyer, mall.admin_id, Role.BUYER)
    assert mall.browser("buyer").get("/people").status_code == 403


def test_a_login_is_given_once(mall, admin):
    with mall.session() as session, pytest.raises(LoginTaken), commit(session):
        service.add_person(session, admin, NewPerson(login="stranger", name="人"), password_hash=KEPT)


@pytest.mark.both_databases
def test_disabling_ends_sessions_and_tokens_and_enabling_does_not_bring_them_back(mall, admin):
    browser, token = mall.browser("buyer"), mall.token("buyer")
    with mall.session() as session, commit(session):
        service.disable(session, admin, mall.buyer_id)
    assert browser.get("/account").status_code == 303
    assert mall.api("GET", "/api/v1/me", token).status_code == 401
    assert mall.browser().sign_in("buyer").status_code == 401
    with mall.session() as session, commit(session):
        service.enable(session, admin, mall.buyer_id)
    assert browser.get("/account").status_code == 303
    assert mall.api("GET", "/api/v1/me", token).status_code == 401
    assert mall.browser().sign_in("buyer").status_code == 303


def test_a_reset_password_ends_sessions_and_tokens(mall, admin):
    browser, token = mall.browser("buyer"), mall.token("buyer")
    with mall.session() as session, commit(session):
        service.reset_password(session, admin, mall.buyer_id, password_hash="unknown")
    assert browser.get("/account").status_code == 303
    assert mall.api("GET", "/api/v1/me", token).status_code == 401


def test_a_revoked_role_counts_from_the_next_request(mall, guard):
    browser = mall.browser("admin")
    assert browser.get("/people").status_code == 200
    with mall.session() as session, commit(session):
        service.revoke(session, guard, mall.admin_id, Role.UNIT_ADMIN)
    assert browser.get("/people").status_code == 403


def test_the_page_adds_somebody_who_then_signs_in_with_the_temporary_password(mall):
    browser = mall.browser("admin")
    page = browser.post("/people/new", "/people/new", login="Zhang.San", name="张三", phone="0371-65700000", roles=["approver"])
    assert page.status_code == 200
    temporary = page.get_data(as_text=True).split("t7-", 1)[1][:14]
    assert mall.browser().sign_in("zhang.san", f"t7-{temporary}").location == "/account/password"
    refused = browser.post("/people/new", "/people/new", login="zhang.san", name="张三", roles=["approver"])
    assert refused.status_code == 422 and "已被使用" in refused.get_data(as_text=True)


def test_the_page_changes_roles_resets_and_tells_the_story(mall):
    browser, address = mall.browser("admin"), f"/people/{mall.buyer_id}"
    assert browser.post(f"{address}/roles", address, roles=["buyer", "acceptor"]).status_code == 303
    assert browser.post(f"{address}/password/reset", address).status_code == 200
    assert browser.post(f"{address}/disable", address).status_code == 303
    assert browser.post(f"{address}/enable", address).status_code == 303
    page = browser.get(address).get_data(as_text=True)
    assert all(words in page for words in ("授予“验收人”", "重置密码", "停用账号", "启用账号"))
    with mall.session() as session:
        assert queries.roles_of(session, mall.buyer_id) == {Role.BUYER, Role.ACCEPTOR}


def test_unlocking_lets_the_person_in_again(mall):
    for _ in range(5):
        mall.browser().sign_in("buyer", "wrong")
    token = mall.token("admin")
    assert mall.api("GET", f"/api/v1/people/{mall.buyer_id}", token).json["is_locked"] is True
    assert mall.api("POST", f"/api/v1/people/{mall.buyer_id}/unlock", token).json["is_locked"] is False
    assert mall.browser().sign_in("buyer").status_code == 303


def test_the_api_lists_by_cursor_adds_and_sets_roles(mall):
    token = mall.token("guard")
    seen, cursor = [], ""
    while True:
        page = mall.api("GET", f"/api/v1/people?limit=2{cursor}", token).json
        seen += [each["login"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["admin", "buyer", "guard", "keeper", "stranger"]
    assert mall.api("GET", "/api/v1/people?cursor=nonsense", token).json["code"] == "cursor.bad"
    body = {"login": "li.si", "name": "李四", "roles": ["buyer"], "organisation_id": mall.unit_id}
    made = mall.api("POST", "/api/v1/people", token, json=body)
    assert made.status_code == 201 and made.json["temporary_password"].startswith("t7-")
    answer = mall.api("PUT", f"/api/v1/people/{made.json['id']}/roles", token, json={"roles": ["finance"]})
    assert answer.json["roles"] == ["finance"]
    assert mall.api("PUT", f"/api/v1/people/{made.json['id']}/roles", token, json={"roles": ["lister"]}).status_code == 422


def test_an_empty_system_begins_with_three_separate_administrators(session):
    with pytest.raises(WeakPassword), commit(session):
        service.first_administrator(session, "root", "short")
    with commit(session):
        logins = service.first_administrator(session, "root", "stone-bridge-42-tea")
    assert logins == {Role.SYSTEM_ADMIN: "root", Role.SECURITY_ADMIN: "root-security", Role.AUDIT_ADMIN: "root-audit"}
    assert all(queries.roles_of(session, queries.by_login(session, login).id) == {role} for role, login in logins.items())
    assert queries.by_login(session, "root").must_change_password
    with pytest.raises(AlreadyBegun), commit(session):
        service.first_administrator(session, "root2", "stone-bridge-42-tea")
    assert factories.how_many(session, Person) == 3
