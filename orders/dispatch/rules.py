"""What a shop's refusal means for the order, and what is told to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.kernel import money
from app.kernel.errors import N_, Refusal
from catalog.connections.rules import PushedLine, Unreadable, fen_of
from catalog.connections.states import Job

LONGEST_NOTE = 300
_REFUSED = N_("供应商商城系统拒单（%(name)s）：%(why)s")
_DRIFT = N_("货号 %(sku)s 订单价 %(ordered)s 元，现价 %(present)s 元。")

CODES: dict[str, str] = {
    "price_changed": "price_error", "total_mismatch": "price_error", "out_of_stock": "out_of_stock", "off_shelf": "out_of_stock",
    "bad_address": "cannot_deliver",
}  # fmt: skip
"""What the shop says, as one of the reasons for which a supplier may refuse an order."""
HURRY: dict[str, Job] = {"price_changed": Job.PRICE, "out_of_stock": Job.STOCK, "off_shelf": Job.POOL}
"""What the mall asks the shop for anew, because it was refused for being out of date."""

NAMES: dict[str, str] = {
    "price_changed": N_("价格已变动"), "total_mismatch": N_("合计与明细不符"), "out_of_stock": N_("库存不足"), "off_shelf": N_("已下架"),
    "bad_address": N_("收货地区不支持配送"), "cancelled": N_("此前已通知取消"),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a shop said of an order: its own number of it, or why not."""

    shop_order: str | None = None
    shop_code: str = ""
    note: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the shop took the order."""
        return self.shop_order is not None


def code_of(shop_code: str) -> str:
    """The supplier's reason for a refusal (a code of contracts)."""
    return CODES.get(shop_code, "other")


def note_of(shop_code: str, shop_message: str, told: Any, lines: Sequence[PushedLine]) -> str:
    """The reason in words for both sides; a price that moved is named with both prices. Kept in Chinese with the order."""
    words = " ".join(_drift(told, lines)) if shop_code == "price_changed" else ""
    plain = shop_message.strip() if shop_message.isprintable() else ""
    said = words or plain or NAMES.get(shop_code, shop_code)
    return (_REFUSED % {"name": NAMES.get(shop_code, shop_code), "why": said})[:LONGEST_NOTE]


def _drift(told: Any, lines: Sequence[PushedLine]) -> list[str]:
    """Each line whose price moved, as far as the shop says so in a form that can be read."""
    prices = told.get("prices") if isinstance(told, Mapping) else None
    if not isinstance(prices, Mapping):
        return []
    found = []
    for line in lines:
        try:
            present = fen_of(prices[line.sku])
        except (KeyError, Unreadable):
            continue
        if present != line.price_fen:
            found.append(_DRIFT % {"sku": line.sku, "ordered": money.yuan(line.price_fen), "present": money.yuan(present)})
    return found


def trouble_of(refused: Refusal) -> str:
    """A stable word for what went wrong."""
    return str(getattr(refused, "reason", None) or getattr(refused, "shop_code", None) or refused.code)[:60]
