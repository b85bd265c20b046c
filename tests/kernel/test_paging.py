"""Keyset pages: forwards and back, no row twice, none skipped, whatever is added meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.organisations.tables import Organisation
from app.kernel import paging
from app.kernel.db import commit
from app.kernel.paging import BACK, BadCursor, Key
from tests import factories

KEYS = [Key(Organisation.registered_at), Key(Organisation.id, descending=False)]


@pytest.mark.both_databases
def test_pages_go_forwards_and_back_over_equal_times(session):
    start = factories.moment(2026, 5, 1)
    with commit(session):
        rows = [factories.organisation(session, registered_at=start + timedelta(days=i // 3)) for i in range(8)]
    order = [rows[i].id for i in (6, 7, 3, 4, 5, 0, 1, 2)]
    query = select(Organisation)
    seen, cursor, pages = [], None, []
    while True:
        page = paging.page(session, query, KEYS, cursor=cursor, limit=3)
        pages.append(page)
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        cursor = page.next
    assert seen == order and pages[0].prev is None
    back = paging.page(session, query, KEYS, cursor=pages[2].prev, limit=3)
    assert [row.id for row in back.rows] == order[3:6] and back.next is not None and back.prev is not None
    first = paging.page(session, query, KEYS, cursor=back.prev, limit=3)
    assert [row.id for row in first.rows] == order[:3] and first.prev is None


def test_a_row_added_in_front_shifts_nothing(session):
    start = factories.moment(2026, 5, 1)
    with commit(session):
        rows = [factories.organisation(session, registered_at=start - timedelta(days=i)) for i in range(4)]
    first = paging.page(session, select(Organisation.id), KEYS, limit=2)
    with commit(session):
        factories.organisation(session, registered_at=start + timedelta(days=1))
    second = paging.page(session, select(Organisation.id), KEYS, cursor=first.next, limit=2)
    assert first.rows + second.rows == [row.id for row in rows]


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!", paging.encode([1]), paging.encode(["a", 1]), paging.encode([2**70, 1]), paging.encode([True, 1], BACK), "WyJuIiwxXQ"],
)
def test_a_cursor_of_another_list_or_none_at_all_is_refused(session, cursor):
    with pytest.raises(BadCursor):
        paging.page(session, select(Organisation.id), KEYS, cursor=cursor)
