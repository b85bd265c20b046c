"""Line 1: what a search page costs, beside a bare page with one query of like length."""

from collections.abc import Iterator
from urllib.parse import quote

from tests.benchmarks.load import Leg, Request, cycle, drive, middle
from tests.benchmarks.report import Figure
from tests.benchmarks.world import World

WORDS = ("打印机", "笔记本", "办公椅", "复印纸", "显示器", "硒鼓", "投影仪", "空调")
PATH = "/search"


def measure(world: World, *, rounds: int, requests: int) -> Iterator[Figure]:
    """A-B-A in each round; medians of all legs; CPU of server and database."""
    pages = [Request(f"{PATH}?q={quote(word)}") for word in WORDS]
    bare = [Request(f"/?q={quote(word)}") for word in ("打印机", "电脑", "椅子", "纸")]
    with world.mall() as mall:
        first = drive(mall.address, cycle(pages, 2 * len(pages)), clients=1, server_pid=mall.pid)
        if set(first.statuses) != {200}:
            raise RuntimeError(f"the search page answered {first.statuses}")
        with world.bare_page(first.bytes) as yard:
            drive(yard.address, cycle(bare, 40), clients=1, server_pid=yard.pid)
            ours: list[Leg] = []
            theirs: list[Leg] = []
            for _ in range(rounds):
                for legs, server, wanted in ((ours, mall, pages), (theirs, yard, bare), (ours, mall, pages)):
                    take = cycle(wanted, requests)
                    legs.append(drive(server.address, take, clients=1, server_pid=server.pid, database_pid=world.database_pid))
    sizes = middle(ours, lambda leg: leg.bytes), middle(theirs, lambda leg: leg.bytes)
    yield Figure(
        line=1, name="search page CPU / bare page with one query", database=world.database,
        unit="CPU-ms", better="lower", must=2.0, aim=1.5,
        ours=middle(ours, lambda leg: leg.cpu_ms), yardstick=middle(theirs, lambda leg: leg.cpu_ms),
        details={
            "ours, CPU-ms server + database": _parts(ours), "yardstick, CPU-ms server + database": _parts(theirs),
            "ours, p50 / p95 ms": _times(ours), "yardstick, p50 / p95 ms": _times(theirs),
            "bytes": f"{sizes[0]:.0f} / {sizes[1]:.0f}" + ("" if abs(sizes[0] / sizes[1] - 1) <= 0.3 else " (MORE THAN 30 % APART)"),
            "legs × requests": f"{len(ours)} + {len(theirs)} × {requests}",
        },
    )


def _parts(legs: list[Leg]) -> str:
    return f"{middle(legs, lambda leg: leg.server_cpu_ms):.2f} + {middle(legs, lambda leg: leg.database_cpu_ms):.2f}"


def _times(legs: list[Leg]) -> str:
    return f"{middle(legs, lambda leg: leg.p50_ms):.1f} / {middle(legs, lambda leg: leg.p95_ms):.1f}"
