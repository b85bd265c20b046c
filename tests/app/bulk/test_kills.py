"""A worker that is killed loses nothing and doubles nothing: the next one goes on after the last committed batch."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from app.bulk.engine import Engine
from app.bulk.rules import BATCH
from app.bulk.states import RUNNING, JobState
from app.bulk.tables import BulkJob
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from catalog.listings.tables import Listing, ListingVersion
from tests import factories
from tests.app.bulk.conftest import Desk, offer, workbook
from tests.app.bulk.test_listings import job
from tests.peers import ROOT


@contextmanager
def worker(url, folder):
    """A worker process; whoever leaves kills it without warning."""
    environment = {**os.environ, "MALL_DATA_DIR": str(folder), "MALL_DATABASE_URL": url, "MALL_MODE": "demo"}
    command = [sys.executable, "-m", "tests.app.bulk.worker_process"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def waits_until(shop, reached, seconds=100.0):
    """Whether the import got there in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if reached(job(shop)):
            return True
        time.sleep(0.01)
    return False


def through(shop, url, folder, kills, dice):
    """Have the state at hand worked through by workers of which so many are killed on the way; returns how many were."""
    begun, killed = job(shop).state, 0
    for turn in range(kills + 1):
        with worker(url, folder):
            if turn < kills:
                target = job(shop).rows + dice.randrange(1, 1000)
                assert waits_until(shop, lambda now, far=target: now.state is not begun or now.rows >= far)
                time.sleep(dice.random() * 0.2)  # in the middle of a batch, of a rest, of a commit
                killed += job(shop).state is begun
            else:
                assert waits_until(shop, lambda now: now.state not in RUNNING)
        if job(shop).state is not begun:
            break
    return killed


def outcome(shop, sku="B-"):
    with shop.session() as session:
        ids = select(Listing.id).where(Listing.sku.startswith(sku))
        return (
            session.scalar(select(func.count()).select_from(Listing).where(Listing.sku.startswith(sku))),
            session.scalar(select(func.count()).select_from(ListingVersion).where(ListingVersion.listing_id.in_(ids))),
            session.scalar(select(func.count()).select_from(Event).where(Event.type == "listing.created")),
            Counter(Counter(session.scalars(select(Listing.sku).where(Listing.sku.startswith(sku)))).values()),
        )


def killed_on_the_way(shop, url, folder, rows, kills, seed):
    dice = random.Random(seed)
    desk = Desk(shop)
    desk.upload(workbook([offer(n, price="x" if n % 50 == 0 else "10.00") for n in range(rows)]))
    bad = len(range(0, rows, 50))
    desk.step("check", **desk.mapping())
    through(shop, url, folder, min(kills, 1), dice)
    checked = job(shop)
    assert (checked.state, checked.rows, checked.added, checked.failed, checked.problems) == (JobState.CHECKED, rows, rows - bad, bad, bad)
    desk.step("write")
    killed = through(shop, url, folder, kills, dice)
    done = job(shop)
    assert (done.state, done.rows, done.added, done.failed, done.problems) == (JobState.DONE, rows, rows - bad, bad, bad)
    assert outcome(shop) == (rows - bad, rows - bad, rows - bad, {1: rows - bad})
    return killed


@pytest.mark.timeout(300)
def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(shop, database_url, tmp_path):
    assert killed_on_the_way(shop, database_url, tmp_path / "worker", 4_000, 1, 7) == 1


@pytest.mark.deep
@pytest.mark.timeout(3000)
@pytest.mark.both_databases
def test_twenty_workers_killed_in_the_middle_lose_nothing_and_double_nothing(shop, database_url, tmp_path):
    assert killed_on_the_way(shop, database_url, tmp_path / "worker", 30_000, 20, 11) == 20
    with shop.session() as session:
        assert factories.how_many(session, Listing) > 0


def test_a_worker_that_slept_through_its_lease_commits_nothing(shop, desk):
    desk.upload(workbook([offer(n) for n in range(1200)]))
    desk.check()
    desk.step("write")
    slow, quick = Engine(), Engine()
    assert slow.turn(shop.session) == 1 and job(shop).rows == BATCH
    with shop.session() as session, commit(session):
        session.scalars(select(BulkJob)).one().lease_until = clock.wall_now()
    assert quick.turn(shop.session) == 1 and job(shop).rows == 2 * BATCH
    assert slow.turn(shop.session) == 1 and job(shop).rows == 2 * BATCH, "the lease is another's now"
    while quick.run is not None:
        quick.turn(shop.session)
    assert outcome(shop)[:3] == (1200, 1200, 1200) and job(shop).state is JobState.DONE


def test_a_file_with_nothing_but_errors_is_broken_off(shop, desk):
    desk.upload(workbook([("x",) * 8 for _ in range(11_000)]))
    desk.check()
    found = job(shop)
    assert (found.state, found.added) == (JobState.FAILED, 0) and found.rows < 11_000
    assert "错误超过 20000 处" in desk.browser.get(desk.address).get_data(as_text=True)
    assert desk.browser.get(f"{desk.address}/failed.xlsx").status_code == 200
