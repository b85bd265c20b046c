"""What the clock asks of suppliers' shops: their pool, their prices, their stock. Answers are entered one good at a time."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.outbox import Consumer, Timer
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal, SealBroken
from catalog.connections import queries, rules, service
from catalog.connections.gateway import Shop
from catalog.connections.rules import ShopAway
from catalog.connections.states import Job

log = logging.getLogger("mall.connections")
Sessions = Callable[[], Session]
LOOK_EVERY_S = 5.0
AT_ONCE = 4


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nobody here follows events."""
    return ()


def timers(settings: Settings) -> tuple[Timer, ...]:
    """One look for each kind of job; how often a shop is asked stands in its row."""
    line = Line(Door(loopback=settings.outgoing_loopback), Seal(settings.secret_key))
    return tuple(
        Timer(name=f"connections.{job}", every=LOOK_EVERY_S, run=lambda sessions, job=job: follow(sessions, line, job), lane="connections")  # type: ignore[misc]
        for job in Job
    )


class Line:
    """How shops are reached from this installation."""

    def __init__(self, door: Door, seal: Seal, *, wait_s: float = 0.2) -> None:
        self.door, self.seal, self.wait_s = door, seal, wait_s

    @contextmanager
    def to(self, sessions: Sessions, supplier_id: int) -> Iterator[Shop | None]:
        """The shop of a supplier, or None when it is not called now; afterwards it is noted whether it answered."""
        try:
            with sessions() as session:
                access, terms = service.access(session, supplier_id, self.seal), queries.terms(session)
        except SealBroken as broken:
            with sessions() as session, commit(session):
                service.failed(session, supplier_id, broken.code)
            raise
        if access is None:
            yield None
            return

        def keep(token: str, until: datetime) -> None:
            with sessions() as session, commit(session):
                service.keep_token(session, supplier_id, self.seal, token, until)

        try:
            yield Shop(self.door, access, keep, margin_s=terms.token_margin_s, wait_s=self.wait_s)
        except Refusal as refused:
            trouble = refused.reason if isinstance(refused, ShopAway) else refused.code
            with sessions() as session, commit(session):
                if isinstance(refused, rules.ShopRefused) and not isinstance(refused, rules.NotAdmitted):
                    service.answered(session, supplier_id)
                else:
                    service.failed(session, supplier_id, trouble)
            raise
        with sessions() as session, commit(session):
            service.answered(session, supplier_id)


def follow(sessions: Sessions, line: Line, job: Job) -> int:
    """Do a job for every shop that is due, some side by side; returns how many listings changed."""
    with sessions() as session:
        due = queries.due(session, job, clock.now())
    if not due:
        return 0
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(due)), thread_name_prefix="shop") as pool:
        return sum(pool.map(lambda supplier_id: _one(sessions, line, supplier_id, job), due))


def _one(sessions: Sessions, line: Line, supplier_id: int, job: Job) -> int:
    """A job for one shop; its trouble is noted with it and is no trouble of others."""
    with sessions() as session, commit(session):
        if not service.take(session, supplier_id, job):
            return 0
    try:
        with line.to(sessions, supplier_id) as shop:
            if shop is None:
                return 0
            changed = {Job.POOL: draw_pool, Job.PRICE: draw_prices, Job.STOCK: draw_stock}[job](sessions, shop, supplier_id)
    except Refusal as refused:
        log.warning("a shop was not followed", extra={"supplier": supplier_id, "job": job.value, "code": refused.code})
        return 0
    except Exception:
        log.exception("a shop was not followed", extra={"supplier": supplier_id, "job": job.value})
        return 0
    with sessions() as session, commit(session):
        service.done(session, supplier_id, job)
    return changed


def draw_pool(sessions: Sessions, shop: Shop, supplier_id: int) -> int:
    """Everything that the shop offers becomes a listing or follows; what it no longer offers leaves the shelf."""
    with sessions() as session:
        regions, before, most = _regions(session, supplier_id), queries.listed(session, supplier_id), queries.terms(session).pool_most
    skus = list(dict.fromkeys(sku for category in shop.categories() for sku in shop.pool(category)))[:most]
    changed = 0
    for batch in rules.in_batches(skus):
        goods, images, shelf, prices = shop.detail(batch), shop.images(batch), shop.shelf(batch), shop.price(batch)
        stock = _stock(shop, batch, regions)
        for sku, good in goods.items():
            if sku not in prices or sku not in stock or sku not in batch:
                continue
            with sessions() as session, commit(session):
                told = {"price_fen": prices[sku], "stock": stock[sku], "on_shelf": shelf.get(sku, False), "images": images.get(sku, ())}
                changed += service.take_up(session, supplier_id, good, **told) is not None and sku not in before  # type: ignore[arg-type]
    for sku in before.keys() - set(skus):
        with sessions() as session, commit(session):
            changed += service.leave(session, supplier_id, sku, before[sku])
    return changed


def draw_prices(sessions: Sessions, shop: Shop, supplier_id: int) -> int:
    """Listings take the shop's prices."""
    with sessions() as session:
        listed = queries.listed(session, supplier_id)
    changed = 0
    for batch in rules.in_batches(list(listed)):
        for sku, price_fen in shop.price(batch).items():
            if sku in listed:
                with sessions() as session, commit(session):
                    changed += service.follow_price(session, supplier_id, sku, listed[sku], price_fen)
    return changed


def draw_stock(sessions: Sessions, shop: Shop, supplier_id: int) -> int:
    """Listings take the shop's stock, region by region."""
    with sessions() as session:
        listed, regions = queries.listed(session, supplier_id), _regions(session, supplier_id)
    changed = 0
    for batch in rules.in_batches(list(listed)):
        for sku, stock in _stock(shop, batch, regions).items():
            if sku in listed:
                with sessions() as session, commit(session):
                    changed += service.follow_stock(session, supplier_id, sku, listed[sku], stock)
    return changed


def _regions(session: Session, supplier_id: int) -> list[str]:
    return queries.by_supplier(session, supplier_id).regions.split(",")


def _stock(shop: Shop, skus: Sequence[str], regions: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Pieces by SKU and region; a SKU that the shop is silent about is left out."""
    found: dict[str, dict[str, int]] = {}
    for region in regions:
        for sku, pieces in shop.stock(skus, region).items():
            found.setdefault(sku, {})[region] = pieces
    return found
