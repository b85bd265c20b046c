"""The order transaction with nothing around it: what placing an order is measured against.

A guarded reservation on two controls, an order, five lines, two moves, an event and its place in the outbox.
"""

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.kernel.db import commit, make_engine

Int = BigInteger().with_variant(Integer, "sqlite")
schema = MetaData()

goods = Table(
    "goods", schema,
    Column("id", Int, primary_key=True), Column("title", String(200)), Column("price_fen", Int), Column("stock", Int),
)
controls = Table(
    "controls", schema,
    Column("id", Int, primary_key=True), Column("amount_fen", Int), Column("reserved_fen", Int),
    CheckConstraint("reserved_fen <= amount_fen", name="covered"),
)
orders = Table(
    "orders", schema,
    Column("id", Int, primary_key=True), Column("number", String(40), unique=True), Column("state", String(20)), Column("total_fen", Int),
)
lines = Table(
    "order_lines", schema,
    Column("id", Int, primary_key=True), Column("order_id", ForeignKey("orders.id"), index=True), Column("title", String(200)),
    Column("quantity", Int), Column("price_fen", Int),
)
moves = Table(
    "moves", schema,
    Column("id", Int, primary_key=True), Column("key", String(80), unique=True), Column("control_id", ForeignKey("controls.id")),
    Column("amount_fen", Int),
)
events = Table(
    "events", schema,
    Column("id", Int, primary_key=True), Column("stream", String(40)), Column("version", Int), Column("type", String(40)),
    Column("body", Text),
)

outbox = Table(
    "outbox", schema,
    Column("id", Int, primary_key=True), Column("event_id", ForeignKey("events.id"), index=True), Column("consumer", String(40)),
    Column("done", Boolean),
)

def _good(number: int) -> dict[str, Any]:
    return {"title": f"激光打印机 双面 A4 高速 型号{number}", "price_fen": 90000 + number * 137, "stock": number % 90}


def fill(url: str, *, controls_count: int = 64) -> None:
    """Make the yardstick's own tables and rows."""
    engine = make_engine(url)
    schema.create_all(engine)
    with Session(engine) as session, commit(session):
        session.execute(insert(goods), [_good(number) for number in range(2000)])
        session.execute(insert(controls), [{"amount_fen": 10**15, "reserved_fen": 0} for _ in range(controls_count)])
    engine.dispose()


def trade(engine: Engine, number: str, pair: tuple[int, int]) -> None:
    """The order transaction and nothing else."""
    with Session(engine) as session, commit(session):
        list(session.execute(select(goods.c.id, goods.c.price_fen, goods.c.stock).where(goods.c.id.in_(range(1, 6)))))
        order = session.scalars(insert(orders).values(number=number, state="placed", total_fen=5_000_00).returning(orders.c.id)).one()
        session.execute(insert(lines), [
            {"order_id": order, "title": f"办公椅 第{line}种", "quantity": 1, "price_fen": 1_000_00} for line in range(5)
        ])
        session.execute(insert(moves), [{"key": f"{number}:{control}", "control_id": control, "amount_fen": 5_000_00} for control in pair])
        event = insert(events).values(stream=number, version=1, type="order.placed", body='{"total_fen":500000}').returning(events.c.id)
        session.execute(insert(outbox).values(event_id=session.scalars(event).one(), consumer="all", done=False))
        for control in sorted(pair):
            session.execute(
                update(controls).where(controls.c.id == control, controls.c.amount_fen - controls.c.reserved_fen >= 5_000_00)
                .values(reserved_fen=controls.c.reserved_fen + 5_000_00).returning(controls.c.id),
            ).scalar_one()


def trades_per_second(url: str, *, clients: int, seconds: float, controls_count: int = 64) -> float:
    """How many bare transactions so many client processes finish in a second."""
    context = multiprocessing.get_context("spawn")
    barrier, counts = context.Barrier(clients), context.Array("q", clients)
    processes = [context.Process(target=_client, args=(url, n, barrier, counts, seconds, controls_count)) for n in range(clients)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a client of the yardstick failed")
    return sum(counts[:]) / seconds


def _client(url: str, number: int, barrier: Any, counts: Any, seconds: float, controls_count: int) -> None:
    engine = make_engine(url)
    run = f"{os.getpid()}-{time.time_ns()}"
    trade(engine, f"{run}-first", (1, 2))
    barrier.wait()
    finished, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        first = (number * 7 + finished) % (controls_count - 1) + 1
        trade(engine, f"{run}-{finished}", (first, first + 1))
        finished += 1
    counts[number] = finished
    engine.dispose()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'yardstick.sqlite'}"
