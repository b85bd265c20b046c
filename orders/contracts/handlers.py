"""The contract's PDF: made outside the transaction, with the same bytes every time, and noted inside it."""

import hashlib
import io
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import segno
import typst
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.outbox import Consumer, Event, Timer
from orders.contracts.tables import Contract, ContractDocument

DEMO_MARK = "演示数据"
_SECTION = re.compile(r"^[一二三四五六七八九十]+、")
_ITEM = re.compile(r"^\d+\. ")


def consumers(settings: Settings) -> tuple[Consumer, ...]:
    """The maker of documents."""
    folder = settings.folder("documents")

    def make(session: Session, events: Sequence[Event]) -> list[tuple[int, Path, str]]:
        orders = [json.loads(event.body)["details"]["contract"] for event in events]
        made = []
        for contract in session.scalars(select(Contract).where(Contract.number.in_(orders))):
            content = pdf_of(contract, address=settings.address, demo=settings.is_demo)
            made.append((contract.id, _kept(folder / f"{contract.number}.pdf", content), hashlib.sha256(content).hexdigest()))
        return made

    def note(session: Session, _events: Sequence[Event], made: list[tuple[int, Path, str]]) -> None:
        for contract_id, path, digest in made:
            if session.get(ContractDocument, contract_id) is None:
                session.add(ContractDocument(contract_id=contract_id, path=path.name, sha256=digest, made_at=clock.now()))

    return (Consumer(name="contracts.document", types=("order.confirmed",), outside=make, inside=note, batch=5, lane="documents"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """Nothing in this chapter waits for the clock; an unconfirmed order lapses with the approvals' deadlines."""
    return ()


def verification_address(contract: Contract, address: str) -> str:
    """Where anybody can check the text's digest."""
    return f"{address}/portal/verify?contract={contract.number}&sha256={contract.sha256}"


def pdf_of(contract: Contract, *, address: str, demo: bool) -> bytes:
    """The contract as PDF/UA-tagged bytes that depend on nothing but the contract, the address and the mark."""
    verify = verification_address(contract, address)
    code = io.BytesIO()
    segno.make(verify, error="m").save(code, kind="svg", border=0, xmldecl=False)
    names = dict(re.findall(r"^(甲方|乙方)（.*?）：(.*)$", contract.text, re.MULTILINE))
    concluded = f"{clock.local(contract.concluded_at):%Y-%m-%d %H:%M:%S}"
    document = {
        "title": f"政府采购合同 {contract.number}",
        "author": names.get("甲方", ""),
        "number": contract.number,
        "sha256": contract.sha256,
        "mark": DEMO_MARK if demo else "",
        "verify": verify,
        "verify_label": "扫码核验",
        "qr": code.getvalue().decode(),
        "blocks": blocks_of(contract.text),
        "parties": [
            {"label": f"{party}（电子签署）", "name": name, "signed": f"于 {concluded} 成立"} for party, name in names.items()
        ],
    }
    template = (files("orders.contracts") / "data/document.typ").read_bytes()
    fonts: Any = [str(pylopdf_fonts_zh_cn.serif_path().parent)]
    return typst.compile(
        template,
        font_paths=fonts,
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"document": json.dumps(document)},
        timestamp=int(contract.concluded_at.timestamp()),
    )


def blocks_of(text: str) -> list[dict[str, str]]:
    """The contract's text as the blocks that are set one below the other."""
    blocks = []
    for number, line in enumerate(text.splitlines()):
        if number == 0:
            kind = "title"
        elif not line.strip():
            kind = "gap"
        elif number == 1:
            kind = "centre"
        elif _SECTION.match(line):
            kind = "section"
        elif _ITEM.match(line):
            kind = "item"
        else:
            kind = "detail" if line.startswith("　　") else "text"
        blocks.append({"kind": kind, "text": line.strip("　 ")})
    return blocks


def _kept(path: Path, content: bytes) -> Path:
    """Write whole or not at all."""
    draft = path.with_suffix(".new")
    draft.write_bytes(content)
    draft.replace(path)
    return path
