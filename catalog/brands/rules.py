"""When two ways of writing a brand or a model are the same, and why a brand is refused."""

import json
import re
import unicodedata
from importlib.resources import files
from typing import Final

from app.kernel.errors import N_, Conflict, Invalid, Missing

_BETWEEN: Final = re.compile(r"[\s\-‐‑‒–—―_·•・'’\"“”()（）\[\]【】]+")


def key_of(text: str) -> str:
    """What is compared instead of the text itself: letters of one width and case, without the signs people put between them.

    `HL-2260`, `hl 2260` and `ＨＬ２２６０` are alike; a plus, a stroke and a point tell models apart and stay.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _BETWEEN.sub("", plain) or plain.strip()


def shipped() -> dict[str, tuple[str, ...]]:
    """The brands that come with the product, each with its other names."""
    text = (files("catalog.brands") / "data" / "brands.json").read_text("utf-8")
    return {brand: tuple(names) for brand, names in json.loads(text).items()}


class UnknownBrand(Missing):
    """There is no such brand."""

    code = "brand.unknown"
    message = N_("没有这个品牌，可能已被合并")


class BadBrand(Invalid):
    """A brand has a name of letters or figures."""

    code = "brand.bad_name"
    message = N_("品牌名“%(brand)s”须含文字或数字，不超过 60 字")
    field: str | None = "name"
    brand: str


class BrandTaken(Conflict):
    """The name belongs to this or another brand already."""

    code = "brand.taken"
    message = N_("“%(name)s”已是品牌“%(brand)s”的名称或别名")
    way_out = N_("要归到另一品牌下，请先在原品牌中移除该别名")
    name: str
    brand: str


class BrandArchived(Invalid):
    """Archived brands take no new products."""

    code = "brand.archived"
    message = N_("品牌“%(brand)s”已停用，不能用于新的产品")
    way_out = N_("请改用现行品牌名称，或联系集中采购机构恢复该品牌")
    field: str | None = "brand"
    brand: str


def checked_name(text: str) -> str:
    """A brand's name without doubled spaces. Raises BadBrand."""
    name = " ".join(text.split())
    if not 0 < len(name) <= 60 or not any(sign.isalnum() for sign in name):
        raise BadBrand(brand=name[:60])
    return name
