"""A frozen comparison to take away: as PDF with the same bytes every time, and as a workbook."""

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from app.config import Settings
from app.kernel import clock, money, typeset
from app.kernel.errors import N_
from app.kernel.xlsx_writing import Figure, Head, Sheet, written
from orders.comparisons import queries, rules
from orders.comparisons.rules import KIND_NAMES, Kind
from orders.comparisons.tables import Comparison

HEADS = (
    N_("序号"), N_("商品"), N_("品目"), N_("品牌"), N_("型号"), N_("供应商"), N_("单价（元）"), N_("计量单位"), N_("库存"),
    N_("送达（日）"), N_("商品编号"), N_("商品版本"),
)  # fmt: skip


def file_of(sheet: Comparison, settings: Settings) -> Path:
    """The sheet as a PDF file, made now if nobody has made it yet. Raises DocumentBusy."""
    file = settings.folder("documents") / f"{sheet.number}.pdf"
    return typeset.kept(file, lambda: pdf_of(sheet, address=settings.address, demo=settings.is_demo))


def pdf_of(sheet: Comparison, *, address: str, demo: bool) -> bytes:
    """The sheet as PDF/UA-tagged bytes that depend on nothing but the sheet, the address and the mark."""
    content = queries.content_of(sheet)
    page = f"{address}/comparisons/{sheet.number}"
    document = {
        "title": f"比选单 {sheet.number}",
        "author": content["unit"]["name"],
        "number": sheet.number,
        "sha256": sheet.sha256,
        "mark": typeset.DEMO_MARK if demo else "",
        "qr": typeset.qr_code(page),
        "verify": page,
        "facts": facts_of(sheet, content),
        "heads": ["序号", "商品", "品牌 型号", "供应商", "单价（元）", "单位", "库存", "送达", "版本"],
        "rows": [
            [
                str(hit["no"]), hit["title"], f"{hit['brand']} {hit['model']}", hit["supplier_name"], money.yuan(hit["price_fen"]),
                hit["unit"], str(hit["stock"]), f"{hit['days']} 日", f"{hit['listing']}-{hit['version']}",
            ]
            for hit in content["hits"]
        ],
    }  # fmt: skip
    template = (files("orders.comparisons") / "data/sheet.typ").read_bytes()
    return typeset.pdf(template, document, at=sheet.at)


def facts_of(sheet: Comparison, content: dict[str, Any]) -> list[list[str]]:
    """What stands above the table, as pairs of a label and a value."""
    told = "" if content["exact"] else "以上"
    facts = [
        ["采购单位", content["unit"]["name"]],
        ["经办人", content["by"]["name"]],
        ["冻结时间", f"{clock.local(sheet.at):%Y-%m-%d %H:%M:%S}"],
        ["范围", KIND_NAMES[Kind(sheet.kind)]],
        ["收录", f"{sheet.hits} 条，供应商 {sheet.suppliers} 家；当时共 {sheet.total} 条{told}"],
    ]
    question = content["question"]
    for each in rules.conditions(question.get("params", {}), question.get("names", {})):
        facts.append([each.name, each.value])
    if content["engine"]:
        facts.append(["搜索引擎", f"{content['engine']['name']}，索引第 {content['engine']['generation']} 代"])
    return facts


def workbook_of(sheet: Comparison, heads: tuple[str, ...]) -> bytes:
    """The sheet as a workbook of two pages, what was frozen and when, and the hits; the headings come in the reader's language."""
    content = queries.content_of(sheet)
    told = Sheet("比选单", [Head(sheet.number, 24), Head("", 80)], [["SHA-256", sheet.sha256], *facts_of(sheet, content)])
    hits = (
        [
            Figure(hit["no"]), hit["title"], hit["category"], hit["brand"], hit["model"], hit["supplier_name"],
            Figure(money.yuan(hit["price_fen"]).replace(",", "")), hit["unit"], Figure(hit["stock"]), Figure(hit["days"]),
            Figure(hit["listing"]), Figure(hit["version"]),
        ]
        for hit in content["hits"]
    )  # fmt: skip
    columns = [Head(head, is_number=place in NUMBERS) for place, head in enumerate(heads)]
    return b"".join(written([Sheet("报价", columns, hits), told]))


NUMBERS: Final = {0, 6, 8, 9, 10, 11}
"""The columns of figures."""
