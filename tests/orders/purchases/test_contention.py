"""Eight processes want three times what four budget lines hold, while approvers send a third of it back."""

import multiprocessing
import random
import time
import traceback
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel.db import commit, make_engine
from app.kernel.errors import Refusal
from app.policy import Actor, Role
from catalog.listings.tables import Listing
from orders.approvals import service as approvals
from orders.budgets.audit import audit as audit_budgets
from orders.budgets.tables import Control
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine, Submission
from orders.thread.audit import audit as audit_orders
from supervision.journal import service as journal
from supervision.journal.audit import audit as audit_journal
from tests import factories

PROCESSES = 8
SHORT, LONG = 4.0, 30.0
LINE_FEN = 20_000_00
PRICE_FEN = 1_000_00
STOCK = 10**9


@dataclass(frozen=True)
class Scene:
    """What a buying process needs to know."""

    url: str
    buyers: tuple[Actor, ...]
    approvers: tuple[Actor, ...]
    plan_lines: tuple[int, ...]
    address_id: int
    listing_id: int
    seconds: float


@dataclass
class Tally:
    """What one process saw."""

    demanded_fen: int = 0
    accepted_fen: int = 0
    accepted: int = 0
    refused: int = 0
    repeated: int = 0
    rejected: int = 0
    errors: tuple[str, ...] = ()


def buy(scene: Scene, number: int, ready: Barrier, into: "Queue[Tally]") -> None:
    """Submit, sometimes twice under one key; let another person reject a third, so that money comes back and is spent again."""
    tally = Tally()
    dice = random.Random(number)
    engine = make_engine(scene.url)
    standing: list[int] = []
    try:
        ready.wait(120)
        until, turn = time.monotonic() + scene.seconds, 0
        while time.monotonic() < until or tally.demanded_fen < 3 * 4 * LINE_FEN / PROCESSES:
            turn += 1
            with Session(engine) as session:
                bought = _submit(session, scene, number, turn, dice, tally)
                if bought is not None:
                    standing.append(bought)
                if standing and turn % 3 == 0:
                    _reject(session, scene, number, standing.pop(0), tally)
    except Exception:
        tally.errors = (*tally.errors, traceback.format_exc())
    engine.dispose()
    into.put(tally)


def _submit(session: Session, scene: Scene, number: int, turn: int, dice: random.Random, tally: Tally) -> int | None:
    wishes = [
        Wish(
            listing_id=scene.listing_id,
            quantity=dice.randint(1, 3),
            seen_price_fen=PRICE_FEN,
            plan_line_id=line,
            address_id=scene.address_id,
        )
        for line in dice.sample(scene.plan_lines, dice.randint(1, 2))
    ]
    buyer, key = scene.buyers[number], f"{number}/{turn}"
    amount_fen = sum(wish.quantity for wish in wishes) * PRICE_FEN
    tally.demanded_fen += amount_fen
    try:
        with commit(session):
            bought = submission.submit(session, buyer, wishes, key=key).id
    except Refusal:
        tally.refused += 1
        return None
    tally.accepted += 1
    tally.accepted_fen += amount_fen
    if tally.accepted % 3 == 1:
        with commit(session):
            assert submission.submit(session, buyer, wishes, key=key).id == bought
        tally.repeated += 1
    return bought


def _reject(session: Session, scene: Scene, number: int, bought: int, tally: Tally) -> None:
    with commit(session):
        order = session.scalars(select(Order).where(Order.submission_id == bought)).one()
        approvals.reject(session, scene.approvers[number], order, "本季度不再采购")
    tally.rejected += 1


@pytest.mark.timeout(300)
@pytest.mark.both_databases
@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.deep)])
def test_nobody_spends_what_is_not_there_however_many_buy_at_once(database_url: str, tmp_path: Path, seconds: float) -> None:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session, commit(session):
        world = factories.world(session, amount_fen=4 * LINE_FEN, planned_fen=LINE_FEN, price_fen=PRICE_FEN)
        lines = [world.printers, *(factories.budget_line(session, world.allotment, amount_fen=LINE_FEN) for _ in range(3))]
        plan = factories.plan(session, world.actor(Role.FINANCE), *lines[1:])
        plan_lines = (world.lines[0].id, *(line.id for line in factories.plan_lines(session, plan)))
        world.laser.stock = STOCK
        buyers = tuple(factories.actor(session, factories.person(session, world.unit, Role.BUYER)) for _ in range(PROCESSES))
        approvers = tuple(factories.actor(session, factories.person(session, world.unit, Role.APPROVER)) for _ in range(PROCESSES))
        (address,) = organisations.addresses_of(session, world.unit.id)
    scene = Scene(database_url, buyers, approvers, plan_lines, address.id, world.laser.id, seconds)
    clean = multiprocessing.get_context("forkserver")  # one clean process imports the product once, the buyers are its forks
    clean.set_forkserver_preload([__name__])
    into, ready = clean.Queue(), clean.Barrier(PROCESSES + 1)
    crowd = [clean.Process(target=buy, args=(scene, number, ready, into)) for number in range(PROCESSES)]
    for process in crowd:
        process.start()
    journal.create_key(tmp_path / "key", "mall.example/contention")
    turn = journal.turns(tmp_path / "log", tmp_path / "key")
    ready.wait(120)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        turn(lambda: Session(engine))
        time.sleep(0.5)
    tallies = [into.get(timeout=180) for _ in crowd]
    for process in crowd:
        process.join(60)
    while turn(lambda: Session(engine)):
        pass
    demanded = sum(tally.demanded_fen for tally in tallies)
    accepted = sum(tally.accepted for tally in tallies)
    rejected = sum(tally.rejected for tally in tallies)

    assert [error for tally in tallies for error in tally.errors] == []
    assert demanded >= 3 * 4 * LINE_FEN
    assert sum(tally.accepted_fen for tally in tallies) > 4 * LINE_FEN, "what came back was not spent again"
    assert sum(tally.refused for tally in tallies) > 0
    assert sum(tally.repeated for tally in tallies) > 0
    with Session(engine) as session:
        standing = select(func.coalesce(func.sum(OrderLine.amount_fen), 0)).join(Order).where(Order.state == State.SUBMITTED)
        held = session.scalar(standing)
        assert session.scalar(select(func.count()).select_from(Submission)) == accepted
        assert session.scalar(select(func.count()).select_from(Order)) == accepted
        assert session.scalar(select(Control.reserved_fen).where(Control.id == world.allotment.control_id)) == held
        assert (held or 0) <= 4 * LINE_FEN
        pieces = session.scalar(select(func.sum(OrderLine.quantity)).join(Order).where(Order.state == State.SUBMITTED)) or 0
        assert session.scalar(select(Listing.stock).where(Listing.id == world.laser.id)) == STOCK - pieces
        assert audit_budgets(session) == []
        assert audit_orders(session) == []
        report = audit_journal(session, tmp_path / "log", journal.verifier_at(tmp_path / "key"))
        assert report.findings == []
        assert report.entries >= accepted + rejected
    engine.dispose()
