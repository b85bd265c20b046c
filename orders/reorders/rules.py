"""What becomes of a line that is bought again, and what a typed or uploaded line must say. Amounts in fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel.errors import N_, Conflict, Invalid
from app.kernel.sheets import BadCell, CellProblem, Column, SheetRow
from orders.carts.rules import MOST_LINES, MOST_PIECES

RULE: Final = "RL"
MOST_LISTS: Final = "lists_most"
"""How many lists a unit keeps (a dated row)."""
MOST_NAME: Final = 60


class Fate(StrEnum):
    """What became of a line on its way into the cart."""

    SAME = "same"
    CHEAPER = "cheaper"
    DEARER = "dearer"
    REPLACED = "replaced"
    GONE = "gone"
    FULL = "full"


FATE_NAMES: Final = {
    Fate.SAME: N_("原价加入"),
    Fate.CHEAPER: N_("已降价"),
    Fate.DEARER: N_("已涨价"),
    Fate.REPLACED: N_("原报价不可用，换为同款最低价"),
    Fate.GONE: N_("已无人在售"),
    Fate.FULL: N_("购物车已满，没有加入"),
}
TONES: Final = {Fate.SAME: "ok", Fate.CHEAPER: "ok", Fate.DEARER: "warn", Fate.REPLACED: "warn", Fate.GONE: "bad", Fate.FULL: "bad"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An offer that could be taken."""

    listing_id: int
    price_fen: int
    stock: int
    areas: tuple[str, ...]


def fate(listing_id: int, price_fen: int, quantity: int, offers: Sequence[Choice]) -> tuple[Choice | None, Fate]:
    """The offer to take for a line, and what that is to the buyer: his own if it has enough, else the lowest that has, else none.

    `offers` are the live ones of the product in the buyer's region, the lowest price first.
    """
    own = next((each for each in offers if each.listing_id == listing_id and each.stock >= quantity), None)
    if own is not None:
        return own, Fate.SAME if own.price_fen == price_fen else Fate.CHEAPER if own.price_fen < price_fen else Fate.DEARER
    other = next((each for each in offers if each.stock >= quantity), None)
    return (other, Fate.REPLACED) if other is not None else (None, Fate.GONE)


# ---------------------------------------------------------------- lines by code


def whole_number(text: str) -> int:
    """A quantity as typed. Raises BadCell."""
    digits = text.strip().replace(",", "").removesuffix(".0")
    if not digits.isascii() or not digits.isdecimal() or not 0 < int(digits[:18]) <= MOST_PIECES:
        raise BadCell(N_("数量须为 1 到 100,000 之间的整数"), N_("改为整数"))
    return int(digits)


def code(text: str) -> str:
    """A number or model as typed. Raises BadCell."""
    words = " ".join(text.split())
    if len(words) > 60:
        raise BadCell(N_("编码最多 60 字"), N_("填写货号、条码或型号"))
    return words


COLUMNS: Final = (Column("code", N_("编码"), parse=code), Column("quantity", N_("数量"), parse=whole_number))
CALLED: Final[Mapping[str, str]] = {
    name: field
    for field, names in {
        "code": (N_("编码"), N_("商品编码"), N_("货号"), N_("型号"), N_("条码"), "code", "sku", "gtin", "model", "item"),
        "quantity": (N_("数量"), N_("采购数量"), N_("件数"), "quantity", "qty", "pieces", "amount"),
    }.items()
    for name in names
}
"""Headings by which the two columns are known; other columns of the file are left alone."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A line that names offers: the lowest of each product that the code fits."""

    line: int
    code: str
    quantity: int
    choices: tuple[int, ...]
    """Listing ids; more than one when the code fits several products."""


def matched(rows: Sequence[SheetRow], found: Mapping[str, Sequence[tuple[int, Choice]]]) -> tuple[list[Match], list[CellProblem]]:
    """Lines with the offers they mean, and a problem for every cell that means none; `found` holds product and offer by code."""
    matches, problems = [], []
    for row in rows:
        text, quantity = row["code"], row["quantity"]
        offers = found.get(text, ())
        if not offers:
            unknown = N_("没有在售并供货到本地区的商品"), N_("核对货号、条码或型号，或改用搜索")
            problems.append(CellProblem(row.line, N_("编码"), text, *unknown))
            continue
        lowest: dict[int, int] = {}
        for product_id, offer in offers:
            if offer.stock >= quantity:
                lowest.setdefault(product_id, offer.listing_id)
        if not lowest:
            most = max(offer.stock for _, offer in offers)
            short = N_("没有一家有这么多库存"), N_("减少数量，或分给几家供应商")
            problems.append(CellProblem(row.line, N_("数量"), f"{quantity} > {most}", *short))
            continue
        matches.append(Match(line=row.line, code=text, quantity=quantity, choices=tuple(lowest.values())))
    return matches, problems


# ---------------------------------------------------------------- refusals


class BadName(Invalid):
    """A list has a name."""

    code = "reorder.bad_name"
    message = N_("清单名称须为 1 到 60 字")
    field: str | None = "name"


class NameTaken(Conflict):
    """Lists of a unit have different names."""

    code = "reorder.name_taken"
    message = N_("本单位已有名为“%(name)s”的清单")
    way_out = N_("请换一个名称，或打开那一份")
    name: str


class TooManyLists(Conflict):
    """More lists than anybody can look through."""

    code = "reorder.too_many_lists"
    message = N_("本单位最多保存 %(most)s 份清单")
    way_out = N_("请先删除不用的清单")
    most: int


class ListFull(Conflict):
    """A list holds no more than a cart."""

    code = "reorder.list_full"
    message = N_("一份清单最多 %(most)s 行")
    way_out = N_("请另建一份清单")
    most: int = MOST_LINES


class NothingTyped(Invalid):
    """Neither lines nor a file."""

    code = "reorder.nothing_typed"
    message = N_("没有填写任何一行")
    way_out = N_("请填写编码和数量，或选择一个 xlsx、csv 文件")


class TooManyRows(Invalid):
    """No more lines than a cart holds."""

    code = "reorder.too_many_rows"
    message = N_("共 %(count)s 行，一次最多 %(most)s 行")
    way_out = N_("请分几次导入")
    count: int
    most: int = MOST_LINES


def check_name(name: str) -> str:
    """A name without spaces around it. Raises BadName."""
    text = " ".join(name.split())
    if not 0 < len(text) <= MOST_NAME:
        raise BadName()
    return text
