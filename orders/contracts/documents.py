"""The contract's PDF: set from the contract alone, so it can be made at any time with the same bytes."""

import re
from importlib.resources import files
from pathlib import Path

from app.config import Settings
from app.kernel import clock, typeset
from orders.contracts.tables import Contract

_SECTION = re.compile(r"^[一二三四五六七八九十]+、")
_ITEM = re.compile(r"^\d+\. ")


def file_of(contract: Contract, settings: Settings) -> Path:
    """The contract as a file, made now if nobody has made it yet. Raises DocumentBusy."""
    file = settings.folder("documents") / f"{contract.number}.pdf"
    return typeset.kept(file, lambda: pdf_of(contract, address=settings.address, demo=settings.is_demo))


def verification_address(contract: Contract, address: str) -> str:
    """Where anybody can check the text's digest."""
    return f"{address}/portal/verify?contract={contract.number}&sha256={contract.sha256}"


def pdf_of(contract: Contract, *, address: str, demo: bool) -> bytes:
    """The contract as PDF/UA-tagged bytes that depend on nothing but the contract, the address and the mark."""
    verify = verification_address(contract, address)
    names = dict(re.findall(r"^(甲方|乙方)（.*?）：(.*)$", contract.text, re.MULTILINE))
    concluded = f"{clock.local(contract.concluded_at):%Y-%m-%d %H:%M:%S}"
    document = {
        "title": f"政府采购合同 {contract.number}",
        "author": names.get("甲方", ""),
        "number": contract.number,
        "sha256": contract.sha256,
        "mark": typeset.DEMO_MARK if demo else "",
        "verify": verify,
        "verify_label": "扫码核验",
        "qr": typeset.qr_code(verify),
        "blocks": blocks_of(contract.text),
        "parties": [
            {"label": f"{party}（电子签署）", "name": name, "signed": f"于 {concluded} 成立"} for party, name in names.items()
        ],
    }
    template = (files("orders.contracts") / "data/document.typ").read_bytes()
    return typeset.pdf(template, document, at=contract.concluded_at)


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
