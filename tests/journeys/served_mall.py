"""The whole mall on a real socket of this machine, with a small world whose people have passwords, spoken to over HTTP only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app.accounts.organisations.tables import Organisation
from app.config import Settings
from app.kernel.db import commit, make_engine
from app.policy import GRANTS, OrganisationKind, Role
from supervision.journal import service as log
from tests import factories
from tests.app.accounts.conftest import KEPT, PASSWORD
from tests.orders.payments.conftest import QuietHandler

SELLERS, WATCHERS = (Role.LISTER, Role.ORDER_CLERK), (Role.PLAN_CLERK, Role.SUPERVISOR)


class Program:
    """A program of one person: asks for its own token, then speaks JSON."""

    def __init__(self, client: httpx.Client, role: Role) -> None:
        body = {"login": role.value, "password": PASSWORD, "scopes": sorted(GRANTS[role]), "ttl_minutes": 60}
        answer = client.post("/api/v1/tokens", json=body)
        assert answer.status_code == 201, answer.text
        self.client, self.headers = client, {"Authorization": f"Bearer {answer.json()['token']}"}

    def ask(self, method: str, address: str, *, status: int = 200, **more: Any) -> Any:
        """The answer's body; anything but the status expected fails with what was said."""
        headers = {**self.headers, **more.pop("headers", {})}
        answer = self.client.request(method, f"/api/v1{address}", headers=headers, **more)
        assert answer.status_code == status, (method, address, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def get(self, address: str, **query: Any) -> Any:
        """What stands at an address."""
        return self.ask("GET", address, params=query)

    def post(self, address: str, body: Any = None, *, status: int = 201, **more: Any) -> Any:
        """What a command answers."""
        return self.ask("POST", address, status=status, json={} if body is None else body, **more)


class ServedMall:
    """One unit, one supplier, one finance department: money there is, goods and plans are made by the journey itself."""

    def __init__(self, app: Flask, client: httpx.Client, url: str) -> None:
        self.app, self.client = app, client
        self.engine = make_engine(url)
        self.settings: Settings = app.config["SETTINGS"]
        self.verifier = log.create_key(self.settings.journal_key_path, self.settings.journal_origin)
        with Session(self.engine) as session, commit(session):
            unit = factories.unit(session)
            seller = factories.supplier(session)
            shop = session.get_one(Organisation, seller.organisation_id)
            bureau = factories.organisation(session, OrganisationKind.FINANCE)
            for of, roles in ((unit, factories.UNIT_ROLES), (shop, SELLERS), (bureau, WATCHERS)):
                for role in roles:
                    factories.person(session, of, role, login=role.value, password_hash=KEPT)
            money = factories.allotment(session, unit, amount_fen=100_000_00)
            factories.budget_line(session, money, amount_fen=20_000_00, quantity=20)
            self.allotment, self.seller_code, self.seller = money.number, shop.credit_code, seller.name
            self.unit, self.unit_code = unit.name, unit.credit_code
        self.programs: dict[Role, Program] = {}

    def by(self, role: Role) -> Program:
        """The program of whoever holds the role."""
        if role not in self.programs:
            self.programs[role] = Program(self.client, role)
        return self.programs[role]

    def drain(self) -> None:
        """Let the worker do all that is due."""
        self.app.extensions["mall.worker"]().drain()


@contextmanager
def serving(url: str, folder: Path) -> Iterator[ServedMall]:
    """The mall on this database, reachable until the block ends; it knows its own address, as the treasury must."""
    from app.web.extensions import db
    from wsgi import create_app

    made: list[Flask] = []

    def answer(*call: Any) -> Any:
        return made[0](*call)

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=QuietHandler)
    address = f"http://127.0.0.1:{server.server_port}"
    app = create_app(Settings(data_dir=folder / "mall", database_url=url, base_url=address))
    made.append(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            mall = ServedMall(app, client, url)
            yield mall
            mall.engine.dispose()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["mall.search"].close()
        with app.app_context():
            db.engine.dispose()
