"""A year of the training province: the same for the same seed, without a fault in the books, and every planted violation found."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel import clock, passwords
from app.kernel.db import make_engine
from app.kernel.outbox import Event
from catalog.listings import prices
from catalog.listings.tables import Listing, PriceSpread
from orders.purchases.states import State
from orders.purchases.tables import Attempt, Order
from orders.thread.audit import audit
from supervision.alerts import handlers
from supervision.alerts.tables import Alert
from supervision.training import guide, key, world
from supervision.training.cast import PASSWORD
from tests.training import MARCH, NEW_YEAR, TINY

pytestmark = pytest.mark.timeout(300)


def found_by(session: Session) -> set[tuple[str, str]]:
    """Rule and subject of every alert; T01, T02 and X03 are also about suppliers, but only X03 and K05 are named by one."""
    names = {row.id: row.name for row in session.execute(select(Organisation.id, Organisation.name))}
    return {(row.rule, names[row.supplier_id if row.rule in {"X03", "K05"} else row.unit_id]) for row in session.scalars(select(Alert))}


def replay(engine) -> set[tuple[str, str]]:
    """Run the product's own rules over the whole history again; what they find then, rule and subject.

    Looking back they see an early event together with later ones, so a second alert about the same subject may come of it.
    """
    with Session(engine) as session:
        events = session.scalars(select(Event).where(Event.type.in_(handlers.WATCHED)).order_by(Event.id)).all()
        handlers.watch(session, events, None)
        session.commit()
    handlers.scan(lambda: Session(engine))
    with Session(engine) as session:
        return found_by(session)


def test_the_small_province_is_in_order_and_the_rules_find_exactly_what_was_planted(training_database: Settings):
    engine = make_engine(training_database.database)
    planted = key.read(training_database.data_dir)
    assert planted is not None
    with Session(engine) as session:
        assert audit(session) == []
        assert found_by(session) == {(each["rule"], each["subject"]) for each in planted["planted"]}
    assert replay(engine) == {(each["rule"], each["subject"]) for each in planted["planted"]}
    engine.dispose()


def test_every_offered_product_has_the_spread_of_its_prices(training_database: Settings):
    engine = make_engine(training_database.database)
    with Session(engine) as session:
        rows = {row.product_id: row for row in session.scalars(select(PriceSpread))}
        assert rows.keys() == set(session.scalars(select(Listing.product_id)))
        exact = prices.quartiles_by_product(session, rows)
        for product_id, row in rows.items():
            found = exact.get(product_id)
            told = (found.n, found.min, found.q1, found.median, found.q3, found.max) if found else (0, 0, 0, 0, 0, 0)
            assert (row.n, row.min_fen, row.q1_fen, row.median_fen, row.q3_fen, row.max_fen) == told
    engine.dispose()


def test_orders_stand_in_every_state_and_refused_carts_say_why(training_database: Settings):
    engine = make_engine(training_database.database)
    planted = key.read(training_database.data_dir)
    assert planted is not None
    with Session(engine) as session:
        assert set(session.scalars(select(Order.state).distinct())) == set(State)
        assert (session.scalar(select(func.count()).select_from(Order)) or 0) <= 2_000
        refused = {
            row.number: {v["rule"] for v in json.loads(row.verdicts) if v["outcome"] == "block"} for row in session.scalars(select(Attempt))
        }
        assert {each["attempt"] for each in planted["refused"]} == set(refused)
        for each in planted["refused"]:
            assert set(each["rules"]) <= refused[each["attempt"]], each
        assert session.scalars(select(func.max(Event.at))).one() <= clock.now()
    engine.dispose()


def test_everybody_signs_in_with_the_one_password(training_database: Settings):
    engine = make_engine(training_database.database)
    with Session(engine) as session:
        logins = guide.logins(session)
        assert [login.login for login in logins] == list(guide.LOGINS.values())
        kept = session.scalars(select(Person.password_hash).distinct()).all()
        assert len(kept) == 1
        assert passwords.matches(kept[0], PASSWORD)
        assert guide.budget_lines(session)[0]["free_fen"] > 0
        assert guide.product(session) is not None
    engine.dispose()


@pytest.mark.both_databases
def test_a_province_of_another_day_is_in_order_on_both_databases(engine):
    prove_in_order(engine, MARCH)


def test_a_province_of_the_first_days_of_a_year_is_in_order(engine):
    prove_in_order(engine, NEW_YEAR)


def prove_in_order(engine, at: datetime) -> None:
    """Make a tiny province of a day, as if that day were today, and hold the books and the rules against it."""
    clock.advance(at - clock.now())
    made = world.seed(lambda: Session(engine), TINY, number=7, at=at)
    with Session(engine) as session:
        assert audit(session) == []
        assert found_by(session) == {(each.rule, each.subject) for each in made.key.planted}
    assert replay(engine) == {(each.rule, each.subject) for each in made.key.planted}


def test_the_same_seed_makes_the_same_province_and_another_seed_another(tmp_path):
    from tests.databases import fresh_sqlite

    digests = []
    for no, number in enumerate((3, 3, 4)):
        folder = tmp_path / str(no)
        folder.mkdir()
        engine = make_engine(fresh_sqlite(folder))
        digests.append(world.seed(lambda engine=engine: Session(engine), TINY, number=number, at=MARCH).digest)
        engine.dispose()
    assert digests[0] == digests[1] != digests[2]


def test_only_an_empty_database_is_filled(training_database: Settings):
    engine = make_engine(training_database.database)
    with pytest.raises(world.NotEmpty):
        world.seed(lambda: Session(engine), TINY)
    engine.dispose()


def test_history_lasts_a_year_and_ends_before_now(training_database: Settings):
    engine = make_engine(training_database.database)
    with Session(engine) as session:
        first, last = session.execute(select(func.min(Order.submitted_at), func.max(Order.submitted_at))).one()
    assert last - first > timedelta(days=330)
    engine.dispose()
