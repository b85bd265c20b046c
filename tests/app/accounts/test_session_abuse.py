"""What a thief of a session, a planted form or a dismissed employee tries over HTTP, and that none of it works."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from app.accounts.organisations.tables import Organisation
from app.accounts.people import service as people
from app.accounts.people.tables import Person, Post
from app.accounts.sessions.tables import SignInSession
from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.policy import GRANTS, SYSTEM, OrganisationKind, Permission, Role
from tests.app.accounts.conftest import PASSWORD, Browser

SIGNED_OUT = 303
"""A page sends whoever is not signed in to the sign-in page."""


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def with_cookie(mall, secret: str) -> Browser:
    browser = mall.browser()
    browser.client.set_cookie("mall_session", secret)
    return browser


# ---------------------------------------------------------------- stolen and planted


def test_a_copied_cookie_is_dead_after_the_owner_signs_out_for_pages_and_api(mall):
    owner = mall.browser("buyer")
    thief = with_cookie(mall, owner.cookie())
    assert (thief.get("/account").status_code, thief.get("/api/v1/me").status_code) == (200, 200)
    owner.post("/sign-out", "/account/password")
    assert (thief.get("/account").status_code, thief.get("/api/v1/me").status_code) == (SIGNED_OUT, 401)
    assert with_cookie(mall, "").get("/account").status_code == SIGNED_OUT


def test_what_the_database_keeps_opens_no_session(mall):
    mall.browser("buyer")
    with mall.session() as session:
        kept = session.scalars(select(SignInSession.token_hash)).one()
    assert with_cookie(mall, kept).get("/account").status_code == SIGNED_OUT


def test_a_form_session_planted_before_signing_in_is_forgotten(mall):
    browser = mall.browser()
    with browser.client.session_transaction() as planted:
        planted["totp_draft"] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    browser.sign_in("buyer")
    assert "JBSWY3DPEHPK3PXP" not in browser.get("/account/second-factor").get_data(as_text=True)


def test_signing_in_over_another_session_ends_that_one(mall):
    browser = mall.browser("buyer")
    first = browser.cookie()
    form = token_of(browser.get("/account/password").get_data(as_text=True))
    browser.client.post("/sign-in", data={"csrf_token": form, "login": "admin", "password": PASSWORD})
    assert browser.cookie() != first
    assert with_cookie(mall, first).get("/account").status_code == SIGNED_OUT


# ---------------------------------------------------------------- taken away in mid-session


def test_a_disabled_person_is_out_at_once_and_old_cookies_stay_dead_when_he_comes_back(mall):
    browser, token = mall.browser("buyer"), mall.token("buyer")
    with mall.session() as session, commit(session):
        people.disable(session, SYSTEM, mall.buyer_id)
    assert browser.get("/account").status_code == SIGNED_OUT
    assert mall.api("GET", "/api/v1/me", token).status_code == 401
    with mall.session() as session, commit(session):
        people.enable(session, SYSTEM, mall.buyer_id)
    assert browser.get("/account").status_code == SIGNED_OUT
    assert mall.api("GET", "/api/v1/me", token).status_code == 401
    assert mall.browser("buyer").get("/account").status_code == 200


def test_a_role_withdrawn_counts_at_the_very_next_request(mall):
    browser, token = mall.browser("admin"), mall.token("admin")
    assert (browser.get("/people").status_code, mall.api("GET", "/api/v1/people", token).status_code) == (200, 200)
    with mall.session() as session, commit(session):
        people.set_roles(session, SYSTEM, mall.admin_id, {Role.BUYER})
    assert (browser.get("/people").status_code, mall.api("GET", "/api/v1/people", token).status_code) == (403, 403)


def test_nobody_of_an_organisation_that_was_closed_comes_in(mall):
    browser = mall.browser("buyer")
    with mall.session() as session, commit(session):
        session.execute(update(Organisation).where(Organisation.id == mall.unit_id).values(active=False))
    assert browser.get("/account").status_code == SIGNED_OUT


def test_a_new_password_set_by_the_administrator_ends_every_session_and_token(mall):
    browser, token = mall.browser("buyer"), mall.token("buyer")
    with mall.session() as session, commit(session):
        people.reset_password(session, SYSTEM, mall.buyer_id, password_hash="!")
    assert browser.get("/account").status_code == SIGNED_OUT
    assert mall.api("GET", "/api/v1/me", token).status_code == 401


# ---------------------------------------------------------------- several at once, and time


def test_a_person_sees_all_his_sessions_and_only_his(mall):
    here, _elsewhere, stranger = mall.browser("buyer"), mall.browser("buyer"), mall.browser("stranger")
    page = here.get("/account").get_data(as_text=True)
    with mall.session() as session:
        mine, other, foreign = session.scalars(select(SignInSession.id).order_by(SignInSession.id)).all()
    ends = set(map(int, re.findall(r"/account/sessions/(\d+)/end", page)))
    assert ends == {other} and page.count("本次会话") == 1
    assert str(foreign) not in map(str, ends) and mine != foreign
    assert stranger.post(f"/account/sessions/{mine}/end", "/account").status_code == 404


@pytest.mark.parametrize(
    ("seen", "opened", "status"),
    [
        (timedelta(minutes=29), timedelta(hours=1), 200),
        (timedelta(minutes=30, seconds=1), timedelta(hours=1), SIGNED_OUT),
        (timedelta(0), timedelta(hours=11, minutes=59), 200),
        (timedelta(0), timedelta(hours=12, seconds=1), SIGNED_OUT),
    ],
)
def test_a_session_ends_after_thirty_idle_minutes_and_after_twelve_hours_of_use(mall, seen, opened, status):
    browser, now = mall.browser("buyer"), clock.wall_now()
    with mall.session() as session, commit(session):
        session.execute(update(SignInSession).values(seen_at=now - seen, created_at=now - opened))
    assert browser.get("/account").status_code == status


def test_use_moves_the_idle_limit_but_never_the_absolute_one(mall):
    browser, now = mall.browser("buyer"), clock.wall_now()
    with mall.session() as session, commit(session):
        session.execute(update(SignInSession).values(seen_at=now - timedelta(minutes=29), created_at=now - timedelta(hours=11)))
    browser.get("/account")
    with mall.session() as session:
        row = session.scalars(select(SignInSession)).one()
    assert row.seen_at >= now and row.created_at < now - timedelta(hours=10)


# ---------------------------------------------------------------- cookies and forms from elsewhere


def test_cookies_are_out_of_reach_of_scripts_and_other_sites_and_of_plain_connections_where_people_come_by_https(tmp_path, mall):
    from wsgi import create_app

    safe = create_app(Settings(data_dir=tmp_path / "safe", database_url=str(mall.engine.url), base_url="https://mall.example"))
    browser = Browser(safe)
    page = browser.client.get("/sign-in", base_url="https://mall.example")
    fields = {"csrf_token": token_of(page.get_data(as_text=True)), "login": "buyer", "password": PASSWORD}
    answer = browser.client.post("/sign-in", data=fields, base_url="https://mall.example", headers={"Referer": "https://mall.example/sign-in"})
    given = [*page.headers.getlist("Set-Cookie"), *answer.headers.getlist("Set-Cookie")]
    assert {line.split("=")[0] for line in given} == {"mall_form", "mall_session"}
    for line in given:
        assert "HttpOnly" in line and "SameSite=Lax" in line and "Secure" in line and "Domain=" not in line
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_form_without_a_token_with_a_made_up_one_or_with_somebody_elses_changes_nothing(mall):
    browser, other = mall.browser("buyer"), mall.browser("stranger")
    foreign = token_of(other.get("/account/password").get_data(as_text=True))
    new = "stone-bridge-42-tea"
    for given in ({}, {"csrf_token": ""}, {"csrf_token": "made-up"}, {"csrf_token": foreign}):
        answer = browser.client.post("/account/password", data={**given, "current": PASSWORD, "new": new, "again": new})
        assert answer.status_code == 400
    assert mall.browser("buyer").get("/account").status_code == 200


def test_a_cookie_alone_changes_nothing_through_the_api(mall):
    browser = mall.browser("admin")
    assert browser.get("/api/v1/people").status_code == 200
    assert browser.client.post("/api/v1/people", json={"login": "new", "name": "新人", "roles": []}).status_code == 401


# ---------------------------------------------------------------- the three administrators

THREE = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
OF_ADMINISTRATION = {
    Permission.ACCOUNT_USE, Permission.SYSTEM_RUN, Permission.ORGANISATION_REGISTER, Permission.PEOPLE_GRANT, Permission.AUDIT_READ,
    Permission.JOURNAL_AUDIT,
}  # fmt: skip


def test_none_of_the_three_administrators_trades_and_no_two_share_a_duty():
    assert all(GRANTS[role] <= OF_ADMINISTRATION for role in THREE)
    duties = [GRANTS[role] - {Permission.ACCOUNT_USE} for role in THREE]
    assert all(not one & other for i, one in enumerate(duties) for other in duties[i + 1 :])


@pytest.mark.parametrize("login", ["keeper", "guard"])
def test_an_administrator_is_shown_no_order_cart_budget_or_listing(mall, login):
    browser = mall.browser(login)
    for address in ("/cart", "/checkout", "/orders", "/approvals", "/budgets", "/plans", "/listings/", "/payments", "/assets", "/watch", "/watch/alerts"):
        assert browser.get(address).status_code == 403, address


@pytest.mark.both_databases
@pytest.mark.parametrize(("first", "second"), [(THREE[0], THREE[1]), (THREE[0], THREE[2]), (THREE[1], THREE[2])])
def test_the_database_refuses_any_two_of_the_three_in_one_hand(mall, first, second):
    from sqlalchemy.exc import IntegrityError

    with mall.session() as session:
        with commit(session):
            session.execute(delete(Post).where(Post.person_id == mall.system_id))
        with pytest.raises(IntegrityError), commit(session):
            session.add_all(Post(person_id=mall.system_id, role=role, granted_by=None, granted_at=clock.now()) for role in (first, second))
        session.rollback()
        assert session.scalars(select(Post.role).where(Post.person_id == mall.system_id)).all() == []


def test_the_service_gives_an_administrator_no_trading_role_either(mall):
    from app.accounts.people.rules import RoleDoesNotFit, RolesClash

    for roles, refusal in (({Role.SYSTEM_ADMIN, Role.BUYER}, RoleDoesNotFit), (set(THREE[:2]), RolesClash)):
        with mall.session() as session, pytest.raises(refusal), commit(session):
            people.set_roles(session, SYSTEM, mall.system_id, roles)
    with mall.session() as session:
        assert session.scalars(select(Post.role).where(Post.person_id == mall.system_id)).all() == [Role.SYSTEM_ADMIN]
        assert session.get_one(Person, mall.system_id).organisation_id == session.scalars(
            select(Organisation.id).where(Organisation.kind == OrganisationKind.OPERATOR)
        ).one()
