"""Lists of dishonest firms (rule K01): imported whole or not at all, and asked by credit code and day."""

from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.sheets import SheetRefused, table_of
from app.policy import SYSTEM, Role
from catalog.suppliers import queries, rules, service
from catalog.suppliers.tables import Dishonest
from tests import factories

HEAD = "统一社会信用代码,名称,名单,文号,来源,列入日期,截止日期\n"


def line(code, *, document="财库函〔2026〕1号", since="2026-01-05", until=""):
    return f"{code},某公司,政府采购严重违法失信行为记录名单,{document},中国政府采购网,{since},{until}\n"


@pytest.mark.both_databases
def test_a_list_is_taken_over_and_a_known_entry_gets_its_new_period(session):
    with commit(session):
        firm = factories.organisation(session)
    today = clock.today()
    with commit(session):
        done = service.import_dishonest(session, SYSTEM, table_of((HEAD + line(firm.credit_code, since=today.isoformat())).encode()))
    assert (done.rows, done.added, done.changed) == (1, 1, 0)
    assert queries.dishonest(session, firm.credit_code, today).document_no == "财库函〔2026〕1号"
    assert queries.dishonest(session, firm.credit_code, today - timedelta(days=1)) is None
    with pytest.raises(rules.Dishonest):
        service.refuse_dishonest(session, firm.credit_code, firm.name)
    with commit(session):
        again = service.import_dishonest(session, SYSTEM, table_of((HEAD + line(firm.credit_code, since=today.isoformat(), until=today.isoformat())).encode()))
    assert (again.added, again.changed) == (0, 1)
    assert queries.dishonest(session, firm.credit_code, today + timedelta(days=1)) is None
    assert queries.dishonest(session, None, today) is None


def test_a_bad_cell_keeps_the_whole_list_out(session):
    with commit(session):
        good = factories.organisation(session).credit_code
    text = HEAD + line(good) + line("91410000MA00000000") + line(good, document="2号", since="2026-02-30") + line(good, document="3号", until="2020-01-01")
    with pytest.raises(SheetRefused) as refused, commit(session):
        service.import_dishonest(session, SYSTEM, table_of((text).encode()))
    assert sorted((each.line, each.column) for each in refused.value.problems) == [(3, "统一社会信用代码"), (4, "列入日期"), (5, "截止日期")]
    assert factories.how_many(session, Dishonest) == 0


def test_a_dry_run_writes_nothing_and_a_buyer_may_not_import(session):
    with commit(session):
        firm = factories.unit(session)
        buyer = factories.actor(session, factories.person(session, firm, Role.BUYER))
    with commit(session):
        assert service.import_dishonest(session, SYSTEM, table_of((HEAD + line(firm.credit_code)).encode()), dry_run=True).added == 1
    with pytest.raises(Forbidden), commit(session):
        service.import_dishonest(session, buyer, table_of((HEAD + line(firm.credit_code)).encode()))
    assert factories.how_many(session, Dishonest) == 0
