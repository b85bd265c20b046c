"""The shape of a row of reference prices, and why one is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.kernel.errors import N_
from app.kernel.money import parse_yuan
from app.kernel.sheets import BadCell, Column


@dataclass(frozen=True, kw_only=True)
class Found:
    """A price found outside the mall, in fen."""

    product_id: int
    source: str
    day: date
    price_fen: int


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        raise BadCell(N_("不是日期"), N_("填写如 2026-11-24")) from error


def _price(text: str) -> int:
    fen = parse_yuan(text)
    if fen <= 0:
        raise BadCell(N_("金额必须大于零"), N_("填写以元为单位的金额，如 1234.56"))
    return fen


def _source(text: str) -> str:
    if len(text) > 60:
        raise BadCell(N_("来源不超过 60 字"), N_("写来源网站或厂商的简称"))
    return text


COLUMNS: Final[Sequence[Column]] = (
    Column("category_code", N_("品目编码")),
    Column("brand", N_("品牌")),
    Column("model", N_("型号")),
    Column("source", N_("来源"), parse=_source),
    Column("day", N_("日期"), parse=_day),
    Column("price", N_("价格（元）"), parse=_price),
)
"""What a table of reference prices has; the product is named by category, brand and model."""
