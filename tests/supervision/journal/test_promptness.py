"""How soon an event stands under a signed checkpoint, while fifty orders a second come in and the product's own worker runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.config import Settings
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from orders.purchases import submission
from orders.purchases.queries import Wish
from supervision.journal import service as log
from supervision.journal.tables import Checkpoint, Leaf
from tests.orders.visits import Shop
from tests.peers import ROOT

RATE, ORDERS = 50, 700
LIMIT = timedelta(seconds=2)


@contextmanager
def worker(settings: Settings, said: Path) -> Iterator[None]:
    """The job worker as `mall serve` starts it: a process of its own, with every consumer and timer."""
    environment = {**os.environ, "MALL_DATA_DIR": str(settings.data_dir), "MALL_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mall", "worker"]
    with said.open("w") as output, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def delays(shop: Shop, after: int) -> list[timedelta]:
    """For every event after this one: from its record to the checkpoint that first covered it."""
    with shop.session() as session:
        covered = select(Leaf.event_id, func.min(Checkpoint.size).label("size")).join(Checkpoint, Checkpoint.size > Leaf.idx).group_by(Leaf.event_id).subquery()
        rows = session.execute(
            select(Event.at, Checkpoint.at)
            .join(covered, covered.c.event_id == Event.id)
            .join(Checkpoint, Checkpoint.size == covered.c.size)
            .where(Event.id > after)
        ).all()
        assert len(rows) == session.scalar(select(func.count()).select_from(Event).where(Event.id > after))
    return sorted(signed - at for at, signed in rows)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.both_databases
def test_at_fifty_orders_a_second_99_of_100_events_are_signed_within_two_seconds(database_url, tmp_path, capsys):
    from app.web.extensions import db
    from wsgi import create_app

    settings = Settings(data_dir=tmp_path / "mall", database_url=database_url)
    app = create_app(settings)
    shop = Shop(app, database_url)
    log.create_key(settings.journal_key_path, settings.journal_origin)
    wish = Wish(listing_id=shop.world.paper.id, quantity=1, seen_price_fen=shop.world.paper.price_fen, plan_line_id=shop.world.lines[1].id, address_id=None)
    buyer = shop.world.actor(Role.BUYER)

    def order(number: int) -> None:
        with shop.session() as session, commit(session):
            submission.submit(session, buyer, [wish], key=f"prompt-{number:05}")

    with worker(settings, tmp_path / "worker.log"):
        order(0)
        until = time.monotonic() + 60
        while not (settings.folder("journal") / "checkpoint").exists():
            assert time.monotonic() < until, (tmp_path / "worker.log").read_text()
            time.sleep(0.1)
        with shop.session() as session:
            after = session.scalar(select(func.max(Event.id))) or 0
        began = time.monotonic()
        for number in range(1, ORDERS + 1):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            order(number)
        rate = ORDERS / (time.monotonic() - began)
        time.sleep(3)
    found = delays(shop, after)
    shop.engine.dispose()
    with app.app_context():
        db.engine.dispose()
    p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
    with capsys.disabled():
        print(f"\n{len(found)} events at {rate:.1f} orders/s: signed after {p50.total_seconds():.2f} s (p50), {p99.total_seconds():.2f} s (p99), {found[-1].total_seconds():.2f} s (longest)")
    assert len(found) >= ORDERS and rate >= 0.95 * RATE
    assert p99 <= LIMIT
