"""A notice as PDF: set from the notice alone, so it can be made at any time with the same bytes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.config import Settings
from app.kernel import clock, money, typeset
from app.kernel.errors import N_
from supervision.disclosure import queries
from supervision.disclosure.states import KIND_NAMES, MODE_NAMES
from supervision.disclosure.tables import Notice


def file_of(notice: Notice, settings: Settings) -> Path:
    """The notice as a file, made now if nobody has made it yet. Raises DocumentBusy."""
    file = settings.folder("notices") / f"{notice.number}{'-demo' if settings.is_demo else ''}.pdf"
    return typeset.kept(file, lambda: pdf_of(notice, address=settings.address, demo=settings.is_demo))


def verification_address(notice: Notice, address: str) -> str:
    """Where anybody can check the notice."""
    return f"{address}/portal/verify?number={notice.number}&sha256={notice.sha256}"


def pdf_of(notice: Notice, *, address: str, demo: bool) -> bytes:
    """The notice as tagged PDF bytes that depend on nothing but the notice, the address and the mark."""
    body, verify = queries.body_of(notice), verification_address(notice, address)
    published = f"{clock.local(notice.published_at):%Y-%m-%d %H:%M:%S}"
    content = {
        "title": notice.title,
        "kind": KIND_NAMES[notice.kind],
        "number": notice.number,
        "sha256": notice.sha256,
        "mark": typeset.DEMO_MARK if demo else "",
        "verify": verify,
        "verify_label": "扫码核验",
        "qr": typeset.qr_code(verify),
        "facts": [list(pair) for pair in facts_of(body, published)],
        "heads": ["序号", "标的", "品牌与型号", "数量", "单价（元）", "金额（元）"],
        "rows": [
            [
                str(line["no"]),
                line["item"],
                f"{line['brand']} {line['model']}".strip(),
                str(line["quantity"]),
                money.yuan(line["price_fen"]),
                money.yuan(line["amount_fen"]),
            ]
            for line in body["lines"]
        ],
        "total": f"合计 {money.yuan(body['amount_fen'])} 元（人民币{money.capital(body['amount_fen'])}）",
    }
    template = (files("supervision.disclosure") / "data/notice.typ").read_bytes()
    return typeset.pdf(template, content, at=notice.published_at)


def as_recorded(text: str, **facts: object) -> str:
    """The text in the language of the record."""
    return text % facts if facts else text


def facts_of(body: Mapping[str, Any], published: str, tell: Callable[..., str] = as_recorded) -> list[tuple[str, str]]:
    """The head of a notice as label and text; `tell` says them in another language."""
    found = [
        (tell(N_("采购单位")), body["unit"]),
        (tell(N_("供应商")), body["supplier"] + (tell(N_("（中小企业）")) if body["sme"] else "")),
        (tell(N_("区域")), body["region_name"]),
        (tell(N_("采购方式")), tell(MODE_NAMES.get(body["mode"], body["mode"]))),
        (tell(N_("合同编号")), body["contract"]),
        (tell(N_("合同备案号")), body["filing"]),
        (tell(N_("订单号")), body["order"]),
        (tell(N_("合同成立")), _moment(body["concluded_at"])),
    ]
    if "ended_at" in body:
        found.append((tell(N_("合同终止")), _moment(body["ended_at"])))
    if "payment_days" in body:
        found.append((tell(N_("付款期限")), tell(N_("%(n)s 日"), n=body["payment_days"])))
    return [*found, (tell(N_("合同 SHA-256")), body["contract_sha256"]), (tell(N_("公告时间")), published)]


def _moment(text: str) -> str:
    return f"{clock.local(datetime.fromisoformat(text)):%Y-%m-%d %H:%M:%S}"
