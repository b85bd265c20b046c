"""The queue before SQLite's one writer: in a forked process, however many threads come first, everybody gets a turn."""

import multiprocessing
import threading

import pytest
from sqlalchemy.orm import Session

from app.kernel.db import commit
from tests import factories

THREADS, FORKS = 8, 5


def _write_at_once(engine):
    """In the child: all threads write at the same moment, as the first requests of a fresh server process do."""
    engine.dispose(close=False)
    start = threading.Barrier(THREADS)

    def write():
        start.wait()
        with Session(engine) as session, commit(session):
            factories.unit(session)

    threads = [threading.Thread(target=write, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # what Python 3.12 says of every fork beside a thread
def test_the_first_threads_of_a_forked_process_share_one_gate(engine):
    with Session(engine) as session, commit(session):
        factories.unit(session)
    context = multiprocessing.get_context("fork")
    for _ in range(FORKS):
        child = context.Process(target=_write_at_once, args=(engine,))
        child.start()
        child.join(20)
        stuck = child.is_alive()
        child.kill()
        child.join()
        assert not stuck
        assert child.exitcode == 0
