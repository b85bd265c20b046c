"""Pages and API as each person of a small world sees them."""

import re
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.accounts.people import service as people
from app.accounts.sessions import service as sessions
from app.kernel.db import commit, make_engine
from app.policy import Actor, Role
from tests import factories


class Visitor:
    """A signed-in browser; forms are sent with the token of the page they stand on, and the version of the order it shows."""

    def __init__(self, app: Flask, secret: str | None) -> None:
        self.client: FlaskClient = app.test_client()
        if secret:
            self.client.set_cookie("mall_session", secret)

    def get(self, address: str, **more: Any) -> TestResponse:
        return self.client.get(address, **more)

    def text(self, address: str) -> str:
        """The page as text; it must be there."""
        answer = self.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, address: str, page: str, **fields: Any) -> TestResponse:
        text = self.text(page)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
        assert found, f"{page} holds no form"
        seen = dict(re.findall(r'<input type="hidden" name="(seen)" value="(\d+)">', text))
        return self.client.post(address, data={"csrf_token": found[1], **seen, **fields})


class Caller:
    """A program with a token of one person."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client, self.token = app.test_client(), token

    def __call__(self, method: str, address: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.open(address, method=method, headers=headers, **more)


class Shop:
    """The application, its database and the people of `factories.world`."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app = app
        self.engine = make_engine(url)
        with self.session() as session, commit(session):
            self.world = factories.world(session)

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def visitor(self, who: Role | Actor) -> Visitor:
        """A browser of somebody; his password counts as just given."""
        actor = self.world.actor(who) if isinstance(who, Role) else who
        assert actor.person_id
        with self.session() as session, commit(session):
            secret = sessions.open_for(session, actor.person_id)
        return Visitor(self.app, secret)

    def caller(self, who: Role | Actor) -> Caller:
        """A program that may do all that its person may."""
        actor = self.world.actor(who) if isinstance(who, Role) else who
        with self.session() as session, commit(session):
            _, token = people.issue_token(session, actor, name="test", scopes=actor.granted, ttl=timedelta(minutes=10))
        return Caller(self.app, token)
