"""`make bench-import`: a supplier brings 50,000 listings in a workbook while buyers look at product pages.

Prints how long the check of the whole file and the writing take, what product pages cost meanwhile against what they cost idle, how much
of the processors programs of others took, and the most memory the worker took. A neighbour slows pages too, and neighbours come and go:
so the worker is held (SIGSTOP) for some seconds again and again, and what pages cost in these breaks is the idle value beside which they
stand; breaks do not count as time of the import. On SQLite and, where it is installed, on PostgreSQL. Exits with 1 when a must is missed.
"""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.people.tables import Person
from app.kernel import sheets
from app.kernel.db import make_engine
from app.kernel.xlsx_writing import Figure, Head, Sheet, written
from catalog.listings.tables import Listing
from tests.benchmarks.load import p95
from tests.benchmarks.processes import TICK_MS, Server, background, cpu_ms
from tests.benchmarks.world import World, world
from tests.peers import ROOT, postgresql_bin

HEADS = ("货号", "品目编码", "品牌", "型号", "商品名称", "销售单位", "单价（元）", "库存", "承诺送达（日）", "质保（月）", "规格参数")
CATEGORIES = ("A02021007", "A02010107", "A02020400")
LISTER, PASSWORD = "lister.s01", "training-mall-2026"
MOST_S, MOST_RATIO = 150.0, 3.0
AT_WORK_S, BREAK_S, SETTLING_S = 6.0, 4.0, 0.3
"""How long the worker works and is held in turn, and what of a break is not counted."""


def workbook(rows: int, bad: int) -> bytes:
    """So many offers, of which every so-many-th has a price that is none."""
    every = rows // bad if bad else rows + 1
    cells = (
        [
            f"BENCH-{n:06d}", CATEGORIES[n % 3], "奔图", f"BX{n:06d}", f"奔图 BX{n:06d} 办公设备 {n % 97}", "台",
            "面议" if n % every == every - 1 else Figure(f"{100 + n % 900}.50"), Figure(n % 200), Figure(3), Figure(12), f"幅面：A4\n速度：{n % 60}",
        ]
        for n in range(rows)
    )  # fmt: skip
    return b"".join(written([Sheet("商品", [Head(head) for head in HEADS], cells)]))


@dataclass
class Watch:
    """Asks for product pages one after the other, and for the worker's memory, until it is told to stop; holds the worker meanwhile."""

    server: Server
    paths: list[str]
    worker: int
    database: int | None
    times_ms: list[float] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)
    is_held: bool | None = False
    held_s: float = 0.0
    most_mib: float = 0.0
    page_cpu_ms: float = 0.0
    others_percent: float = 0.0

    def run(self, stopping: threading.Event) -> None:
        with httpx.Client(base_url=self.server.address, timeout=60, trust_env=False) as client:
            while not stopping.is_set():
                before, held = time.perf_counter(), self.is_held
                answer = client.get(self.paths[(len(self.times_ms) + len(self.idle_ms)) % len(self.paths)])
                if held is not None and held is self.is_held:
                    (self.idle_ms if held else self.times_ms).append((time.perf_counter() - before) * 1000)
                if answer.status_code != 200:
                    raise RuntimeError(f"{answer.url} was answered by {answer.status_code}")
                self.most_mib = max(self.most_mib, _memory_mib(self.worker))
                stopping.wait(0.02)

    def hold(self, stopping: threading.Event) -> None:
        """Let the worker work and hold it, in turn; it works when this ends."""
        while not stopping.wait(AT_WORK_S):
            begun, self.is_held = time.perf_counter(), None
            os.kill(self.worker, signal.SIGSTOP)
            try:
                if not stopping.wait(SETTLING_S):
                    self.is_held = True
                    stopping.wait(BREAK_S)
            finally:
                self.is_held = None
                os.kill(self.worker, signal.SIGCONT)
            self.is_held = False
            self.held_s += time.perf_counter() - begun

    @property
    def p95(self) -> float:
        return p95(sorted(self.times_ms))

    @property
    def idle_p95(self) -> float:
        return p95(sorted(self.idle_ms))

    @property
    def ratio(self) -> float:
        return self.p95 / self.idle_p95

    @property
    def used_ms(self) -> float:
        """Processor time of everything that belongs to this run."""
        return cpu_ms(self.server.pid, self.worker, os.getpid(), *([self.database] if self.database else []))


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    stopping = threading.Event()
    threads = [threading.Thread(target=each, args=(stopping,)) for each in (watch.run, watch.hold)]
    begun, used, busy, pages = time.perf_counter(), watch.used_ms, _busy_ms(), cpu_ms(watch.server.pid)
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    available = (time.perf_counter() - begun) * 1000 * (os.cpu_count() or 1)
    watch.others_percent = max(0.0, (_busy_ms() - busy) - (watch.used_ms - used)) / available * 100
    watch.page_cpu_ms = (cpu_ms(watch.server.pid) - pages) / len(watch.times_ms + watch.idle_ms)


def _busy_ms() -> float:
    """Processor time that this machine has spent since its start, with what its host took away."""
    user, nice, system, _, _, interrupts, soft, stolen = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) * TICK_MS


def _memory_mib(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


class Supplier:
    """Somebody at the pages of import, over HTTP."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = httpx.Client(base_url=server.address, timeout=120, trust_env=False, follow_redirects=True)
        page = self.client.get("/sign-in").text
        self.client.post("/sign-in", data={"csrf_token": token(page), "login": LISTER, "password": PASSWORD})
        self.address = ""

    def upload(self, content: bytes) -> float:
        begun = time.perf_counter()
        page = self.client.get("/bulk/listings").text
        answer = self.client.post("/bulk/listings", data={"csrf_token": token(page)}, files={"file": ("商品.xlsx", BytesIO(content))})
        self.address = answer.url.path
        if "/jobs/" not in self.address:
            raise RuntimeError(answer.text[-2000:])
        return time.perf_counter() - begun

    def step(self, step: str) -> float:
        """Take a step and wait until the worker is through. Returns the seconds."""
        page = self.client.get(self.address).text
        chosen = dict(re.findall(r'name="(column-\d+)"(?:(?!</select>).)*?value="([^"]+)" selected', page, re.DOTALL)) if step == "check" else {}
        begun = time.perf_counter()
        answer = self.client.post(f"{self.address}/{step}", data={"csrf_token": token(page), **chosen})
        if answer.status_code != 200:
            raise RuntimeError(answer.text[-2000:])
        while 'hx-trigger="every 1s"' in self.client.get(self.address, headers={"HX-Request": "true"}).text:
            time.sleep(0.5)
        return time.perf_counter() - begun

    def failed(self) -> bytes:
        answer = self.client.get(f"{self.address}/failed.xlsx")
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.url} was answered by {answer.status_code}:\n{self.server.log.read_text()[-3000:]}")
        return answer.content


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if found is None:
        raise RuntimeError("a page without a form")
    return found[1]


def facts(made: World) -> tuple[list[str], int]:
    """Addresses of some product pages, and how many listings of the benchmark there are."""
    engine = make_engine(made.mall_url)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Person).where(Person.login == LISTER))
        products = session.scalars(select(Listing.product_id).distinct().order_by(Listing.product_id).limit(20))
        found = [f"/products/{each}" for each in products], session.scalar(select(func.count()).where(Listing.sku.startswith("BENCH-"))) or 0
    engine.dispose()
    return found


def measure(made: World, rows: int, bad: int) -> dict[str, object]:
    """One import from the upload to the last row, with the site watched, and the corrected rows after it."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mall", "worker"]
    with made.mall() as server, background(command, made.environment, made.folder / "worker.log") as worker:
        paths, _ = facts(made)
        content = workbook(rows, bad)
        supplier = Supplier(server)
        fresh = lambda: watching(Watch(server, paths, worker, made.database_pid))
        with fresh() as idle:
            time.sleep(AT_WORK_S)  # warms threads and pages
        upload_s = supplier.upload(content)
        with fresh() as checking:
            check_s = supplier.step("check")
        with fresh() as writing:
            write_s = supplier.step("write")
        with fresh() as following:
            time.sleep(4 * (AT_WORK_S + BREAK_S))  # index, journal and notices follow what was written
        failed = supplier.failed()
        _, there = facts(made)
        if there != rows - bad:
            raise RuntimeError(f"{there} listings were written instead of {rows - bad}")
        begun = time.perf_counter()
        supplier.upload(corrected(failed))
        supplier.step("check")
        if bad:
            supplier.step("write")
        retry_s = time.perf_counter() - begun
        _, there = facts(made)
        if there != rows:
            raise RuntimeError(f"{there} listings stand after the retry instead of {rows}")
    check_s, write_s = check_s - checking.held_s, write_s - writing.held_s
    busy = {"checking": checking, "writing": writing, "following": following}
    return {
        "database": made.database, "rows": rows, "bad cells": bad, "file MiB": round(len(content) / 2**20, 1),
        "upload s": round(upload_s, 1), "check s": round(check_s, 1), "write s": round(write_s, 1), "retry of the failed rows s": round(retry_s, 1),
        **{f"p95 {name} ms": round(leg.p95, 1) for name, leg in busy.items()},
        **{f"p95 idle beside {name} ms": round(leg.idle_p95, 1) for name, leg in busy.items()},
        **{f"{name} / idle": round(leg.ratio, 2) for name, leg in busy.items()},
        "CPU per page idle ms": round(idle.page_cpu_ms, 1), "CPU per page writing ms": round(writing.page_cpu_ms, 1),
        **{f"others' CPU {name} %": round(leg.others_percent) for name, leg in busy.items()},
        "worker's most MiB": round(writing.most_mib), "worker's most MiB before": round(idle.most_mib),
        "within bounds": max(check_s, write_s) < MOST_S and all(leg.ratio <= MOST_RATIO for leg in busy.values()),
    }  # fmt: skip


def corrected(failed: bytes) -> bytes:
    """The workbook of failed rows with a price in every row, its reasons left where they are."""
    first, *rows = (line.cells for line in sheets.lines(BytesIO(failed)))
    mended = ([Figure("100.50") if cell == "面议" else cell for cell in row] for row in rows)
    return b"".join(written([Sheet("商品", [Head(head) for head in first], mended)]))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench-import", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--bad", type=int, default=1_000, help="cells that are wrong")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-results")
    options = parser.parse_args(arguments)
    results = []
    for database in options.databases.split(","):
        if database == "postgresql" and postgresql_bin() is None:
            print("no PostgreSQL server is installed: its figures are left out")
            continue
        with world(database, "small") as made:
            results.append(measure(made, options.rows, options.bad))
        for name, value in results[-1].items():
            print(f"{name:>28}  {value}", flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"import-{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(results, ensure_ascii=False, indent=1))
    return 0 if all(result["within bounds"] for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
