"""The tokens of an organisation: its administrator sees whose they are and when they were used, and ends any of them."""

from html import unescape

import pytest
from sqlalchemy import select

from app.accounts.people.tables import ApiToken, Person, Post
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from tests import factories


@pytest.fixture
def firm(mall):
    """A supplier with an administrator and a lister, and a rival with an administrator."""
    with mall.session() as session, commit(session):
        own, rival = (factories.organisation(session, OrganisationKind.SUPPLIER) for _ in range(2))
        mall.add(session, own, "manager", Role.SUPPLIER_ADMIN)
        mall.add(session, own, "lister", Role.LISTER)
        mall.add(session, rival, "rival", Role.SUPPLIER_ADMIN)
    return mall


def one(mall) -> ApiToken:
    with mall.session() as session:
        return session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).first()


@pytest.mark.both_databases
def test_the_administrator_sees_every_token_of_his_people_and_when_it_was_used_last(firm):
    secret = firm.token("lister", name="仓库同步", scopes=["listing:keep", "account:use"])
    manager = firm.browser("manager")
    shown = unescape(manager.get("/people/tokens").get_data(as_text=True))
    assert [word in shown for word in ("仓库同步", "listing:keep", "从未使用")] == [True] * 3
    assert secret not in shown
    assert one(firm).used_at is None
    assert firm.api("GET", "/api/v1/me", secret).status_code == 200
    first = one(firm).used_at
    assert first is not None
    assert "从未使用" not in manager.get("/people/tokens").get_data(as_text=True)
    assert firm.api("GET", "/api/v1/me", secret).status_code == 200
    assert one(firm).used_at == first


@pytest.mark.both_databases
def test_the_administrator_ends_a_token_of_his_people_and_nobody_elses(firm):
    secret = firm.token("lister", name="仓库同步", scopes=["account:use"])
    token = one(firm)
    rival = firm.browser("rival")
    assert "仓库同步" not in unescape(rival.get("/people/tokens").get_data(as_text=True))
    assert rival.post(f"/people/tokens/{token.id}/end", "/account/password").status_code == 404
    assert firm.browser("lister").post(f"/people/tokens/{token.id}/end", "/account/password").status_code == 403
    assert firm.browser("admin").post(f"/people/tokens/{token.id}/end", "/account/password").status_code == 404
    assert firm.api("GET", "/api/v1/me", secret).status_code == 200
    assert firm.browser("manager").post(f"/people/tokens/{token.id}/end", "/account/password").status_code == 303
    assert firm.api("GET", "/api/v1/me", secret).status_code == 401
    with firm.session() as session:
        ended = session.scalars(select(Event.type).where(Event.stream == f"person/{token.person_id}").order_by(Event.version.desc())).first()
    assert ended == "person.token_revoked"


def test_the_administrator_of_a_supplier_gives_posts_to_his_own_people_only(firm):
    manager = firm.browser("manager")
    added = manager.post("/people/new", "/people/new", name="宋晓", login="songxiao", roles=["lister"])
    assert added.status_code == 200
    shown = unescape(manager.get("/people").get_data(as_text=True))
    assert ("songxiao" in shown, "rival" in shown, "buyer" in shown) == (True, False, False)
    refused = manager.post("/people/new", "/people/new", name="某人", login="someone", roles=["buyer"])
    assert refused.status_code == 422
    with firm.session() as session:
        ids = {row.login: row.id for row in session.scalars(select(Person))}
        assert set(session.scalars(select(Post.role).where(Post.person_id == ids["songxiao"]))) == {Role.LISTER}
    assert "someone" not in ids
    assert manager.post(f"/people/{ids['songxiao']}/roles", f"/people/{ids['songxiao']}", sent="1", roles=["order_clerk"]).status_code == 303
    assert manager.post(f"/people/{ids['songxiao']}/disable", f"/people/{ids['songxiao']}").status_code == 303
    assert manager.post(f"/people/{ids['rival']}/disable", "/people").status_code == 404
