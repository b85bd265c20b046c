"""API tokens: scoped, short-lived where it matters, revocable; the API takes no cookie for changes."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.accounts.people import queries, service
from app.accounts.people.rules import ScopeTooWide, TokenTooLong
from app.accounts.people.tables import ApiToken
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.policy import Permission
from tests.app.accounts.conftest import PASSWORD


@pytest.mark.both_databases
def test_a_token_says_who_it_is_and_what_it_may(mall):
    token = mall.token("buyer", scopes=["account:use", "catalogue:browse"])
    answer = mall.api("GET", "/api/v1/me", token)
    assert answer.status_code == 200
    assert (answer.json["login"], answer.json["roles"]) == ("buyer", ["buyer"])
    assert answer.json["permissions"] == ["account:use", "catalogue:browse"]
    with mall.session() as session:
        assert session.scalars(select(ApiToken.token_hash)).one() == service.digest(token)


def test_scopes_beyond_the_owners_are_refused_and_nothing_is_issued(mall):
    body = {"login": "buyer", "password": PASSWORD, "scopes": ["order:approve"]}
    answer = mall.app.test_client().post("/api/v1/tokens", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "token.scope_too_wide")
    with mall.session() as session:
        assert session.scalars(select(ApiToken)).all() == []


def test_a_withheld_scope_is_a_403(mall):
    token = mall.token("admin", scopes=["account:use"])
    assert mall.api("GET", "/api/v1/people", token).status_code == 403


def test_ended_run_out_and_made_up_tokens_are_401(mall):
    token, other = mall.token("buyer"), mall.token("buyer")
    assert mall.api("DELETE", "/api/v1/tokens/current", token).status_code == 204
    assert mall.api("GET", "/api/v1/me", token).status_code == 401
    with mall.session() as session, commit(session):
        session.execute(update(ApiToken).values(expires_at=clock.wall_now()))
    assert mall.api("GET", "/api/v1/me", other).status_code == 401
    answer = mall.api("GET", "/api/v1/me", "mall_made-up")
    assert (answer.status_code, answer.content_type, answer.json["code"]) == (401, "application/problem+json", "sign_in_first")


def test_wrong_passwords_count_towards_the_lock_here_too(mall):
    client = mall.app.test_client()
    for _ in range(5):
        assert client.post("/api/v1/tokens", json={"login": "buyer", "password": "wrong"}).status_code == 401
    assert client.post("/api/v1/tokens", json={"login": "buyer", "password": PASSWORD}).status_code == 401
    assert mall.person(mall.buyer_id).locked_until is not None


def test_the_cookie_reads_from_the_api_but_changes_nothing(mall):
    browser = mall.browser("admin")
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.client.post("/api/v1/invoice-titles", json={"title": "甲", "tax_number": "1" * 15}).status_code == 401


def test_bearer_tokens_open_no_pages(mall):
    assert mall.api("GET", "/account", mall.token("buyer")).status_code == 303


def test_approving_and_paying_live_for_a_working_day(mall):
    with mall.session() as session:
        approver = queries.actor_of(session, mall.buyer_id)
        object.__setattr__(approver, "granted", frozenset({Permission.ORDER_APPROVE, Permission.ACCOUNT_USE}))
        with pytest.raises(TokenTooLong), commit(session):
            service.issue_token(session, approver, name="x", scopes=[Permission.ORDER_APPROVE], ttl=timedelta(hours=9))
        with commit(session):
            service.issue_token(session, approver, name="x", scopes=[Permission.ORDER_APPROVE], ttl=timedelta(hours=8))
        with pytest.raises(ScopeTooWide), commit(session):
            service.issue_token(session, approver, name="x", scopes=[], ttl=timedelta(hours=8))


def test_a_token_makes_no_tokens(mall):
    with mall.session() as session:
        actor = queries.actor_of(session, mall.buyer_id)
        object.__setattr__(actor, "token_scopes", frozenset(Permission))
        with pytest.raises(Forbidden), commit(session):
            service.issue_token(session, actor, name="x", scopes=[Permission.ACCOUNT_USE], ttl=timedelta(hours=1))


def test_the_page_makes_a_token_after_the_password_and_shows_it_once(mall):
    browser = mall.browser("buyer")
    form = {"name": "对接", "scopes": ["account:use"], "hours": "1"}
    assert browser.post("/account/tokens", "/account/tokens/new", **form, password="wrong").status_code == 422
    page = browser.post("/account/tokens", "/account/tokens/new", **form, password=PASSWORD).get_data(as_text=True)
    secret = page.split("mall_", 1)[1].split("<")[0].split('"')[0]
    assert mall.api("GET", "/api/v1/me", f"mall_{secret}").status_code == 200
    listed = browser.get("/account").get_data(as_text=True)
    assert "对接" in listed and secret not in listed
    with mall.session() as session:
        token_id = session.scalars(select(ApiToken.id)).one()
        facts = session.scalars(select(Event.type).where(Event.stream == f"person/{mall.buyer_id}")).all()
    assert facts == ["person.token_issued"]
    assert browser.post(f"/account/tokens/{token_id}/revoke", "/account").status_code == 303
    assert mall.api("GET", "/api/v1/me", f"mall_{secret}").status_code == 401


def test_a_body_of_the_wrong_shape_names_each_field(mall):
    answer = mall.app.test_client().post("/api/v1/tokens", json={"login": "", "ttl_minutes": 0, "extra": 1})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert {each["field"] for each in answer.json["errors"]} == {"login", "password", "ttl_minutes", "extra"}


@pytest.mark.parametrize("body", [b'{"login": "a\\u0000", "password": "x"}', b'{"login": "\\ud800", "password": "x"}', b'{"login": "\0"}'])
def test_text_that_no_database_can_hold_is_refused(mall, body):
    assert mall.app.test_client().post("/api/v1/tokens", data=body, content_type="application/json").status_code == 400


def test_the_document_lists_every_operation_with_its_policy(mall):
    made = mall.app.test_client().get("/api/v1/openapi.json").json
    assert made["openapi"].startswith("3.1") and made["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert made["paths"]["/api/v1/tokens"]["post"]["security"] == []
    assert made["paths"]["/api/v1/people"]["get"]["x-permissions"] == ["people:grant"]
    page = mall.app.test_client().get("/api/docs")
    assert page.status_code == 200 and "申请令牌" in page.get_data(as_text=True)


def test_answers_carry_the_headers(mall):
    answer = mall.app.test_client().get("/sign-in", headers={"X-Request-Id": "abc-12345"})
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy
    assert (answer.headers["X-Content-Type-Options"], answer.headers["X-Request-Id"]) == ("nosniff", "abc-12345")
    assert mall.app.test_client().get("/healthz").json == {"status": "ok", "database": "up"}
