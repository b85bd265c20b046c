"""A shop with a small world in it, its index, and browsers of everybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel.db import commit, make_engine
from app.policy import Role
from tests import factories
from tests.app.accounts.conftest import KEPT, PASSWORD, Browser


class Shop:
    """The application on a fresh database with `factories.world`."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app = app
        self.engine = make_engine(url)
        with self.session() as session, commit(session):
            self.world = factories.world(session)
            for role, actor in self.world.people.items():
                assert actor.person_id is not None
                person = session.get_one(Person, actor.person_id)
                person.login, person.password_hash = role.value, KEPT

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def browser(self, role: Role | None = None) -> Browser:
        """Somebody's browser, signed in with that role."""
        browser = Browser(self.app)
        if role:
            assert browser.sign_in(role.value).status_code == 303
        return browser

    def token(self, role: Role, **more: Any) -> str:
        answer = self.app.test_client().post("/api/v1/tokens", json={"login": role.value, "password": PASSWORD, **more})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["token"])

    def api(self, method: str, address: str, role: Role | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token(role)}"} if role else {}
        return self.app.test_client().open(f"/api/v1{address}", method=method, headers=headers, **more)

    def index(self) -> int:
        """Write the whole index."""
        from catalog.search import queries

        with self.session() as session:
            return int(self.app.extensions["mall.search"].rebuild(queries.documents(session)))

    def drain(self) -> None:
        """Let the indexer do what is due."""
        from app.kernel.worker import Worker
        from catalog.search.handlers import indexer

        Worker(self.session, [indexer(self.app.extensions["mall.search"])], []).drain()

    def stock_shelf(self, *, others: int = 4) -> None:
        """More offers of the laser printer from other suppliers, at other prices."""
        with self.session() as session, commit(session):
            product = session.merge(self.world.laser)
            for number in range(others):
                seller = factories.supplier(session)
                factories.listing(session, seller, _product(session, product.product_id), price_fen=1_050_00 + number * 50_00, stock=number * 10)

    def supplier_organisation(self, session: Session) -> Organisation:
        return session.get_one(Organisation, self.world.supplier.organisation_id)


def _product(session: Session, product_id: int) -> Any:
    from catalog.products.tables import Product

    return session.get_one(Product, product_id)


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url))
    shop = Shop(app, database_url)
    shop.index()
    yield shop
    app.extensions["mall.search"].close()
    shop.engine.dispose()
    with app.app_context():
        db.engine.dispose()
