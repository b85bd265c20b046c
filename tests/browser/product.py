"""The real product in processes of its own: the training province, one unit and supplier of known figures, a web server and a worker.

    with Product(folder) as product:
        product.address, product.cookie("buyer.zz01")
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person, Post
from app.accounts.sessions import service as sessions
from app.config import Settings
from app.kernel import passwords
from app.kernel.db import commit, make_engine
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from app.web import process
from catalog.products.states import Origin
from orders.purchases.states import State
from orders.purchases.tables import Order
from tests import factories, training
from tests.peers import ROOT

UNIT, SUPPLIER = "郑州市档案馆", "郑州明泽办公设备有限公司"
PASSWORD = "journey-of-2026-journey"
PEOPLE = {
    Role.BUYER: ("buyer.journey", "陈知远"), Role.APPROVER: ("approver.journey", "林若兰"), Role.ACCEPTOR: ("acceptor.journey", "周维清"),
    Role.FINANCE: ("finance.journey", "沈如一"), Role.ASSET_MANAGER: ("asset.journey", "贺守成"), Role.UNIT_ADMIN: ("admin.journey", "顾明"),
    Role.ORDER_CLERK: ("clerk.journey", "何迎春"), Role.LISTER: ("lister.journey", "宋晓"), Role.SUPPLIER_ADMIN: ("manager.journey", "方达"),
    Role.SUPERVISOR: ("supervisor.journey", "秦正"), Role.PLAN_CLERK: ("plans.journey", "程备"), Role.DISCLOSURE_EDITOR: ("disclosure.journey", "文昭"),
}
"""Who plays the journey; everybody but the buyer signs in by cookie."""

LASER_PRICE, DESKTOP_PRICE = 1_000_00, 4_600_00
SCANNER_PRICES = (3_000_00, 3_100_00, 3_200_00)
"""What three other suppliers ask for a scanner from abroad."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(folder: Path) -> Path:
    """The training province with the journey's own unit, supplier, plan and listings, in a data folder."""
    shutil.copytree(training.template(), folder, dirs_exist_ok=True)
    engine = make_engine(_database(folder))
    with Session(engine) as session, commit(session):
        _stage(session)
    engine.dispose()
    _mall(folder, "index", "rebuild")
    return folder


def _stage(session: Session) -> None:
    """100,000 yuan with 50,000 filed for laser printers, 30,000 budgeted but not filed for desktops, and one supplier of both."""
    unit = factories.unit(session, name=UNIT, short_name="市档案馆")
    seller = factories.supplier(session)
    of_seller = session.get_one(Organisation, seller.organisation_id)
    seller.name = of_seller.name = of_seller.short_name = SUPPLIER
    bureau = factories.organisation(session, OrganisationKind.FINANCE, name="郑州市财政局政府采购监督管理处", short_name="市财政局")
    people = {}
    for of, roles in ((unit, factories.UNIT_ROLES), (of_seller, factories.SUPPLIER_ROLES), (bureau, factories.FINANCE_ROLES)):
        for role in roles:
            login, name = PEOPLE[role]
            people[role] = factories.person(session, of, role, login=login, name=name)
    people[Role.BUYER].password_hash = passwords.hashed(PASSWORD)
    money = factories.allotment(session, unit)
    printers = factories.budget_line(session, money, name="A4 黑白激光打印机")
    factories.budget_line(session, money, category_code=factories.DESKTOP, quantity=5, amount_fen=30_000_00, name="台式计算机")
    factories.plan(session, factories.actor(session, people[Role.FINANCE]), printers)
    laser = factories.product(session, brand="联想", model="LJ2655DN", title="联想 LJ2655DN A4 黑白激光打印机 双面 有线")
    factories.listing(session, seller, laser, price_fen=LASER_PRICE, stock=200)
    desktop = factories.product(session, factories.DESKTOP, brand="联想", model="M455J7", title="联想 启天 M455J7 台式计算机 16GB 512GB")
    factories.listing(session, seller, desktop, price_fen=DESKTOP_PRICE, stock=50)
    scanner = factories.product(
        session, "A02021118", brand="富士通", model="fi-8170", title="富士通 fi-8170 扫描仪", unit="台", origin=Origin.IMPORTED
    )
    for price in SCANNER_PRICES:
        factories.listing(session, factories.supplier(session), scanner, price_fen=price)


def _database(folder: Path) -> str:
    return Settings(data_dir=folder).database


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALL_")}
    return kept | {"MALL_DATA_DIR": str(folder), "MALL_DEMO_TRAFFIC": "0", "MALL_WEB_WORKERS": "1", "MALL_OUTGOING_LOOPBACK": "1"} | more


def _mall(folder: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "mall", *words], cwd=ROOT, env=_environment(folder), capture_output=True, text=True
    )
    assert done.returncode == 0, f"mall {' '.join(words)}: {done.stdout}{done.stderr}"


class Product:
    """The product on a port of its own, over a copy of a prepared folder; both processes end with it."""

    def __init__(self, prepared: Path, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.engine = make_engine(_database(folder))
        self.children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        settings = Settings(data_dir=self.folder, port=self.port, web_workers=1)
        environment = _environment(self.folder, MALL_PORT=str(self.port), MALL_BASE_URL=self.address)
        for name, command in (("web", process.web_command(settings)), ("worker", process.worker_command())):
            with (self.folder / f"{name}.log").open("wb") as log:
                self.children.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        try:
            assert process.wait_until_served(settings), (self.folder / "web.log").read_text()[-4000:]
            self._wait_for_the_log()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for child, how in zip(self.children, (signal.SIGQUIT, signal.SIGTERM), strict=False):
            child.send_signal(how)  # the web server need not wait for streams that are still open
        for child in self.children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.engine.dispose()

    def _wait_for_the_log(self) -> None:
        """Until the worker has sealed what was prepared, so that pages show their receipts."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                answer = httpx.get(f"{self.address}/log/checkpoint", timeout=10)
                sealed = int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0
                if sealed >= self.ask(lambda s: s.scalar(select(func.count()).select_from(Event))):
                    return
            time.sleep(0.2)
        raise AssertionError("".join((self.folder / name).read_text()[-3000:] for name in ("web.log", "worker.log")))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session on the product's database."""
        with Session(self.engine) as session:
            yield session

    def ask(self, question: Any) -> Any:
        """Answer one question about the database."""
        with Session(self.engine) as session:
            return question(session)

    def cookie(self, login: str) -> str:
        """A real session of this person, opened without the sign-in page."""
        with Session(self.engine) as session, commit(session):
            return sessions.open_for(session, session.scalars(select(Person.id).where(Person.login == login)).one())

    def order_in(self, state: State) -> Order:
        """The newest order in this state."""
        return self.ask(lambda s: s.scalars(select(Order).where(Order.state == state).order_by(Order.id.desc()).limit(1)).one())

    def staff(self, organisation_id: int, role: Role) -> str:
        """The login of whoever holds the role there."""
        query = select(Person.login).join(Post, Post.person_id == Person.id).where(Person.organisation_id == organisation_id, Post.role == role)
        return self.ask(lambda s: s.scalars(query.order_by(Person.id).limit(1)).one())
