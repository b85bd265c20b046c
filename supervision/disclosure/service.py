"""Publishing notices, and their documents."""

import io
import json
import re
import threading
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import segno
import typst
from sqlalchemy.orm import Session

from app.kernel import clock, money, numbers, outbox, regions
from app.policy import SYSTEM
from catalog.taxonomy import queries as taxonomy
from supervision.disclosure import events, queries, rules
from supervision.disclosure.states import KIND_NAMES, MODE_NAMES, NoticeKind
from supervision.disclosure.tables import Notice

DEMO_MARK = "演示数据"
WAIT_S = 5.0
_turn = threading.Lock()


def publish_contract(session: Session, event: Mapping[str, Any], *, region: str, at: datetime) -> Notice | None:
    """Publish the contract that a confirmation concluded; None when it is public already. `event` is the fact's body."""
    if queries.of_contract(session, event["details"]["contract"]) is not None:
        return None
    names = taxonomy.names(session, {line["category"] for line in event["lines"]})
    draft = rules.contract_notice(
        event, region=region, region_name=regions.full_name(region), at=at.isoformat(timespec="seconds"), names=names
    )
    return _publish(session, draft)


def publish_termination(session: Session, event: Mapping[str, Any], *, at: datetime) -> Notice | None:
    """Publish that a contract ended; None when that is public already. Raises NotYetPublished before the contract's own notice."""
    concluded = queries.named(session, event["order"])
    if concluded is None:
        raise rules.NotYetPublished()
    if queries.of_contract(session, concluded.contract_number, NoticeKind.TERMINATION) is not None:
        return None
    return _publish(session, rules.termination_notice(queries.body_of(concluded), at=at.isoformat(timespec="seconds")))


def _publish(session: Session, draft: rules.Draft) -> Notice:
    notice = Notice(
        number=numbers.new("GG", at=clock.today()),
        kind=draft.kind,
        region=draft.region,
        title=rules.title_of(draft),
        contract_number=draft.contract,
        order_number=draft.order,
        unit_name=draft.unit_name,
        supplier_name=draft.supplier_name,
        amount_fen=draft.amount_fen,
        is_sme=draft.is_sme,
        body=draft.body,
        search_text=draft.search_text,
        sha256=draft.sha256,
        published_at=clock.now(),
    )
    session.add(notice)
    fact = events.NoticePublished(
        notice=notice.number, kind=draft.kind.value, contract=draft.contract, order=draft.order, sha256=draft.sha256
    )
    outbox.record(session, SYSTEM, fact, stream=notice.number, version=1, region=draft.region)
    session.flush()
    return notice


# ---------------------------------------------------------------- documents


def document(folder: Path, notice: Notice, *, address: str, demo: bool) -> Path:
    """The notice as a PDF file, made at the first request and kept. Raises DocumentBusy when others are before us for long."""
    file = folder / f"{notice.number}{'-demo' if demo else ''}.pdf"
    if file.exists():
        return file
    if not _turn.acquire(timeout=WAIT_S):
        raise rules.DocumentBusy()
    try:
        if not file.exists():
            draft = file.with_suffix(".new")
            draft.write_bytes(pdf_of(notice, address=address, demo=demo))
            draft.replace(file)
    finally:
        _turn.release()
    return file


def verification_address(notice: Notice, address: str) -> str:
    """Where anybody can check the notice."""
    return f"{address}/portal/verify?number={notice.number}&sha256={notice.sha256}"


def pdf_of(notice: Notice, *, address: str, demo: bool) -> bytes:
    """The notice as tagged PDF bytes that depend on nothing but the notice, the address and the mark."""
    body, verify = queries.body_of(notice), verification_address(notice, address)
    code = io.BytesIO()
    segno.make(verify, error="m").save(code, kind="svg", border=0, xmldecl=False)
    published = f"{clock.local(notice.published_at):%Y-%m-%d %H:%M:%S}"
    content = {
        "title": notice.title,
        "kind": KIND_NAMES[notice.kind],
        "number": notice.number,
        "sha256": notice.sha256,
        "mark": DEMO_MARK if demo else "",
        "verify": verify,
        "verify_label": "扫码核验",
        "qr": code.getvalue().decode(),
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
    fonts = str(pylopdf_fonts_zh_cn.serif_path().parent)
    compiler: Any = typst.Compiler(  # type: ignore[misc]
        template, font_paths=[fonts], ignore_system_fonts=True, sys_inputs={"document": json.dumps(content)}
    )
    return bytes(compiler.compile(format="pdf", timestamp=int(notice.published_at.timestamp())))


def facts_of(body: Mapping[str, Any], published: str) -> list[tuple[str, str]]:
    """The head of a notice as label and text, in the language of the record."""
    found = [
        ("采购单位", body["unit"]),
        ("供应商", body["supplier"] + ("（中小企业）" if body["sme"] else "")),
        ("区域", body["region_name"]),
        ("采购方式", MODE_NAMES.get(body["mode"], body["mode"])),
        ("合同编号", body["contract"]),
        ("合同备案号", body["filing"]),
        ("订单号", body["order"]),
        ("合同成立", _moment(body["concluded_at"])),
    ]
    if "ended_at" in body:
        found.append(("合同终止", _moment(body["ended_at"])))
    if "payment_days" in body:
        found.append(("付款期限", f"{body['payment_days']} 日"))
    return [*found, ("合同 SHA-256", body["contract_sha256"]), ("公告时间", published)]


def _moment(text: str) -> str:
    return f"{clock.local(datetime.fromisoformat(text)):%Y-%m-%d %H:%M:%S}"


def tidy(number: str) -> str:
    """A typed number as numbers are stored."""
    return numbers.tidy(re.sub(r"\s", "", number))[:40]
