"""The shape of a product's attributes, and why a definition is refused."""

import json
from collections.abc import Mapping
from typing import Final

from app.kernel.errors import N_, Invalid

Attribute = str | int | float | bool
MOST_ATTRIBUTES: Final = 60


class NotLeaf(Invalid):
    """Products belong to the narrowest category."""

    code = "product.not_leaf"
    message = N_("%(category)s %(name)s 下还有更细的品目，请选到最末级")
    field: str | None = "category_code"
    category: str
    name: str


class BadAttributes(Invalid):
    """Attributes are names with plain values."""

    code = "product.bad_attributes"
    message = N_("规格参数“%(attribute)s”应为文字、数字或是否，名称不超过 40 字、内容不超过 200 字，总数不超过 60 项")
    field: str | None = "attributes"
    attribute: str


def stored(attributes: Mapping[str, object]) -> str:
    """Attributes as JSON text, in the order given. Raises BadAttributes for anything but text, numbers and yes or no."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise BadAttributes(attribute=str(len(attributes)))
    for name, value in attributes.items():
        plain = isinstance(value, str | int | float | bool)
        if not plain or not 0 < len(name) <= 40 or (isinstance(value, str) and len(value) > 200):
            raise BadAttributes(attribute=name[:40])
    return json.dumps(dict(attributes), ensure_ascii=False, separators=(",", ":"))


def attributes_of(text: str) -> dict[str, Attribute]:
    """Attributes by name, in the order in which they were given."""
    read: dict[str, Attribute] = json.loads(text)
    return read


def read_lines(text: str) -> dict[str, Attribute]:
    """Attributes typed one a line as `name：value`; whole numbers become numbers, 是 and 否 yes and no. Raises BadAttributes."""
    found: dict[str, Attribute] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.replace("：", ":", 1).partition(":")
        if not colon or not name.strip() or not value.strip():
            raise BadAttributes(attribute=line.strip()[:40])
        found[name.strip()] = _typed(value.strip())
    return found


def lines_of(attributes: Mapping[str, Attribute]) -> str:
    """The same the other way round, for the editor."""
    return "\n".join(f"{name}：{words(value)}" for name, value in attributes.items())


def words(value: Attribute) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{value:g}" if isinstance(value, float) else str(value)


def summary(attributes: Mapping[str, Attribute], most: int = 4) -> str:
    """The first few values in one line, for cards and lists; yes or no is told by its name."""
    parts = [name if value is True else words(value) for name, value in attributes.items() if value is not False]
    return " · ".join(parts[:most])


def _typed(value: str) -> Attribute:
    if value in {"是", "否"}:
        return value == "是"
    if value.isascii() and value.isdigit() and len(value) < 16 and (value == "0" or value[0] != "0"):
        return int(value)
    return value
