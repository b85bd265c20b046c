"""What a process that answers requests reads and writes: statements on their own outside a command, all or nothing inside one."""

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.kernel.db import commit, prepare_engine, serving_options, settle
from app.kernel.errors import Conflict
from tests import factories

OFTEN = 12
"""A statement is prepared at its sixth use, and PostgreSQL keeps one plan after five more."""


class Refused(Conflict):
    """A command that fails in the middle."""

    code = "test.refused"
    message = "no"


@pytest.fixture
def serving(database_url):
    """An engine with the options of a serving process."""
    engine = create_engine(database_url, **serving_options(database_url))
    prepare_engine(engine)
    yield engine
    engine.dispose()


def _names(session):
    return list(session.scalars(select(Organisation.name).order_by(Organisation.id)))


@pytest.mark.both_databases
def test_a_command_is_all_or_nothing_and_others_see_it_at_its_end(serving):
    with Session(serving) as session, commit(session):
        factories.unit(session, name="甲单位")
        with Session(serving) as other:
            assert "甲单位" not in _names(other)
    with Session(serving) as session:
        before = _names(session)
        assert "甲单位" in before
        with pytest.raises(Refused), commit(session):
            factories.unit(session, name="乙单位")
            session.flush()
            raise Refused
        assert _names(session) == before


@pytest.mark.both_databases
def test_what_is_settled_inside_a_command_stays_when_the_rest_is_refused(serving):
    with Session(serving) as session:
        with pytest.raises(Refused), commit(session):
            factories.unit(session, name="甲单位")
            settle(session)
            factories.unit(session, name="乙单位")
            session.flush()
            raise Refused
        assert "甲单位" in _names(session)
        assert "乙单位" not in _names(session)


@pytest.mark.only_postgresql
def test_a_read_on_postgresql_holds_no_transaction_and_its_statement_stays_prepared(serving):
    for _ in range(OFTEN):
        with Session(serving) as session:
            _names(session)
            raw = session.connection().connection.dbapi_connection
            assert raw.info.transaction_status is TransactionStatus.IDLE
    with serving.connect() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert any("organisations" in statement for statement in prepared)
