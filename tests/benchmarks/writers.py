"""Line 4: SQLite has one writer at a time. How long the unluckiest of sixteen waits, and whether all get their turn."""

import sys
from collections.abc import Iterator

from tests.benchmarks.effort import Effort
from tests.benchmarks.load import Leg, middle, times, until
from tests.benchmarks.place_order import accepted, submissions, warm
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

WRITERS = 16


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """The worst of all rounds: a slow order is not made up for by others. PostgreSQL has no such queue.

    The two processes listen at a port each, with eight connections: how a server deals connections out to its processes is not the question.
    """
    if world.database != "sqlite":
        return
    legs: list[Leg] = []
    with world.mall(workers=1, threads=WRITERS // 2) as one, world.mall(workers=1, threads=WRITERS // 2) as other:
        warm(world, (one, other), WRITERS)
        for number in range(1, effort.rounds + 1):
            effort.tell(f"line 4, sqlite: round {number} of {effort.rounds}")
            orders = until(effort.seconds, submissions(world.buyers, sys.maxsize))
            legs.append(accepted(world.load((one, other), orders, clients=WRITERS), world))
    unfair = min(legs, key=lambda leg: leg.share)
    counts = [len(client) for client in unfair.clients]
    yield Figure(
        line=4, name="slowest order of 16 writers", database=world.database, unit="s", better="lower", must=0.5, aim=0.2,
        ours=max(leg.slowest_ms for leg in legs) / 1000,
        details={"p50 / p95 ms": times(legs), "orders/s": f"{middle(legs, lambda leg: leg.per_second):.0f}"},
    )  # fmt: skip
    yield Figure(
        line=4, name="smallest / largest share of 16 writers", database=world.database, unit="orders", better="higher", must=0.5, aim=0.5,
        ours=min(counts), yardstick=max(counts), details={"orders of each writer": " ".join(map(str, sorted(counts)))},
    )  # fmt: skip
