"""What `mall doctor` looks at that belongs to the floor: settings, database, migrations, work left undone."""

from collections.abc import Callable

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import clock, outbox, workdays
from app.kernel.outbox import Consumer, EventLease
from app.web.cli import Check, settings
from app.web.extensions import db


def mode() -> Check:
    """Demo or production."""
    return Check("mode", True, f"{settings().mode}, {settings().address}")


def database() -> Check:
    """Whether the database answers and is migrated to the newest version."""
    name = db.engine.url.render_as_string(hide_password=True)
    try:
        with db.engine.connect() as connection:
            there = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return Check("database", False, f"{name}: {type(error).__name__}", "start the database, or correct MALL_DATABASE_URL")
    newest = ScriptDirectory("migrations").get_current_head()
    if there != newest:
        return Check("database", False, f"{name}: at {there}, newest is {newest}", "flask --app wsgi mall migrate")
    return Check("database", True, f"{name}, migration {there}")


def work(consumers: list[Consumer]) -> Callable[[], Check]:
    """Whether consumers keep up and none of them has an event that fails again and again."""

    def check() -> Check:
        failing = db.session.execute(
            select(EventLease.consumer, func.count()).where(EventLease.error.is_not(None)).group_by(EventLease.consumer)
        ).all()
        if failing:
            said = ", ".join(f"{name}: {count}" for name, count in failing)
            return Check("events", False, f"failing {said}", "read the worker's log; the events are tried again by themselves")
        behind = {c.name: len(outbox.pending(db.session(), c, 1001)) for c in consumers}
        late = ", ".join(f"{name}: {count}" for name, count in behind.items() if count > 1000)
        if late:
            return Check("events", False, f"more than 1,000 waiting for {late}", "flask --app wsgi mall worker")
        return Check("events", True, f"{sum(behind.values())} waiting for {len(consumers)} consumers")

    return check


def holidays() -> Check:
    """Whether the yearly notice of days off is known for this year and the next."""
    year = clock.today().year
    known = [y for y in (year, year + 1) if workdays.calendar().announced(y)]
    if year not in known:
        return Check("holidays", False, f"{year} is computed by rule only", "take the State Council notice into app/kernel/data/holidays")
    return Check("holidays", True, f"announced: {', '.join(map(str, known))}; other years by rule, marked provisional")


def floor() -> list[Callable[[], Check]]:
    """The checks of the floor."""
    return [mode, database, holidays]
