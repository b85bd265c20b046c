"""Line 3: orders of one unit that all draw on one budget, beside the same orders with a budget for each buyer."""

from collections.abc import Iterator

from tests.benchmarks import crowd
from tests.benchmarks.crowd import Buyer
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import Leg, middle, parts, times
from tests.benchmarks.place_order import place, warm
from tests.benchmarks.processes import Server
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

CLIENTS = 16


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """Each leg has a unit of its own, with a buyer for each client: the checks of an order read what the unit bought in the last weeks."""
    with world.mall(threads=CLIENTS // 2) as mall:
        warm(world, mall, CLIENTS)
        hot, many = effort.turns(
            f"line 3, {world.database}",
            lambda: _leg(world, mall, crowd.seat_together(world.mall_url, CLIENTS)[0], effort.requests),
            lambda: _leg(world, mall, crowd.seat_together(world.mall_url, CLIENTS)[1], effort.requests),
        )
    yield Figure(
        line=3, name="orders/s, one hot budget / many budgets", database=world.database, unit="orders/s", better="higher", must=0.5, aim=0.8,
        ours=middle(hot, lambda leg: leg.per_second), yardstick=middle(many, lambda leg: leg.per_second),
        details={
            "one budget, CPU-ms server + database": parts(hot), "many budgets, CPU-ms server + database": parts(many),
            "one budget, p50 / p95 ms": times(hot), "many budgets, p50 / p95 ms": times(many),
        },
    )  # fmt: skip


def _leg(world: World, mall: Server, buyers: list[Buyer], orders: int) -> Leg:
    return place(world, mall, buyers, orders, clients=CLIENTS)
