"""Line 1: what a search page costs, beside a bare page with one query of like length."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from tests.benchmarks import bare_page
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import Request, cycle, middle, parts, times
from tests.benchmarks.processes import Server
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

WORDS = ("打印机", "笔记本", "办公椅", "复印纸", "显示器", "硒鼓", "投影仪", "空调")
PAGES = tuple(Request(f"/search?q={quote(word)}") for word in WORDS)
CONNECTIONS = 16
BARE = tuple(Request(f"/?q={quote(word)}") for word in bare_page.WORDS)
BAREST = tuple(Request(f"/barest{request.path[1:]}") for request in BARE)


def measure(world: World, effort: Effort) -> Iterator[Figure]:
    """CPU of server and database, one client; medians of all legs."""
    with world.mall() as mall, world.bare_page(warm(world, mall)) as yard:
        warm(world, yard, BARE)
        ours, theirs = effort.turns(
            f"line 1, {world.database}",
            lambda: world.load(mall, cycle(PAGES, effort.requests)),
            lambda: world.load(yard, cycle(BARE, effort.requests)),
        )
        warm(world, yard, BAREST)
        barest = world.load(yard, cycle(BAREST, effort.requests))
    sizes = middle(ours, lambda leg: leg.bytes), middle(theirs, lambda leg: leg.bytes)
    yield Figure(
        line=1, name="search page CPU / bare page with one query", database=world.database,
        unit="CPU-ms", better="lower", must=2.0, aim=1.5,
        ours=middle(ours, lambda leg: leg.cpu_ms), yardstick=middle(theirs, lambda leg: leg.cpu_ms),
        details={
            "ours, CPU-ms server + database": parts(ours), "yardstick, CPU-ms server + database": parts(theirs),
            "the barest page, CPU-ms": f"{barest.cpu_ms:.2f}",
            "ours, p50 / p95 ms": times(ours), "yardstick, p50 / p95 ms": times(theirs),
            "bytes": f"{sizes[0]:.0f} / {sizes[1]:.0f}" + ("" if abs(sizes[0] / sizes[1] - 1) <= 0.3 else " (MORE THAN 30 % APART)"),
        },
    )  # fmt: skip


def warm(world: World, mall: Server, pages: Sequence[Request] = PAGES) -> int:
    """Let every thread have its connection to the database, with its prepared statements; how many bytes a page has."""
    first = world.load(mall, cycle(pages, 12 * CONNECTIONS), clients=CONNECTIONS)
    if set(first.statuses) != {200}:
        raise RuntimeError(f"the page answered {first.statuses}")
    return first.bytes
