"""Line 2: orders placed over HTTP at eight connections, beside the bare transaction with eight clients on the same server."""

import json
import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence

from tests.benchmarks import yardstick
from tests.benchmarks.crowd import Buyer
from tests.benchmarks.load import Leg, Request, drive, middle
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

CLIENTS = 8
PATH = "/api/v1/submissions"


def measure(world: World, *, rounds: int, orders: int, seconds: float) -> Iterator[Figure]:
    """A-B-A in each round; medians of all legs. Every order must be accepted."""
    ours: list[Leg] = []
    bare: list[float] = []
    with world.mall() as mall:
        place(mall.address, mall.pid, world, 2 * CLIENTS)
        for _ in range(rounds):
            ours.append(place(mall.address, mall.pid, world, orders))
            bare.append(yardstick.trades_per_second(world.yardstick_url, clients=CLIENTS, seconds=seconds))
            ours.append(place(mall.address, mall.pid, world, orders))
    yield Figure(
        line=2, name="place-order POST/s / bare transaction", database=world.database, unit="orders/s", better="higher", must=0.35, aim=0.6,
        ours=middle(ours, lambda leg: leg.per_second), yardstick=statistics.median(bare),
        details={
            "ours, CPU-ms server + database": (
                f"{middle(ours, lambda leg: leg.server_cpu_ms):.2f} + {middle(ours, lambda leg: leg.database_cpu_ms):.2f}"
            ),
            "ours, p50 / p95 ms": f"{middle(ours, lambda leg: leg.p50_ms):.1f} / {middle(ours, lambda leg: leg.p95_ms):.1f}",
            "legs × orders": f"{len(ours)} × {orders}",
        },
    )


def place(address: str, pid: int, world: World, orders: int) -> Leg:
    """Let eight connections submit so many orders of five lines from one supplier."""
    leg = drive(address, submissions(world.buyers, orders), clients=CLIENTS, server_pid=pid, database_pid=world.database_pid)
    if set(leg.statuses) != {201}:
        raise RuntimeError(f"placing orders was answered by {leg.statuses}")
    return leg


def submissions(buyers: Sequence[Buyer], total: int) -> Callable[[], Request | None]:
    """What the buyers send, in turn, each with a key of its own."""
    taken = iter(range(total))

    def take() -> Request | None:
        number = next(taken, None)
        if number is None:
            return None
        buyer = buyers[number % len(buyers)]
        headers = {"Authorization": f"Bearer {buyer.token}", "Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        return Request(PATH, json.dumps({"lines": buyer.lines}).encode(), headers)

    return take
