"""A large workbook with errors: each cell is reported where it stands, and the workbook of failed rows brings exactly those."""

from collections import Counter
from io import BytesIO

import pytest
from sqlalchemy import select

from app.bulk.states import JobState
from app.bulk.tables import BulkProblem
from app.kernel import sheets
from catalog.listings.tables import Listing
from tests.app.bulk.conftest import HEADS, offer, workbook
from tests.app.bulk.test_listings import counts

BAD = (
    ("单价（元）", 6, "面议", "899.50"), ("库存", 7, "-1", 20), ("品目编码", 1, "A99999999", "A02021007"), ("商品名称", 4, "", "打印机"),
    ("销售单位", 5, "台" * 9, "台"),
)  # fmt: skip
"""Heading, place, a figure that is wrong there, and one that is right."""


def spoiled(rows, bad):
    """The workbook, and what must be reported: line to heading, figure and place."""
    every, table, wrong = rows // bad, [], {}
    for number in range(rows):
        row = list(offer(number))
        if number % every == every - 1:
            heading, place, figure, _ = BAD[len(wrong) % len(BAD)]
            row[place] = figure
            wrong[number + 2] = (heading, figure, place)
        table.append(tuple(row))
    return workbook(table), wrong


def reported_and_retried(shop, desk, rows, bad):
    content, wrong = spoiled(rows, bad)
    assert len(wrong) == bad
    desk.bring(content)
    assert counts(shop) == (JobState.DONE, rows, rows - bad, 0, 0, bad)
    with shop.session() as session:
        told = list(session.scalars(select(BulkProblem).order_by(BulkProblem.line)))
        assert {row.line: (row.heading, row.figure, row.place) for row in told} == wrong and len(told) == bad
        assert all(row.rule and row.way_out for row in told)
        assert len(Counter(row.rule for row in told)) == len(BAD)
        first = set(session.scalars(select(Listing.sku).where(Listing.sku.startswith("B-"))))
    table = list(sheets.lines(BytesIO(desk.browser.get(f"{desk.address}/failed.xlsx").data)))
    assert [int(line.cells[-1]) for line in table[1:]] == sorted(wrong)
    right = {heading: figure for heading, _, _, figure in BAD}
    mended = []
    for line in table[1:]:
        heading, _, place = wrong[int(line.cells[-1])]
        assert line.cells[-2].startswith(f"{heading}：")
        mended.append(tuple(right[heading] if at == place else cell for at, cell in enumerate(line.cells)))
    desk.bring(workbook(mended, tuple(table[0].cells)))
    assert counts(shop) == (JobState.DONE, bad, bad, 0, 0, 0)
    with shop.session() as session:
        now = list(session.scalars(select(Listing.sku).where(Listing.sku.startswith("B-"))))
    assert len(now) == len(set(now)) == rows and set(now) - first == {f"B-{line - 2:05d}" for line in wrong}
    assert table[0].cells[: len(HEADS)] == list(HEADS)


def test_twenty_bad_cells_of_a_thousand_rows_are_reported_and_retried(shop, desk):
    reported_and_retried(shop, desk, 1_000, 20)


@pytest.mark.deep
@pytest.mark.timeout(3000)
@pytest.mark.both_databases
def test_a_thousand_bad_cells_of_fifty_thousand_rows_are_reported_and_retried(shop, desk):
    reported_and_retried(shop, desk, 50_000, 1_000)
