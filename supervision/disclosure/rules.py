"""What a public notice of an order says: a self-contained body of plain values, and its digest. Amounts in fen."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import N_, Unavailable
from supervision.disclosure.states import NoticeKind


class NotYetPublished(Unavailable):
    """The end of a contract is published after its beginning; the consumer comes back."""

    code = "notice.not_yet_published"
    message = N_("合同公告尚未发布，终止公告稍后自动发布")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A notice before it has a number."""

    kind: NoticeKind
    region: str
    title_facts: dict[str, str]
    contract: str
    order: str
    unit_name: str
    supplier_name: str
    amount_fen: int
    is_sme: bool
    body: str
    search_text: str

    @property
    def sha256(self) -> str:
        """The digest of the body as stored."""
        return digest(self.body)


def digest(body: str) -> str:
    """SHA-256 of a stored body."""
    return hashlib.sha256(body.encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def contract_notice(event: Mapping[str, Any], *, region: str, region_name: str, at: str, names: Mapping[str, str]) -> Draft:
    """The contract notice of a confirmation (实施条例 50; 采购人、供应商、标的、型号、数量、单价、总价、日期、方式).

    `event` is the body of `order.confirmed`, `names` the names of its categories, `at` the moment of conclusion.
    """
    details = event["details"]
    lines = [
        {
            "no": line["no"],
            "item": line["title"],
            "brand": line["brand"],
            "model": line["model"],
            "category": line["category"],
            "category_name": names.get(line["category"], ""),
            "quantity": line["quantity"],
            "price_fen": line["price_fen"],
            "amount_fen": line["price_fen"] * line["quantity"],
        }
        for line in event["lines"]
    ]
    body = {
        "kind": NoticeKind.CONTRACT.value,
        "contract": details["contract"],
        "filing": details["filing"],
        "contract_sha256": details["sha256"],
        "order": event["order"],
        "region": region,
        "region_name": region_name,
        "unit": event["unit_name"],
        "supplier": event["supplier_name"],
        "sme": details["sme"],
        "mode": "direct",
        "concluded_at": at,
        "payment_days": details["payment_days"],
        "amount_fen": details["amount_fen"],
        "lines": lines,
    }
    return _draft(NoticeKind.CONTRACT, body, region)


def termination_notice(contract: Mapping[str, Any], *, at: str) -> Draft:
    """The notice that a published contract ended, in whole or for what was not sent (财办库〔2023〕243号)."""
    kept = ("contract", "filing", "contract_sha256", "order", "region", "region_name", "unit", "supplier", "sme", "mode", "concluded_at")
    body = {name: contract[name] for name in kept} | {
        "kind": NoticeKind.TERMINATION.value,
        "ended_at": at,
        "amount_fen": contract["amount_fen"],
        "lines": contract["lines"],
    }
    return _draft(NoticeKind.TERMINATION, body, contract["region"])


def _draft(kind: NoticeKind, body: Mapping[str, Any], region: str) -> Draft:
    lines = body["lines"]
    item = lines[0]["category_name"] or lines[0]["item"] if lines else ""
    words = [body["contract"], body["order"], body["unit"], body["supplier"], body["region_name"]]
    words += [text for line in lines for text in (line["item"], line["brand"], line["model"], line["category"], line["category_name"])]
    return Draft(
        kind=kind,
        region=region,
        title_facts={"unit": body["unit"], "item": item},
        contract=body["contract"],
        order=body["order"],
        unit_name=body["unit"],
        supplier_name=body["supplier"],
        amount_fen=body["amount_fen"],
        is_sme=body["sme"],
        body=_canonical(body),
        search_text=" ".join(words).lower(),
    )


def title_of(draft: Draft) -> str:
    """The stored title, in the language of the record."""
    ending = "采购合同" if draft.kind is NoticeKind.CONTRACT else "采购合同终止"
    return f"{draft.title_facts['unit']}{draft.title_facts['item']}{ending}"
