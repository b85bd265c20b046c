"""A supplier imports a workbook: columns by hand, an error for each wrong cell, the failed rows alone corrected and tried again."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.kernel import sheets
from app.kernel.xlsx_writing import Head, Sheet, written
from tests.app.bulk.conftest import HEADS, offer, workbook
from tests.browser.axe import violations
from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")

LISTER = "lister.journey"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OUR_HEADS = ("我方货号", *HEADS[1:])
"""The first heading is one that the mall does not know."""
RIGHT, WRONG_PRICE, WRONG_STOCK = offer(1), offer(2, price="面议"), offer(3, stock="充足")


def uploads(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("文件（xlsx 或 CSV）").set_input_files({"name": name, "mimeType": XLSX, "buffer": content})
    page.get_by_role("button", name="上传并对应列").click()
    page.wait_for_url(re.compile("/bulk/jobs/"))


def checks(page: Page) -> None:
    page.get_by_role("button", name="检查整个文件").click()
    expect(page.get_by_text("已检查，待写入", exact=True)).to_be_visible(timeout=20_000)


def corrected(failed: Path) -> bytes:
    """The workbook of failed rows as it came, with the two wrong cells mended; the columns with the reasons stay."""
    head, *rows = [line.cells for line in sheets.lines(BytesIO(failed.read_bytes()))]
    mended = [[{"面议": "899.50", "充足": "20"}.get(str(cell), str(cell)) for cell in row] for row in rows]
    assert [str(cell) for row in rows for cell in row].count("面议") == 1
    return b"".join(written([Sheet("商品", [Head(str(each)) for each in head], mended)]))


def test_an_import_with_errors_is_corrected_and_tried_again(desk: Desk, tmp_path: Path) -> None:
    page = desk.page(LISTER, "/bulk/listings")
    assert violations(page) == []
    uploads(page, "秋季上新.xlsx", workbook([RIGHT, WRONG_PRICE, WRONG_STOCK], OUR_HEADS))
    expect(page.locator("main")).to_contain_text("必需的列还没有对应")
    assert violations(page) == []
    page.get_by_label("“A”列对应").select_option("sku")
    checks(page)
    for said in ("面议", "充足", "怎么改"):
        expect(page.locator("main")).to_contain_text(said)
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="下载错误清单").click()
    failed = tmp_path / "failed.xlsx"
    download.value.save_as(failed)
    page.get_by_role("button", name="写入没有错误的 1 行").click()
    expect(page.get_by_text("已写入", exact=True)).to_be_visible(timeout=20_000)

    page.get_by_role("link", name="上传改正后的文件").click()
    uploads(page, "秋季上新 改正.xlsx", corrected(failed))
    checks(page)
    page.get_by_role("button", name="写入没有错误的 2 行").click()
    expect(page.get_by_text("已写入", exact=True)).to_be_visible(timeout=20_000)
    page.goto("/listings/?q=B-0000")
    for number in (1, 2, 3):
        expect(page.locator("main")).to_contain_text(f"B-0000{number}")
    page.goto("/bulk/listings")
    expect(page.get_by_role("row", name=re.compile("秋季上新 改正"))).to_be_visible()
    assert violations(page) == []
    page.close()
