"""Makes the training province: everybody, everything, and a year of orders, in a fresh database."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.kernel import clock, db, passwords
from app.kernel.errors import N_, Conflict
from app.kernel.outbox import ConsumerFloor, Event, EventReceipt
from catalog.brands.service import load_brands
from catalog.listings import queries as listings
from catalog.listings.moves import follow_prices
from catalog.listings.tables import Listing
from catalog.onboarding.service import load_agreement
from catalog.profiles.service import load_profiles
from catalog.qualifications.service import load_requirements
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.service import load_reference
from orders.purchases.rules import Gate
from supervision.alerts.rules import gate
from supervision.training import hours
from supervision.training.cast import PASSWORD, Casting, gather
from supervision.training.deals import Bureau
from supervision.training.fulfilment import Fulfilment
from supervision.training.key import Key
from supervision.training.market import Market, Shelves
from supervision.training.notices import Press
from supervision.training.purses import Purses, write_counters
from supervision.training.scales import Scale
from supervision.training.stories import Stories, wishes_of
from supervision.training.treasury import Treasury
from supervision.training.watch import Watch
from supervision.training.writer import Writer
from supervision.training.year import Year

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

Sessions = Callable[[], Session]

MOST_WAITING = 60_000
"""So many rows are kept before they are written; the largest province also commits them, since it fits in no one transaction."""


class NotEmpty(Conflict):
    """The database holds organisations already."""

    code = "training.not_empty"
    message = N_("数据库中已有机构，演示数据只能建在空库中")
    way_out = N_("请换一个空的数据目录（MALL_DATA_DIR），或删除演示数据目录后重试")


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made."""

    units: int
    suppliers: int
    listings: int
    orders: int
    events: int
    rows: int
    digest: str
    """The same for the same seed, scale and moment."""
    key: Key


def seed(
    sessions: Sessions,
    scale: Scale,
    *,
    number: int = 1,
    at: datetime | None = None,
    consumers: Sequence[str] = (),
    progress: Progress | None = None,
) -> Made:
    """Fill an empty, migrated database; `consumers` are told that history is none of their work. Raises NotEmpty."""
    now = (at or clock.now()).replace(microsecond=0)
    with sessions() as session, db.commit(session):
        if session.scalar(select(func.count()).select_from(Organisation)):
            raise NotEmpty()
        load_reference(session, supplement=True)
        load_brands(session)
        load_profiles(session)
        load_requirements(session)
        load_agreement(session)
        return _make(session, scale, number, now, consumers, progress or _silent)


def _silent(_what: str, _done: int, _whole: int) -> None:
    """Nobody is listening."""


def _make(session: Session, scale: Scale, number: int, now: datetime, consumers: Sequence[str], progress: Progress) -> Made:
    rng, writer = Random(number), Writer(session)  # no secret is drawn from it  # nosec B311
    start = now - timedelta(days=364)
    casting = Casting(writer, rng, start - timedelta(days=3), passwords.hashed(PASSWORD))
    cast = gather(casting, scale, rng, suspended=(now - timedelta(days=40), now + timedelta(days=70)))
    progress("organisations", len(cast.units) + len(cast.sellers), len(cast.units) + len(cast.sellers))
    shelves = Shelves(session, writer, rng, max(start - timedelta(days=2), casting.at), now)

    def settle() -> None:
        if writer.waiting > MOST_WAITING:
            writer.flush()
            if not scale.atomic:
                db.settle(session)

    def filled(done: int) -> None:
        if done % 500 == 0:
            settle()
            progress("listings", done, scale.listings)

    market = shelves.fill(cast, scale, filled)
    purses = Purses()
    treasury = Treasury(session, writer, rng, market, purses)
    bureau = Bureau(session)
    watch = Watch(writer, bureau, rng, cast)
    year = Year(Fulfilment(writer, bureau, rng, gates(session)), market, purses, rng, now, watch, Press(session, writer, rng))
    for moment, article, price, before in shelves.changes:
        year.plan(moment, partial(shelves.record_change, article, price, before))
    opened = shelves.start + timedelta(hours=20)
    for unit in cast.units:
        for fiscal, moment in fundings(opened, now):
            wanted = treasury.wishes(unit, scale.lines_of_budget, moment) + wishes_of(unit.tag, fiscal, clock.local(now).year)
            year.plan(moment, partial(treasury.fund, unit, fiscal, wanted))
    weights = [unit.staff + (200 if unit.tag == "zz01" else 0) for unit in cast.units]
    for moment in moments(rng, start + timedelta(days=1), now, round(scale.orders / 1.06)):
        year.plan(moment, year.buy(rng.choices(cast.units, weights)[0]))

    stories = Stories(year, cast, rng, now)
    stories.plant()

    def report() -> None:
        settle()
        if year.done % 200 == 0:
            progress("orders", year.orders, scale.orders)

    year.run(report)
    year.write_open()
    watch.write()
    writer.finish()
    write_counters(session, purses)
    _count_sold(session, market)
    follow_prices(session, {article.product_id for article in market.articles})
    _skip_history(session, consumers, year.unsent)
    progress("orders", year.orders, year.orders)
    return Made(
        units=len(cast.units),
        suppliers=len(cast.sellers),
        listings=len(market.articles),
        orders=year.orders,
        events=writer.events,
        rows=writer.written,
        digest=digest_of(session),
        key=stories.key,
    )


def gates(session: Session) -> list[Gate]:
    """The rules of the supervision that stand before a submission."""
    known: dict[date, dict[str, object]] = {}

    def of(day: date) -> dict[str, object]:
        if day not in known:
            known[day] = taxonomy.parameters(session, "S02", day)
        return known[day]

    return [gate(of)]


def fundings(opened: datetime, now: datetime) -> list[tuple[int, datetime]]:
    """The fiscal years of the past twelve months, and when their money came."""
    first, this = clock.local(opened).year, clock.local(now).year
    found = [(first, opened)]
    if this != first:
        new_year = datetime(this, 1, 3, 9, 0, tzinfo=clock.LOCAL)
        found.append((this, min(new_year, now - timedelta(hours=3))))
    return found


def moments(rng: Random, start: datetime, now: datetime, n: int) -> list[datetime]:
    """When carts are sent off: on working days, more of them towards the end, none in the last days of a year."""
    days = [
        day
        for day in hours.working_days(clock.local(start).date(), clock.local(now).date())
        if not (day.month == 12 and day.day > 24) and not (day.month == 1 and day.day < 6)
    ]
    weights = [0.6 + i / len(days) for i in range(len(days))]
    return sorted(hours.any_moment(day, rng) for day in rng.choices(days, weights, k=n))


def _count_sold(session: Session, market: Market) -> None:
    """How many pieces of each offer were sold."""
    sold = [{"of": article.id, "new_sold": article.sold} for article in market.articles if article.sold]
    if sold:
        listing = Listing.__table__
        statement = update(listing).where(listing.c.id == bindparam("of")).values(sold=bindparam("new_sold"))  # type: ignore[arg-type]
        session.connection().execute(statement, sold)


def _skip_history(session: Session, consumers: Sequence[str], unsent: Sequence[int]) -> None:
    """Tell consumers that what happened before the opening is none of their work.

    One has something left: applications that still wait go to the treasury. A contract's document is made when somebody asks for it.
    """
    last = session.scalar(select(func.max(Event.id))) or 0
    floors = dict.fromkeys(consumers, last)
    if "payments.gateway" in floors and unsent:
        floors["payments.gateway"] = min(unsent) - 1
        sent = select(Event.id).where(Event.type == "order.payment_applied", Event.id > min(unsent), Event.id.not_in(unsent))
        rows = [{"consumer": "payments.gateway", "event_id": event, "at": clock.now()} for event in session.scalars(sent)]
        if rows:
            session.execute(insert(EventReceipt), rows)
    if floors:
        session.execute(insert(ConsumerFloor), [{"consumer": name, "event_id": event} for name, event in floors.items()])


def digest_of(session: Session) -> str:
    """A digest over all events as they are stored."""
    running = hashlib.sha256()
    for row in session.execute(select(Event.stream, Event.version, Event.body).order_by(Event.id)):
        running.update(f"{row.stream}:{row.version}:{row.body}\n".encode())
    return running.hexdigest()


def live_listings(session: Session) -> int:
    """How many offers the search index should hold."""
    return listings.count_live(session)
