"""Several processes on one embedded index: readers beside a writer, a writer killed in the middle, a second writer, a swap."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.search.engine import EmbeddedEngine
from catalog.search.engine_store import Store
from catalog.search.port import Filters, SearchRequest, SearchUnavailable
from tests.catalog.search import goods

ROOT = Path(__file__).parents[3]
ROUNDS = 4
BATCH = 20

WRITER = """
import sys
from pathlib import Path
from catalog.search.engine import EmbeddedEngine
from tests.catalog.search import goods
engine = EmbeddedEngine(Path(sys.argv[1]))
first = int(sys.argv[2])
for batch in range(10_000):
    ids = range(first + batch * 20, first + (batch + 1) * 20)
    engine.upsert([goods.document(pk, pk % 1800, 1) for pk in ids])
    print(ids.stop, flush=True)
"""


def writer(root: Path, first: int) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path):
    root, acknowledged, dice = tmp_path / "index", 1, random.Random(7)
    for _ in range(ROUNDS):
        process = writer(root, acknowledged)
        assert process.stdout is not None
        for _ in range(dice.randint(1, 4)):
            acknowledged = int(process.stdout.readline())
        time.sleep(dice.random() * 0.08)
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged = int(rest.split()[-1]) if rest.split() else acknowledged
        reopened = EmbeddedEngine(root)
        assert reopened.health().ok
        last = reopened.search(SearchRequest(filters=Filters(products=tuple((pk % 1800) + 1 for pk in range(acknowledged - BATCH, acknowledged)))))
        assert last.total == BATCH
        assert reopened.stats().documents >= acknowledged - 1
        reopened.close()
    survivor = EmbeddedEngine(root)
    survivor.upsert([goods.document(1, 1, 1)])
    assert not [path for path in root.iterdir() if path.name.startswith("current.") and path.name != "current.json"]
    survivor.close()


def read(root: Path, seconds: float, answers: "multiprocessing.Queue[tuple[int, int, int]]") -> None:
    engine, errors, searches, generations = EmbeddedEngine(root), 0, 0, set()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        page = engine.search(SearchRequest(q="打印机"))
        errors += len({hit.pk for hit in page.hits}) != len(page.hits) or not page.hits
        generations.add(page.generation)
        searches += 1
        time.sleep(0.002)
    answers.put((errors, searches, len(generations)))


def test_readers_never_fail_while_another_process_writes_and_swaps(tmp_path):
    root = tmp_path / "index"
    engine = EmbeddedEngine(root)
    engine.rebuild(goods.one_of_each())
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    readers = [context.Process(target=read, args=(root, 2.5, answers)) for _ in range(2)]
    for reader in readers:
        reader.start()
    until = time.monotonic() + 4.0
    written = 0
    while any(reader.is_alive() for reader in readers) and time.monotonic() < until + 20:
        written += 1
        engine.upsert([goods.document(10_000 + written, written % 1800, 2)])
        if written % 12 == 0:
            engine.rebuild(goods.document(pk, pk - 1, 1) for pk in range(1, 800))
    told = [answers.get(timeout=20) for _ in readers]
    for reader in readers:
        reader.join(20)
        reader.close()
    answers.close()
    answers.join_thread()
    engine.close()
    assert written >= 3
    for errors, searches, generations in told:
        assert errors == 0 and searches > 20 and generations > 1


def test_a_second_writer_is_told_to_come_back(tmp_path):
    first, second = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    first.upsert([goods.document(1, 1, 1)])
    with pytest.raises(SearchUnavailable) as refused:
        second.upsert([goods.document(2, 2, 1)])
    assert "cannot be written" in refused.value.reason and first.stats().documents == 1
    first.close()
    second.upsert([goods.document(2, 2, 1)])
    assert second.stats().documents == 2
    second.close()


def test_a_writer_follows_a_swap_by_another_process(tmp_path):
    first, second = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    first.upsert([goods.document(1, 1, 1)])
    assert second.rebuild(goods.document(pk, pk, 1) for pk in (5, 6)) == 2
    first.upsert([goods.document(7, 7, 1)])
    assert second.search(SearchRequest()).total == 3
    first.close()
    second.close()


def test_a_failed_batch_leaves_nothing_behind(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.upsert([goods.document(1, 1, 1)])

    def broken():
        yield goods.document(2, 2, 1)
        raise LookupError("the source broke off")

    with pytest.raises(LookupError):
        engine.upsert(broken())
    engine.upsert([goods.document(3, 3, 1)])
    assert {hit.pk for hit in engine.search(SearchRequest()).hits} == {1, 3}
    with pytest.raises(LookupError):
        engine.rebuild(broken())
    assert engine.search(SearchRequest()).total == 2
    engine.close()


def test_an_index_of_another_version_or_without_its_files_says_so(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.upsert([goods.document(1, 1, 1)])
    engine.close()
    current = Store(tmp_path, 999).current()
    assert current is not None
    Store(tmp_path, 999).publish(current.folder)
    with pytest.raises(SearchUnavailable):
        EmbeddedEngine(tmp_path).search(SearchRequest())
    assert "rebuild" in EmbeddedEngine(tmp_path).health().detail
    rebuilt = EmbeddedEngine(tmp_path)
    rebuilt.rebuild([goods.document(1, 1, 1)])
    assert rebuilt.health().ok
    for path in (tmp_path / Store(tmp_path, 1).current().folder).iterdir():
        path.unlink()
    assert "rebuild" in EmbeddedEngine(tmp_path).health().detail
    rebuilt.close()


def test_a_page_by_relevance_goes_on_behind_the_last_hit_after_a_change(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild(goods.one_of_each())
    first = engine.search(SearchRequest(q="打印机", limit=10))
    engine.delete([hit.pk for hit in first.hits[:4]])
    second = engine.search(SearchRequest(q="打印机", limit=10, page=first.next_page))
    whole = [hit.pk for hit in engine.search(SearchRequest(q="打印机", limit=16)).hits]
    assert [hit.pk for hit in second.hits] == whole[6:16]
    engine.close()
