"""Line 2: orders placed over HTTP at eight connections, beside the bare transaction with eight clients on the same server."""

import json
import statistics
import uuid
from collections.abc import Iterator, Sequence

from tests.benchmarks import yardstick
from tests.benchmarks.crowd import Buyer
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import Leg, Request, Requests, middle, parts, times
from tests.benchmarks.processes import Server
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

CLIENTS = 8
PATH = "/api/v1/submissions"


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """Medians of all legs. Every order must be accepted."""
    with world.mall() as mall:
        warm(world, mall)
        ours, bare = effort.turns(
            f"line 2, {world.database}",
            lambda: place(world, mall, world.buyers, effort.requests, clients=CLIENTS),
            lambda: yardstick.trades_per_second(world.yardstick_url, clients=CLIENTS, seconds=effort.seconds),
        )
    yield Figure(
        line=2, name="place-order POST/s / bare transaction", database=world.database, unit="orders/s", better="higher", must=0.35, aim=0.6,
        ours=middle(ours, lambda leg: leg.per_second), yardstick=statistics.median(bare),
        details={"ours, CPU-ms server + database": parts(ours), "ours, p50 / p95 ms": times(ours)},
    )  # fmt: skip


def warm(world: World, malls: Server | Sequence[Server], clients: int = 2 * CLIENTS) -> None:
    """Let every thread have its connection to the database, and every connection its prepared statements."""
    place(world, malls, world.buyers, 12 * clients, clients=clients)


def place(world: World, malls: Server | Sequence[Server], buyers: Sequence[Buyer], orders: int, *, clients: int) -> Leg:
    """Let so many connections submit so many orders of five lines from one supplier."""
    return accepted(world.load(malls, submissions(buyers, orders), clients=clients), world)


def accepted(leg: Leg, world: World) -> Leg:
    """The same leg, if every order in it was accepted. Raises RuntimeError with what the server had to say."""
    if set(leg.statuses) != {201}:
        told = (world.folder / "mall.log").read_text(errors="replace")
        raise RuntimeError(f"placing orders was answered by {leg.statuses}\n{told[max(told.find('Traceback'), 0):][:6000]}")
    return leg


def submissions(buyers: Sequence[Buyer], total: int) -> Requests:
    """What the buyers send, in turn, each with a key of its own; all but the key is written before the clock runs."""
    taken = iter(range(total))
    written = [
        (json.dumps({"lines": buyer.lines}).encode(), {"Authorization": f"Bearer {buyer.token}", "Content-Type": "application/json"})
        for buyer in buyers
    ]

    def take() -> Request | None:
        number = next(taken, None)
        if number is None:
            return None
        body, headers = written[number % len(written)]
        return Request(PATH, body, headers | {"Idempotency-Key": uuid.uuid4().hex})

    return take
