"""The search engine at the size of a province: what it costs to build, how soon a change is seen, readers beside a writer, killed writers."""

import contextlib
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from catalog.search.engine import EmbeddedEngine
from catalog.search.port import Filters, SearchRequest
from tests.benchmarks import search_bench
from tests.benchmarks.effort import Effort
from tests.benchmarks.report import Figure
from tests.catalog.search import distractors, goods, relevance
from tests.peers import ROOT

CHANGES: Final = 30
READERS: Final = 2
BATCH: Final = 20
NEW: Final = 100_000_000
"""Ids of what the writers write begin here."""
MARK: Final = 1_000_000
"""Numbers of the suppliers that tell one batch from another begin here."""

WRITER: Final = f"""
import sys
from dataclasses import replace
from pathlib import Path
from catalog.search.engine import EmbeddedEngine
from tests.catalog.search import goods
engine = EmbeddedEngine(Path(sys.argv[1]))
first = int(sys.argv[2])
for batch in range(first, first + 100_000):
    ids = range({NEW} + batch * {BATCH}, {NEW} + (batch + 1) * {BATCH})
    engine.upsert([replace(goods.document(pk, pk % 1800, 1), supplier_id={MARK} + batch) for pk in ids])
    print(batch, flush=True)
"""


@dataclass(frozen=True)
class Scale:
    """How large and how long."""

    listings: int = 200_000
    distractors: int = 200_000
    kills: int = 20
    seconds: float = 10.0


def measure(effort: Effort, scale: Scale, told: list[str]) -> Iterator[Figure]:
    """Every gate of the engine, one after the other on the same index; `told` gets what has no gate."""
    with tempfile.TemporaryDirectory(prefix="mall-search-bench-") as folder:
        root, yardstick = Path(folder) / "index", Path(folder) / "fts5.db"
        effort.tell(f"making {scale.listings:,} listings")
        engine = EmbeddedEngine(root, facet_cache=0)
        began = time.perf_counter()
        engine.rebuild(goods.many(scale.listings))
        spent = time.perf_counter() - began
        told.append(f"build: {scale.listings:,} listings in {spent:.1f} s, {scale.listings / spent:,.0f} a second; the old index answers meanwhile")
        effort.tell("filling the yardstick")
        search_bench._fill(yardstick, scale.listings)
        with closing(sqlite3.connect(yardstick)) as database:
            yield from search_bench._rows(engine, database, effort)
        ours, theirs = engine.stats().size_bytes or 0, yardstick.stat().st_size
        yield search_bench._figure("search: bytes on disk", ours / 1e6, theirs / 1e6, 0.6, 0.4, unit="MB", listings=f"{scale.listings:,}")
        effort.tell("changes")
        yield _visible(engine, root)
        effort.tell("readers beside a writer")
        yield _readers(engine, root, scale.seconds, told)
        engine.close()
        yield from _kills(root, scale.kills, effort)
    if scale.distractors:
        yield from _relevance(scale.distractors, effort, told)


def _visible(engine: EmbeddedEngine, root: Path) -> Figure:
    """From the call that writes a new price until another process's engine finds it."""
    reader, waits = EmbeddedEngine(root), []
    for number in range(CHANGES):
        price = 1_700_000_000 + number
        asked = SearchRequest(filters=Filters(price_min_fen=price, price_max_fen=price))
        reader.search(asked)
        began = time.perf_counter()
        engine.upsert([goods.document(number + 1, number % 1_800, 1, price_fen=price)])
        while not reader.search(asked).total:
            time.sleep(0.001)
        waits.append((time.perf_counter() - began) * 1000)
    reader.close()
    p50, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[18]
    return _plain("search: a change is visible, p95", p95, "ms", 5_000, 500, **{"p50 / p95 ms": f"{p50:.0f} / {p95:.0f}"})


def _read(root: Path, seconds: float, questions: Sequence[str], answers: Any) -> None:
    """One reader: what went wrong in words, searches, generations seen, median time."""
    engine, errors, times, generations = EmbeddedEngine(root), [], [], set()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        asked = questions[len(times) % len(questions)]
        began = time.perf_counter()
        try:
            page = engine.search(SearchRequest(q=asked))
        except Exception as error:
            errors.append(f"{asked}: {error!r}")
            times.append(0.0)
            continue
        if not page.hits:
            errors.append(f"{asked}: no hit in generation {page.generation}")
        elif len({hit.pk for hit in page.hits}) != len(page.hits):
            errors.append(f"{asked}: one hit twice in generation {page.generation}")
        generations.add(page.generation)
        times.append((time.perf_counter() - began) * 1000)
    answers.put((errors, len(times), len(generations), statistics.median(times) if times else 0.0))


def _readers(engine: EmbeddedEngine, root: Path, seconds: float, told: list[str]) -> Figure:
    """Readers ask for what was in the index before the writer began, so an empty answer is an error."""
    questions = [asked for asked in search_bench.TWO_WORDS if engine.search(SearchRequest(q=asked)).hits]
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    readers = [context.Process(target=_read, args=(root, seconds, questions, answers)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    written = 0
    while any(reader.is_alive() for reader in readers):
        ids = range(NEW - 1_000_000 + written, NEW - 1_000_000 + written + 100)
        engine.upsert([goods.document(pk, pk % 1_800, 3) for pk in ids])
        written += len(ids)
        with contextlib.suppress(Exception):
            if answers.qsize() == READERS:
                break
    found = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join(60)
    searches, generations = sum(each[1] for each in found), max(each[2] for each in found)
    told.append(f"{READERS} readers made {searches:,} searches over {generations} generations while {written:,} listings were written")
    errors = [error for each in found for error in each[0]]
    told += [f"  {error}" for error in errors[:10]]
    medians = " / ".join(f"{each[3]:.1f}" for each in found)
    return _plain("search: errors of readers beside a writer", len(errors), "errors", 0, 0, **{"p50 ms of each reader": medians})


def _kills(root: Path, kills: int, effort: Effort) -> Iterator[Figure]:
    """A writer of its own process is killed at a random moment again and again."""
    dice, reopened, whole, batch = random.Random(7), 0, 0, 0
    for number in range(kills):
        effort.tell(f"kill {number + 1} of {kills}")
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(batch)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(dice.randint(1, 4)):
            batch = int(writer.stdout.readline())
        time.sleep(dice.random() * 0.1)
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        batch = int(rest.split()[-1]) if rest.split() else batch
        again = EmbeddedEngine(root)
        reopened += again.health().ok
        whole += again.search(SearchRequest(filters=Filters(suppliers=(MARK + batch,)))).total == BATCH
        again.close()
        batch += 2  # what was written and not acknowledged keeps its mark
    yield _plain(f"search: index opened after {kills} kills of the writer", reopened, "times", kills, kills, better="higher")
    yield _plain("search: last acknowledged batch was whole", whole, "times", kills, kills, better="higher")


def _relevance(count: int, effort: Effort, told: list[str]) -> Iterator[Figure]:
    effort.tell(f"relevance among {count:,} distracting listings")
    with tempfile.TemporaryDirectory(prefix="mall-relevance-") as folder:
        engine = EmbeddedEngine(Path(folder), facet_cache=0)
        engine.rebuild(chain(goods.catalogue(), distractors.distractors(count)))
        measured = relevance.scores(engine)
        engine.close()
    told += [f"relevance among {count:,} distracting listings:", *relevance.table(measured)]
    for name, floor in relevance.RECALL_FLOORS.items():
        score = measured[name]
        more = {"P@1": f"{score.first:.3f}", "nDCG@10": f"{score.ndcg:.3f}", "questions": str(score.questions)}
        yield _plain(f"relevance of {name}: recall@20", score.recall, "", floor, 0.98, better="higher", **more)
    yield _plain("relevance of all: P@1", measured["all"].first, "", relevance.FIRST_FLOOR, 0.95, better="higher")


def _plain(name: str, ours: float, unit: str, must: float, aim: float, *, better: Any = "lower", **details: str) -> Figure:
    return Figure(line=9, name=name, database="embedded", ours=ours, unit=unit, must=must, aim=aim, better=better, details=details)


def facts(scale: Scale, effort: Effort) -> dict[str, Any]:
    """What a run was asked for, for its report."""
    return {"rounds": effort.rounds, **json.loads(json.dumps(replace(scale).__dict__))}
