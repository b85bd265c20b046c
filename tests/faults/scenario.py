"""A short, fixed story without any nemesis, told to the checker: what a seeded defect must not survive.

python -m tests.faults.scenario URL FOLDER [--migrate]      prints the findings as JSON; runs in whatever tree it stands in
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel.db import commit, make_engine
from orders.purchases import submission
from orders.purchases.queries import Wish
from supervision.journal import service as log
from tests import databases, factories
from tests.faults import checker, history, scene
from tests.faults.client import Client
from tests.faults.history import Recorder
from tests.faults.scene import PRICE_FEN, Scene
from tests.orders import steps

ALLOTMENT_FEN = 40_00
WAIT_SECONDS = 10.0


class Here(Client):
    """A client that calls the application in its own process."""

    app: Flask

    def exchange(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        answer = self.app.test_client().post(path, headers=headers, **({} if body is None else {"json": body}))
        return answer.status_code, answer.get_json() or {}


def lines(ground: Scene, desk: int, *pieces: int, plan_line: int = 0) -> list[dict[str, Any]]:
    """A cart of so many pieces of each listing in order."""
    at = ground.desks[desk]
    return [
        {
            "listing_id": int(listing), "quantity": quantity, "seen_price_fen": PRICE_FEN,
            "plan_line_id": at.plan_lines[plan_line], "address_id": at.address_id,
        }
        for listing, quantity in zip(sorted(ground.stocks, key=int), pieces, strict=False)
    ]


def trade(client: Here, ground: Scene) -> None:
    """Carts accepted, repeated, refused, sent with other contents; orders rejected, withdrawn, approved, confirmed."""
    orders: list[tuple[int, dict[str, Any]]] = []
    for number in range(5):
        key, cart = f"story-cart-{number}", lines(ground, number % 2, 1 + number % 2, 2, plan_line=number % 2)
        made = client.submit(key, number % 2, cart) or {}
        client.submit(key, number % 2, cart)
        orders += [(number % 2, order) for order in made.get("orders", ())]
    client.submit_foreign("story-cart-0", 0, lines(ground, 0, 1, 2))
    client.submit("story-too-dear", 0, lines(ground, 0, 39, 39))
    tokens = [ground.desks[desk] for desk, _ in orders]
    for place, action in enumerate(("reject", "withdraw")):
        if place < len(orders):
            token = tokens[place].approver_token if action == "reject" else tokens[place].buyer_token
            client.step(action, orders[place][1], token, {"reason": "本季度不再采购"})
    for place in (2, 3):
        if place < len(orders):
            client.step("approve", orders[place][1], tokens[place].approver_token, {})
    if len(orders) > 2:
        client.step("confirm", orders[2][1], ground.clerks[str(orders[2][1]["supplier_id"])], None)


def overtake(client: Here, ground: Scene, record: Recorder) -> None:
    """Two carts want more than their plan line together; the second is judged while the first is not committed yet.

    SQLite's one writer lets the second wait before it is judged; on PostgreSQL it waits at the guarded update itself.
    """
    desk, engine = 2, make_engine(str(client.scene["url"]))
    first = second = lines(ground, desk, 15)
    for number, cart in enumerate((lines(ground, desk, 1), first)):
        record("invoke", op=f"o.{number}", kind="submit", key=f"story-first-{number}", buyer=ground.desks[desk].buyer_id, lines=cart)
    rival = threading.Thread(target=client.submit, args=("story-second", desk, second))
    with Session(engine) as session:
        buyer = factories.actor(session, session.get_one(Person, ground.desks[desk].buyer_id))
        for number, cart in enumerate((lines(ground, desk, 1), first)):
            with commit(session):
                made = submission.submit(session, buyer, [Wish(**line) for line in cart], key=f"story-first-{number}")
                if number:
                    rival.start()
                    _wait_until_blocked(str(client.scene["url"]))
                told = {"number": made.number, "orders": [{"number": order.number} for order in made.orders]}
            record("ok", op=f"o.{number}", made=told)
    rival.join(60)
    engine.dispose()


def _wait_until_blocked(url: str) -> None:
    engine = make_engine(url)
    until = time.monotonic() + (WAIT_SECONDS if engine.dialect.name == "postgresql" else 0.2)
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while time.monotonic() < until:
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                if connection.scalar(blocked):
                    break
        time.sleep(0.02)
    engine.dispose()


def tell(url: str, folder: Path) -> list[checker.Finding]:
    """The whole story on a migrated database; leaves history, log and key in the folder. Returns what the checker found."""
    from app.web.extensions import db
    from wsgi import create_app

    ground = scene.build(url, units=3, allotment_fen=ALLOTMENT_FEN)
    histories = folder / "history"
    histories.mkdir(parents=True)
    ground.write(folder / "scene.json")
    settings = Settings(data_dir=folder / "data", database_url=url)
    settings.data_dir.mkdir()
    log.create_key(settings.journal_key_path, settings.journal_origin)
    app = create_app(settings)
    record = Recorder(histories / "story.jsonl")
    client = Here("", json.loads((folder / "scene.json").read_text()) | {"url": url}, 0, "story", record)
    client.app = app
    trade(client, ground)
    overtake(client, ground, record)
    record.close()
    engine = make_engine(url)
    with Session(engine, expire_on_commit=False) as session:
        with commit(session):
            world = factories.world(session)
        steps.accepted(session, world, {world.laser: 2})
    worker = app.extensions["mall.worker"]()
    worker.drain()
    found = judge(url, folder)
    with Session(engine) as session:
        found += checker.check_work(session, worker.consumers)
    app.extensions["mall.search"].close()
    engine.dispose()
    with app.app_context():
        db.engine.dispose()
    return found


def judge(url: str, folder: Path, kept: tuple[str, ...] = ()) -> list[checker.Finding]:
    """What the checker says of a story that was told."""
    ground = Scene.read(folder / "scene.json")
    settings = Settings(data_dir=folder / "data", database_url=url)
    told = history.put_together(history.read(folder / "history"))
    engine = make_engine(url)
    with Session(engine) as session:
        found = checker.check_history(session, told, ground)
        found += checker.check_invariants(session)
        found += checker.check_journal(session, settings.data_dir / "journal", log.verifier_at(settings.journal_key_path), kept, folder)
    engine.dispose()
    return found


if __name__ == "__main__":
    if "--migrate" in sys.argv:
        databases.fill(sys.argv[1])
    print(json.dumps([vars(one) for one in tell(sys.argv[1], Path(sys.argv[2]))], ensure_ascii=False))
