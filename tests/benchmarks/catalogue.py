"""Line 6: what a search page costs when the catalogue is ten times as large."""

from collections.abc import Iterator

from tests.benchmarks.effort import Effort
from tests.benchmarks.load import cycle, middle, parts, times
from tests.benchmarks.report import Figure
from tests.benchmarks.search_page import PAGES, warm
from tests.benchmarks.world import World

TIMES = 10


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """Both catalogues are served at the same time from databases of their own; medians of all legs."""
    effort.tell(f"line 6, {world.database}: making the large catalogue")
    with world.grown(TIMES) as large, large.mall() as wide, world.mall() as narrow:
        for served, mall in ((large, wide), (world, narrow)):
            warm(served, mall)
        ours, theirs = effort.turns(
            f"line 6, {world.database}",
            lambda: large.load(wide, cycle(PAGES, effort.requests)),
            lambda: world.load(narrow, cycle(PAGES, effort.requests)),
        )
        offers = f"{large.offers():,} / {world.offers():,}"
    yield Figure(
        line=6, name="search page CPU, 10 × the catalogue / 1 ×", database=world.database, unit="CPU-ms", better="lower", must=1.5, aim=1.2,
        ours=middle(ours, lambda leg: leg.cpu_ms), yardstick=middle(theirs, lambda leg: leg.cpu_ms),
        details={
            "offers": offers,
            "10 ×, CPU-ms server + database": parts(ours), "1 ×, CPU-ms server + database": parts(theirs),
            "10 ×, p50 / p95 ms": times(ours), "1 ×, p50 / p95 ms": times(theirs),
        },
    )  # fmt: skip
