"""How values of attributes are read and judged, how a profile is written, and why either is refused.

A number with a unit is kept as people write it, `16 GB`, so that whatever shows or finds it needs no profile beside it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, Final

from app.kernel.errors import N_, Invalid
from catalog.profiles.states import AttributeKind

Value = str | int | float | bool
_WORDS: Final[dict[str, list[str]]] = json.loads((files("catalog.profiles") / "data" / "words.json").read_text("utf-8"))
TOLD_ELSEWHERE: Final = frozenset(_WORDS["told_elsewhere"])
"""What the product or its offer says by itself; as an attribute it would be said twice, and perhaps otherwise."""
LONGEST_VALUE: Final = 200
_NUMBER: Final = re.compile(r"^([-+]?[\d,]*\.?\d+)\s*(.*)$")
_RANGE: Final = re.compile(rf"^([-+]?\d*\.?\d+)\s*(?:{'|'.join(_WORDS['between'])})\s*([-+]?\d*\.?\d+)\s*(.*)$")
_YES, _NO = frozenset(_WORDS["yes"]), frozenset(_WORDS["no"])
_COLONS: Final = frozenset(":" + "".join(_WORDS["colon"]))


# ---------------------------------------------------------------- values


class BadValue(Invalid):
    """A value that the profile does not take."""

    field: str | None = "attributes"
    attribute: str
    value: str


class ValueMissing(BadValue):
    """The profile asks for it."""

    code = "attribute.missing"
    message = N_("“%(attribute)s”必填，本品目的产品都要说明这一项")


class NotAnOption(BadValue):
    """A list takes its options only."""

    code = "attribute.not_an_option"
    message = N_("“%(attribute)s”填的“%(value)s”不在选项内，应为：%(options)s")
    options: str


class NotANumber(BadValue):
    """A number, with the unit of the profile or none."""

    code = "attribute.not_a_number"
    message = N_("“%(attribute)s”填的“%(value)s”应为数值，单位：%(unit)s")
    unit: str


class OutOfBounds(BadValue):
    """A number between two bounds, both allowed."""

    code = "attribute.out_of_bounds"
    message = N_("“%(attribute)s”填的“%(value)s”应在 %(bounds)s 之内")
    bounds: str


class NotARange(BadValue):
    """Two numbers, the lower first."""

    code = "attribute.not_a_range"
    message = N_("“%(attribute)s”填的“%(value)s”应写作“低值～高值”，例如 %(example)s")
    example: str


class NotOfPattern(BadValue):
    """A text of the form that the profile asks for."""

    code = "attribute.not_of_pattern"
    message = N_("“%(attribute)s”填的“%(value)s”不符合规定的格式 %(pattern)s")
    pattern: str


class NotYesOrNo(BadValue):
    """Yes or no."""

    code = "attribute.not_yes_or_no"
    message = N_("“%(attribute)s”填的“%(value)s”应为“是”或“否”")


class ValueTooLong(BadValue):
    """Values are short."""

    code = "attribute.too_long"
    message = N_("“%(attribute)s”的内容超过 200 字：%(value)s……")


class AttributesRefused(Invalid):
    """One or more values do not fit the profile of the category; `faults` has them all, each with attribute, value and rule."""

    code = "product.attributes_refused"
    message = N_("规格参数有 %(n)s 处不符合品目 %(category)s 的规格要求，第一处是“%(attribute)s”")
    way_out = N_("请按各项后面的说明改正；要求本身不合理的，请联系集中采购机构")
    field: str | None = "attributes"
    category: str
    n: int
    attribute: str
    faults: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute as a profile asks for it; `of` is the category that says so."""

    name: str
    kind: AttributeKind
    unit: str = ""
    options: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    pattern: str = ""
    required: bool = False
    archived: bool = False
    of: str = ""

    @property
    def bounds(self) -> str:
        """The bounds as people read them; empty where there are none."""
        if not (self.low or self.high):
            return ""
        figures = f"{self.low}～{self.high}" if self.low and self.high else f"≥ {self.low}" if self.low else f"≤ {self.high}"
        return f"{figures} {self.unit}".strip()

    def read(self, given: object) -> Value:
        """The value as it is kept. Raises BadValue in one of its forms."""
        if isinstance(given, bool) and self.kind is not AttributeKind.YES_NO:
            given = _WORDS["yes" if given else "no"][0]
        text = str(given).strip()
        if len(text) > LONGEST_VALUE:
            raise ValueTooLong(attribute=self.name, value=text[:20])
        match self.kind:
            case AttributeKind.YES_NO:
                return self._yes_or_no(given, text)
            case AttributeKind.NUMBER:
                return self._number(text)
            case AttributeKind.RANGE:
                return self._range(text)
            case AttributeKind.LIST:
                found = next((option for option in self.options if option.casefold() == text.casefold()), None)
                if found is None:
                    raise NotAnOption(attribute=self.name, value=text, options="、".join(self.options))
                return found
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise NotOfPattern(attribute=self.name, value=text, pattern=self.pattern)
        return text

    def _yes_or_no(self, given: object, text: str) -> bool:
        if isinstance(given, bool):
            return given
        if text.casefold() not in _YES | _NO:
            raise NotYesOrNo(attribute=self.name, value=text)
        return text.casefold() in _YES

    def _number(self, text: str) -> Value:
        said = _NUMBER.match(text)
        figure = _decimal(said[1].replace(",", "")) if said else None
        if said is None or figure is None or not self._in_unit(said[2]):
            raise NotANumber(attribute=self.name, value=text, unit=self.unit or "—")
        self._within(figure, text)
        if self.unit:
            return f"{_plain(figure)} {self.unit}"
        return int(figure) if figure == figure.to_integral_value() else float(figure)

    def _range(self, text: str) -> str:
        said = _RANGE.match(text)
        ends = [_decimal(said[1]), _decimal(said[2])] if said else [None]
        low, high = ends[0], ends[-1]
        if said is None or low is None or high is None or low > high or not self._in_unit(said[3]):
            raise NotARange(attribute=self.name, value=text, example=f"{self.low or '10'}～{self.high or '35'} {self.unit}".strip())
        self._within(low, text)
        self._within(high, text)
        return f"{_plain(low)}～{_plain(high)} {self.unit}".strip()

    def _in_unit(self, said: str) -> bool:
        return not said.strip() or said.strip().casefold() == self.unit.casefold()

    def _within(self, figure: Decimal, text: str) -> None:
        if (self.low and figure < Decimal(self.low)) or (self.high and figure > Decimal(self.high)):
            raise OutOfBounds(attribute=self.name, value=text, bounds=self.bounds)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a category's own attributes."""

    category_code: str
    number: int
    valid_from: date
    note: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the products of a category are described by on a day: its own attributes and those of the categories above."""

    category_code: str
    attributes: tuple[Attribute, ...] = ()
    versions: tuple[Version, ...] = ()
    """The versions it is made of, the broadest category first."""

    @property
    def asked(self) -> tuple[Attribute, ...]:
        """The attributes that new products are asked for."""
        return tuple(each for each in self.attributes if not each.archived)


def judged(profile: Profile, given: Mapping[str, object]) -> tuple[dict[str, Value], list[BadValue]]:
    """Values as they are kept, in the order of the profile and then of what else was said; and every fault.

    A value at fault is kept as it was given, so that nothing typed is lost. What the profile does not know is taken as it is.
    """
    kept: dict[str, Value] = {}
    faults: list[BadValue] = []
    for attribute in profile.attributes:
        said = given.get(attribute.name)
        if said is None or (isinstance(said, str) and not said.strip()):
            if attribute.required and not attribute.archived:
                faults.append(ValueMissing(attribute=attribute.name, value=""))
            continue
        try:
            kept[attribute.name] = attribute.read(said)
        except BadValue as fault:
            faults.append(fault)
            kept[attribute.name] = said if isinstance(said, str | int | float | bool) else str(said)
    for name, said in given.items():
        if name not in kept and said is not None and isinstance(said, str | int | float | bool) and str(said).strip():
            kept[name] = said
    return kept, faults


def check(profile: Profile, given: Mapping[str, object]) -> dict[str, Value]:
    """Values as they are kept. Raises AttributesRefused with every fault."""
    kept, faults = judged(profile, given)
    if faults:
        raise AttributesRefused(
            category=profile.category_code, n=len(faults), attribute=faults[0].attribute,
            faults=[{"code": fault.code, **fault.facts} for fault in faults],
        )  # fmt: skip
    return kept


def arranged(profile: Profile, attributes: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """Attributes as they are shown: in the order of the profile, bare figures with their unit, nothing said that stands elsewhere."""
    units = {each.name: each.unit for each in profile.attributes if each.kind is AttributeKind.NUMBER}
    order = {each.name: place for place, each in enumerate(profile.attributes)}
    names = sorted((name for name in attributes if name not in TOLD_ELSEWHERE), key=lambda name: order.get(name, len(order)))
    return [(name, _with_unit(attributes[name], units.get(name, ""))) for name in names]


def _with_unit(value: Value, unit: str) -> Value:
    if not unit or isinstance(value, bool) or (isinstance(value, str) and _decimal(value) is None):
        return value
    return f"{value:g} {unit}" if isinstance(value, float) else f"{value} {unit}"


def _decimal(text: str) -> Decimal | None:
    try:
        figure = Decimal(text)
    except InvalidOperation:
        return None
    return figure if figure.is_finite() and abs(figure.adjusted()) < 15 else None


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"


# ---------------------------------------------------------------- writing a profile


class BadDefinition(Invalid):
    """An attribute that cannot be asked for."""

    field: str | None = "name"
    attribute: str


class BadName(BadDefinition):
    """Attributes have short names."""

    code = "profile.bad_name"
    message = N_("规格项“%(attribute)s”的名称须有 1 到 40 字，不含冒号")


class NameTold(BadDefinition):
    """The product or its offer says it already."""

    code = "profile.name_told"
    message = N_("“%(attribute)s”已由产品或报价本身说明，不能再作规格项")
    way_out = N_("进口与否、质保、品牌型号、价格和库存各有专门的栏目")


class NameTwice(BadDefinition):
    """A profile asks for a thing once."""

    code = "profile.name_twice"
    message = N_("规格项“%(attribute)s”已经有了")
    way_out = N_("请修改已有的规格项；已停用的可以恢复")


class NoOptions(BadDefinition):
    """A list has at least two options."""

    code = "profile.no_options"
    message = N_("规格项“%(attribute)s”的选项至少两个，每行一个，每个不超过 60 字，最多 200 个")
    field: str | None = "options"


class BadBounds(BadDefinition):
    """Bounds are figures, the lower not above the upper."""

    code = "profile.bad_bounds"
    message = N_("规格项“%(attribute)s”的下限“%(low)s”和上限“%(high)s”应为数字，且下限不高于上限")
    field: str | None = "low"
    low: str
    high: str


class BadPattern(BadDefinition):
    """A pattern that is read fast whatever is typed: no group is repeated, and few places are of open length."""

    code = "profile.bad_pattern"
    message = N_("规格项“%(attribute)s”的格式“%(pattern)s”不能用：应为正则表达式，括号不能重复，不定长的重复不超过 3 处")
    way_out = N_(r"例如 \d{3}/\d{2}R\d{2} 表示 205/55R16 这样的写法")
    field: str | None = "pattern"
    pattern: str


class NoteMissing(Invalid):
    """Whoever changes a profile says why."""

    code = "profile.note_missing"
    message = N_("请写明依据或理由，例如文件号")
    field: str | None = "note"


class StartsInThePast(Invalid):
    """What products were asked for in the past does not change."""

    code = "profile.starts_in_the_past"
    message = N_("启用日 %(day)s 已经过去，应为 %(today)s 或以后")
    field: str | None = "valid_from"
    day: date
    today: date


def checked(attributes: Iterable[Attribute]) -> list[Attribute]:
    """Attributes of one version. Raises BadName, NameTold, NameTwice, NoOptions, BadBounds, BadPattern."""
    found: dict[str, Attribute] = {}
    for each in attributes:
        if not 0 < len(each.name.strip()) <= 40 or _COLONS & set(each.name):
            raise BadName(attribute=each.name[:40])
        if each.name in TOLD_ELSEWHERE:
            raise NameTold(attribute=each.name)
        if each.name in found:
            raise NameTwice(attribute=each.name)
        if each.kind is AttributeKind.LIST and not (1 < len(set(each.options)) <= 200 and all(0 < len(o) <= 60 for o in each.options)):
            raise NoOptions(attribute=each.name)
        _check_bounds(each)
        if each.pattern and not is_quick(each.pattern):
            raise BadPattern(attribute=each.name, pattern=each.pattern)
        found[each.name] = each
    return list(found.values())


def _check_bounds(each: Attribute) -> None:
    given = [end for end in (each.low, each.high) if end]
    figures = [figure for end in given if (figure := _decimal(end)) is not None]
    if len(figures) < len(given) or figures != sorted(figures):
        raise BadBounds(attribute=each.name, low=each.low, high=each.high)


def is_quick(pattern: str) -> bool:
    """Whether a regular expression can be matched against 200 signs without running away, whatever they are."""
    if len(pattern) > 120 or re.search(r"\(\?|\\[1-9]|\)\s*[*+?{]", pattern):
        return False
    bare = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", pattern)
    if len(re.findall(r"[*+?]|\{\d*,\d*\}", bare)) > 3:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        return False
    return True


def replaced(attributes: Sequence[Attribute], old: str, new: Attribute) -> list[Attribute]:
    """The attributes with one put in the place of another of that name, or at the end."""
    if all(each.name != old for each in attributes):
        return [*attributes, new]
    return [new if each.name == old else each for each in attributes]
