"""Line 8: the product beside another shop that runs on this machine, page for page and order for order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import select

from app.kernel.db import make_engine
from catalog.listings.tables import Listing
from tests.benchmarks import journey
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import Leg, Request, cycle, drive, middle, p95, parts, times
from tests.benchmarks.place_order import place
from tests.benchmarks.place_order import warm as warm_orders
from tests.benchmarks.processes import Server
from tests.benchmarks.report import Figure, Omitted
from tests.benchmarks.search_page import PAGES, warm
from tests.benchmarks.world import World

SEARCH, PRODUCT, ORDER = "search page CPU / a rival's", "product page CPU / a rival's", "place-order p95 / a rival's"
WALKS = 20
"""Orders of one leg, by one client after the other: a journey takes many requests."""


class NotServed(Exception):
    """The rival answered with something else than a page."""


@dataclass(frozen=True)
class Rival:
    """Another shop: where it is, the processes whose families do its work, and what to ask of it."""

    url: str = ""
    pids: tuple[int, ...] = ()
    search: str = ""
    product: str = ""
    orders: Path | None = None

    def missing(self, wanted: str) -> str:
        """Which option would be needed for a figure; empty when all are given."""
        needed: dict[str, tuple[tuple[str, object], ...]] = {
            SEARCH: (("--peer-pid", self.pids), ("--peer-search", self.search)),
            PRODUCT: (("--peer-pid", self.pids), ("--peer-product", self.product)),
            ORDER: (("--peer-orders", self.orders),),
        }
        return ", ".join(option for option, given in (("--peer-url", self.url), *needed[wanted]) if not given)

    def page(self, path: str, requests: int) -> Leg:
        """One client asks for a page so often. Raises NotServed."""
        leg = drive([self.url], cycle([Request(path)], requests), clients=1, server_pids=self.pids)
        if set(leg.statuses) != {200}:
            raise NotServed(f"{path} was answered by {leg.statuses}")
        return leg

    def order_ms(self, orders: int) -> float:
        """95 of 100 times the step that places an order takes no longer. Raises journey.StepRefused."""
        steps = journey.recorded(self.orders or Path())
        return p95(sorted(journey.walk(self.url, steps)[-1] for _ in range(orders)))


def measure(world: World, effort: Effort, rival: Rival) -> Iterator[Figure | Omitted]:
    """What cannot be measured is left out, and says why."""
    if not rival.url:
        for name in (SEARCH, PRODUCT, ORDER):
            yield Omitted(8, name, world.database, "no --peer-url was given")
        return
    with world.mall() as mall:
        for name, one in (
            (SEARCH, lambda: _page(world, mall, effort, rival, SEARCH, PAGES, rival.search)),
            (PRODUCT, lambda: _page(world, mall, effort, rival, PRODUCT, _products(world), rival.product)),
            (ORDER, lambda: _order(world, mall, effort, rival)),
        ):
            yield _or_why(world, rival, name, one)


def _or_why(world: World, rival: Rival, name: str, measured: Callable[[], Figure]) -> Figure | Omitted:
    if missing := rival.missing(name):
        return Omitted(8, name, world.database, f"{missing} not given")
    try:
        return measured()
    except (NotServed, journey.StepRefused, OSError) as failure:
        return Omitted(8, name, world.database, str(failure))


def _page(world: World, mall: Server, effort: Effort, rival: Rival, name: str, pages: tuple[Request, ...], path: str) -> Figure:
    warm(world, mall, pages)
    rival.page(path, 10)
    ours, theirs = effort.turns(
        f"line 8, {name}, {world.database}",
        lambda: world.load(mall, cycle(pages, effort.requests)),
        lambda: rival.page(path, effort.requests),
    )
    must, aim = (1 / 6, 1 / 12) if name == SEARCH else (1 / 5, 1 / 8)
    return Figure(
        line=8, name=name, database=world.database, unit="CPU-ms", better="lower", must=must, aim=aim,
        ours=middle(ours, lambda leg: leg.cpu_ms), yardstick=middle(theirs, lambda leg: leg.cpu_ms),
        details={
            "ours, CPU-ms server + database": parts(ours), "ours, p50 / p95 ms": times(ours), "the rival's, p50 / p95 ms": times(theirs),
            "bytes": f"{middle(ours, lambda leg: leg.bytes):.0f} / {middle(theirs, lambda leg: leg.bytes):.0f}",
        },
    )  # fmt: skip


def _order(world: World, mall: Server, effort: Effort, rival: Rival) -> Figure:
    warm_orders(world, mall)
    rival.order_ms(1)
    ours, theirs = effort.turns(
        f"line 8, {ORDER}, {world.database}",
        lambda: place(world, mall, world.buyers, effort.requests, clients=1).p95_ms,
        lambda: rival.order_ms(WALKS),
    )
    return Figure(
        line=8, name=ORDER, database=world.database, unit="ms", better="lower", must=1 / 6, aim=1 / 10, ours=median(ours), yardstick=median(theirs),
        details={"requests of the rival's journey": str(len(journey.recorded(rival.orders or Path())))},
    )  # fmt: skip


def _products(world: World) -> tuple[Request, ...]:
    """The pages of some products."""
    engine = make_engine(world.mall_url)
    with engine.connect() as connection:
        found = connection.scalars(select(Listing.product_id).distinct().order_by(Listing.product_id).limit(8)).all()
    engine.dispose()
    return tuple(Request(f"/products/{product}") for product in found)
