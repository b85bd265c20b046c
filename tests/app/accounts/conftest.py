"""A mall with one unit, and browsers that know forms."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel import passwords
from app.kernel.db import commit, make_engine
from app.policy import OrganisationKind, Role
from tests import factories

PASSWORD = "hill-river-7-cloud"
KEPT = passwords.hashed(PASSWORD, passwords.TRIFLING)


class Browser:
    """A browser that fills the CSRF token in."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, address: str, **more: Any) -> TestResponse:
        return self.client.get(address, **more)

    def post(self, address: str, page: str, **fields: Any) -> TestResponse:
        """Send a form that stands on `page`."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).get_data(as_text=True))
        assert found, f"{page} holds no form"
        return self.client.post(address, data={"csrf_token": found[1], **fields})

    def sign_in(self, login: str, password: str = PASSWORD, code: str = "", **fields: Any) -> TestResponse:
        return self.post("/sign-in", "/sign-in", login=login, password=password, code=code, **fields)

    def cookie(self) -> str | None:
        found = self.client.get_cookie("mall_session")
        return found.value if found else None


class Mall:
    """The application on a fresh database, and a way to look into it."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app = app
        self.engine = make_engine(url)
        with self.session() as session, commit(session):
            unit = factories.unit(session)
            self.unit_id = unit.id
            self.buyer_id = self.add(session, unit, "buyer", Role.BUYER)
            self.admin_id = self.add(session, unit, "admin", Role.UNIT_ADMIN)
            operator = factories.organisation(session, OrganisationKind.OPERATOR)
            self.security_id = self.add(session, operator, "guard", Role.SECURITY_ADMIN)
            self.system_id = self.add(session, operator, "keeper", Role.SYSTEM_ADMIN)
            other = factories.unit(session, region=factories.OTHER_CITY)
            self.stranger_id = self.add(session, other, "stranger", Role.BUYER)

    def add(self, session: Session, of: Organisation, login: str, *roles: Role) -> int:
        return factories.person(session, of, *roles, login=login, password_hash=KEPT).id

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def person(self, person_id: int) -> Person:
        with self.session() as session:
            return session.get_one(Person, person_id)

    def change(self, person_id: int, **values: Any) -> None:
        with self.session() as session, commit(session):
            for name, value in values.items():
                setattr(session.get_one(Person, person_id), name, value)

    def browser(self, login: str | None = None) -> Browser:
        browser = Browser(self.app)
        if login:
            assert browser.sign_in(login).status_code == 303
        return browser

    def token(self, login: str, **more: Any) -> str:
        answer = self.app.test_client().post("/api/v1/tokens", json={"login": login, "password": PASSWORD, **more})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["token"])

    def api(self, method: str, address: str, token: str, **more: Any) -> TestResponse:
        return self.app.test_client().open(address, method=method, headers={"Authorization": f"Bearer {token}"}, **more)


@pytest.fixture
def mall(database_url: str, tmp_path: Path) -> Iterator[Mall]:
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url))
    mall = Mall(app, database_url)
    yield mall
    mall.engine.dispose()
    with app.app_context():
        db.engine.dispose()
