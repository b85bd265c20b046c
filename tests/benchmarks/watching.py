"""Line 7: what an order costs with supervision, beside the same shop composed without it."""

from collections.abc import Iterator

from flask import Flask

from tests.benchmarks.effort import Effort
from tests.benchmarks.load import middle, parts, times
from tests.benchmarks.place_order import place, warm
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World


def shop() -> Flask:
    """The product without its upper storey."""
    from wsgi import SHOP, create_app

    return create_app(storeys=(SHOP,))


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """CPU of the server's processes and the database's until the order is answered; both serve the same database."""
    with world.mall() as house, world.mall("tests.benchmarks.watching:shop()") as alone:
        for mall in (house, alone):
            warm(world, mall)
        ours, theirs = effort.turns(
            f"line 7, {world.database}",
            lambda: place(world, house, world.buyers, effort.requests, clients=1),
            lambda: place(world, alone, world.buyers, effort.requests, clients=1),
        )
    yield Figure(
        line=7, name="place-order CPU, with supervision / without it", database=world.database, unit="CPU-ms", better="lower", must=1.3, aim=1.15,
        ours=middle(ours, lambda leg: leg.cpu_ms), yardstick=middle(theirs, lambda leg: leg.cpu_ms),
        details={
            "with, CPU-ms server + database": parts(ours), "without, CPU-ms server + database": parts(theirs),
            "with, p50 / p95 ms": times(ours), "without, p50 / p95 ms": times(theirs),
        },
    )  # fmt: skip
