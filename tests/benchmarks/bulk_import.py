"""`make bench-import`: a supplier brings 50,000 listings in a workbook while buyers look at product pages.

Prints how long the check of the whole file and the writing take, what the pages cost meanwhile and idle, and the most memory the worker took.
"""

import argparse
import json
import re
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
from app.kernel.db import make_engine
from app.kernel.xlsx_writing import Figure, Head, Sheet, written
from catalog.listings.tables import Listing
from tests.benchmarks.processes import Server, background
from tests.benchmarks.world import World, world
from tests.peers import ROOT, postgresql_bin

HEADS = ("货号", "品目编码", "品牌", "型号", "商品名称", "销售单位", "单价（元）", "库存", "承诺送达（日）", "质保（月）", "规格参数")
CATEGORIES = ("A02021007", "A02010107", "A02020400")
LISTER, PASSWORD = "lister.s01", "training-mall-2026"
MOST_S, MOST_RATIO = 150.0, 3.0


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
    """Asks for product pages one after the other, and for the worker's memory, until it is told to stop."""

    server: Server
    paths: list[str]
    worker: int = 0
    times_ms: list[float] = field(default_factory=list)
    most_mib: float = 0.0

    def run(self, stopping: threading.Event) -> None:
        with httpx.Client(base_url=self.server.address, timeout=60, trust_env=False) as client:
            number = 0
            while not stopping.is_set():
                before = time.perf_counter()
                answer = client.get(self.paths[number % len(self.paths)])
                self.times_ms.append((time.perf_counter() - before) * 1000)
                if answer.status_code != 200:
                    raise RuntimeError(f"{answer.url} was answered by {answer.status_code}")
                number += 1
                if self.worker:
                    self.most_mib = max(self.most_mib, _memory_mib(self.worker))
                stopping.wait(0.02)

    @property
    def p95(self) -> float:
        return sorted(self.times_ms)[int(len(self.times_ms) * 0.95)]


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    stopping = threading.Event()
    thread = threading.Thread(target=watch.run, args=(stopping,))
    thread.start()
    try:
        yield watch
    finally:
        stopping.set()
        thread.join()


def _memory_mib(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


class Supplier:
    """Somebody at the pages of import, over HTTP."""

    def __init__(self, server: Server) -> None:
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
        return self.client.get(f"{self.address}/failed.xlsx").content


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
    """One import from the upload to the last row, with the site watched."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mall", "worker"]
    with made.mall() as server, background(command, made.environment, made.folder / "worker.log") as worker:
        paths, _ = facts(made)
        content = workbook(rows, bad)
        supplier = Supplier(server)
        with watching(Watch(server, paths)):
            time.sleep(3)  # warms threads and pages
        with watching(Watch(server, paths, worker)) as idle:
            time.sleep(10)
        with watching(Watch(server, paths, worker)) as checking:
            upload_s = supplier.upload(content)
            check_s = supplier.step("check")
        with watching(Watch(server, paths, worker)) as writing:
            write_s = supplier.step("write")
        reported = len(supplier.failed())
        _, there = facts(made)
    if there != rows - bad:
        raise RuntimeError(f"{there} listings were written instead of {rows - bad}")
    return {
        "database": made.database, "rows": rows, "bad cells": bad, "file MiB": round(len(content) / 2**20, 1), "failed rows workbook bytes": reported,
        "upload s": round(upload_s, 1), "check s": round(check_s, 1), "write s": round(write_s, 1),
        "p95 idle ms": round(idle.p95, 1), "p95 checking ms": round(checking.p95, 1), "p95 writing ms": round(writing.p95, 1),
        "checking / idle": round(checking.p95 / idle.p95, 2), "writing / idle": round(writing.p95 / idle.p95, 2),
        "worker's most MiB": round(writing.most_mib), "worker's most MiB before": round(idle.most_mib),
        "within bounds": max(check_s, write_s) < MOST_S and max(checking.p95, writing.p95) <= MOST_RATIO * idle.p95,
    }  # fmt: skip


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
            print(f"{name:>28}  {value}")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"import-{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(results, ensure_ascii=False, indent=1))
    return 0 if all(result["within bounds"] for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
