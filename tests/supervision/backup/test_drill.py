"""The drill: a mall is copied while it takes orders, brought back in an empty place, and its log goes on without a break."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from app.kernel.outbox import Event
from orders.purchases.tables import Order
from supervision.journal import service as log
from supervision.journal.note import head_of
from supervision.journal.tables import Leaf
from tests.peers import program
from tests.supervision.backup.conftest import Customers, Mall, busy

pytestmark = pytest.mark.peer("log-verifier")


def outside(mall: Mall, *kept: Path) -> str:
    """What a verifier says that knows nothing of this product."""
    key = log.verifier_at(mall.settings.journal_key_path).vkey
    arguments = [part for file in kept for part in ("-kept", str(file))]
    done = subprocess.run([str(program("tlog-verify")), "-vkey", key, *arguments, str(mall.log)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(mall: Mall) -> set[str]:
    with mall.session() as session:
        return set(session.scalars(select(Order.number)))


def in_use(mall: Mall, customers: Customers, target: Path, *options: str) -> set[str]:
    """Copy the mall while orders come in and the log is written; returns the orders acknowledged before the copy began."""
    for _ in range(3):
        customers.order(mall)
    mall.worker.drain()
    before = numbers(mall)
    journal = next(timer for timer in mall.worker.timers if timer.name == "journal")
    with busy(lambda: customers.order(mall), lambda: journal.run(mall.session)):
        mall.did("backup", target, *options)
        mall.did("backup", target.with_name("second"), *options)
    return before


@pytest.mark.both_databases
def test_a_backup_of_a_busy_mall_is_brought_back_and_its_log_goes_on(
    mall: Mall, customers: Customers, elsewhere: Callable[[], Mall], tmp_path: Path
) -> None:
    before = in_use(mall, customers, tmp_path / "copy", "--with-key")
    mall.worker.drain()
    assert mall.is_sound()
    here = elsewhere()
    said = here.did("restore", tmp_path / "second")
    assert "every invariant holds" in said and "continue --nothing-since" in said
    assert before < numbers(here) <= numbers(mall)
    assert here.is_sound()
    restored, kept = here.head(), tmp_path / "restored"
    kept.write_text(here.checkpoint())
    number = customers.order(here)
    here.worker.drain()
    assert here.head() == restored  # held: the order is taken, nothing is signed
    assert "journal" in here.run("doctor").output and here.run("doctor").exit_code == 1
    here.did("journal", "continue", "--nothing-since")
    here.worker.drain()
    assert number in numbers(here) and here.is_sound()
    assert here.head().origin == restored.origin and here.head().size > restored.size
    assert f"size {here.head().size} " in outside(here, kept)


def test_after_a_restore_of_something_older_than_what_was_published_a_new_epoch_quotes_where_the_log_ended(
    mall: Mall, customers: Customers, elsewhere: Callable[[], Mall], tmp_path: Path
) -> None:
    customers.order(mall)
    mall.worker.drain()
    early, last = tmp_path / "early", tmp_path / "last"
    early.write_text(mall.checkpoint())
    mall.did("backup", tmp_path / "copy")
    customers.order(mall)
    mall.worker.drain()
    last.write_text(mall.checkpoint())
    here = elsewhere()
    here.did("restore", tmp_path / "copy")
    assert "没有找到" in here.refused("journal", "continue", "--nothing-since")  # the key is not in the backup
    here.settings.journal_key_path.write_bytes(mall.settings.journal_key_path.read_bytes())
    assert "同一日志不能再写" in here.refused("journal", "continue", "--last-checkpoint", last)
    here.settings.journal_key_path.unlink()
    old = log.verifier_at(mall.settings.journal_key_path)
    vkey = here.did("journal", "epoch", "--yes", "--last-checkpoint", last)
    assert f"{old.name}/epoch-2+" in vkey
    customers.order(here)
    here.worker.drain()
    assert here.is_sound()
    assert here.head().origin == f"{old.name}/epoch-2"
    outside(here)
    with here.session() as session:
        opened = session.execute(select(Event, Leaf.idx).join(Leaf, Leaf.event_id == Event.id).where(Event.type == "epoch.opened")).one()
    gone = head_of(last.read_text(), old)
    assert opened.idx == head_of(early.read_text(), old).size
    assert f'"last_size":{gone.size}' in opened.Event.body and gone.root.hex() in opened.Event.body


def test_after_a_restore_a_later_checkpoint_that_the_data_contain_lets_the_log_go_on(
    mall: Mall, customers: Customers, elsewhere: Callable[[], Mall], tmp_path: Path
) -> None:
    customers.order(mall)
    mall.worker.drain()
    mall.did("backup", tmp_path / "copy", "--with-key")
    last = tmp_path / "last"
    last.write_text(mall.checkpoint())
    here = elsewhere()
    here.did("restore", tmp_path / "copy")
    assert "--nothing-since" in here.refused("journal", "continue")
    here.did("journal", "continue", "--last-checkpoint", last)
    assert here.is_sound() and "没有处于" in here.refused("journal", "continue", "--nothing-since")
    outside(here, last)
