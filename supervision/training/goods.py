"""Goods, suppliers and purchasing units of the training province, drawn from a seeded generator.

Everything is for demonstration: prices are rough estimates and not quotations, suppliers are invented, units are named
after patterns. The same generator gives the same world.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Final

from app.kernel import credit_codes, money, regions
from app.kernel.regions import Kind, Level

_DATA: Final = files("supervision.training") / "data"
_UNIT_FRONTS: Final = {"organ": "11", "institution": "12", "mass": "13"}
_SYLLABLES: Final = "嘉瑞恒泰德信中原豫祥盛达润华诚启明新宇东方金鼎云帆晟安康宏远博文雅致和顺天利"
_ENDINGS: Final = {
    "e-shop": ("电子商务有限公司", "云采商城有限公司"),
    "framework": ("科技有限公司", "实业有限公司", "办公设备有限公司"),
    "dealer": ("商贸有限公司", "办公用品有限公司", "电脑经营部", "文体用品店"),
    "service": ("服务有限公司", "物业服务有限公司", "信息技术服务有限公司"),
}
_SCALES: Final = {
    "e-shop": ("large", "medium"),
    "framework": ("medium", "small", "large"),
    "dealer": ("small", "micro"),
    "service": ("small", "micro", "medium"),
}


class UnitKind(StrEnum):
    """What a purchasing unit is: state organ, public institution or mass organisation."""

    ORGAN = "organ"
    INSTITUTION = "institution"
    MASS = "mass"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute that the products of a category are described by."""

    key: str
    name: str
    type: str
    unit: str | None
    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class CategoryFacts:
    """What the demonstration knows of a category: sales units, attributes, labels and a unit's usual yearly quantity."""

    code: str
    kind: str
    units: tuple[str, ...]
    energy: str
    environment: str
    quantity: tuple[int, int]
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, kw_only=True)
class ProductSeed:
    """One product: prices are a range in fen, tax included; specs are by attribute key."""

    category_code: str
    brand: str
    brand_latin: str | None
    maker: str | None
    model: str
    title: str
    unit: str
    specs: dict[str, Any]
    low_fen: int
    high_fen: int
    year: int | None
    energy_saving: bool
    energy_mandatory: bool
    environment_label: bool
    imported: bool


@dataclass(frozen=True, kw_only=True)
class SupplierSeed:
    """One invented supplier; ``scale`` is large, medium, small or micro; the region is empty outside Henan."""

    name: str
    short: str
    kind: str
    city: str
    region_code: str
    credit_code: str
    scale: str
    category_codes: tuple[str, ...]
    address: str
    phone: str
    bank: str
    account: str


@dataclass(frozen=True, kw_only=True)
class UnitSeed:
    """One purchasing unit; parents come before their children, codes are a tree by prefix inside a region."""

    region_code: str
    code: str
    parent_code: str | None
    level: int
    name: str
    kind: UnitKind
    credit_code: str
    staff: int
    address: str
    bank: str
    account: str


@cache
def categories() -> dict[str, CategoryFacts]:
    """The categories the demonstration deals in, by code."""
    return {
        row["code"]: CategoryFacts(
            code=row["code"],
            kind=row["kind"],
            units=tuple(row["units"]),
            energy=row["energy"],
            environment=row["environment"],
            quantity=(row["quantity"][0], row["quantity"][1]),
            attributes=tuple(Attribute(**{**attribute, "values": tuple(attribute["values"])}) for attribute in row["attributes"]),
        )
        for row in _json("categories.json")
    }


def products(rng: Random, n: int) -> Iterator[ProductSeed]:
    """``n`` different products, every category early; past the known models, configurations of them with their own numbers."""
    shelves: dict[str, list[tuple[dict[str, Any], list[Any]]]] = {}
    for brand in _json("products.json"):
        shelves.setdefault(brand["code"], []).extend((brand, model) for model in brand["models"])
    for shelf in shelves.values():
        rng.shuffle(shelf)
    made, round_no = 0, 0
    while made < n:
        for code, shelf in shelves.items():
            if made == n:
                return
            variant, place = divmod(round_no, len(shelf))
            yield _product(rng, categories()[code], *shelf[place], variant=variant)
            made += 1
        round_no += 1


def suppliers(rng: Random, n: int) -> Iterator[SupplierSeed]:
    """``n`` invented suppliers with different names and credit codes: the prepared ones in turn by kind, then composed ones."""
    facts = _json("suppliers.json")
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in facts["suppliers"]:
        by_kind.setdefault(row["kind"], []).append(row)
    prepared: list[dict[str, Any]] = []
    for turn in range(max(map(len, by_kind.values()))):
        prepared.extend(rows[turn] for rows in by_kind.values() if turn < len(rows))
    names, codes = {row["name"] for row in prepared}, set[str]()
    for i in range(n):
        row = prepared[i] if i < len(prepared) else _composed(rng, prepared, names)
        names.add(row["name"])
        yield _supplier(rng, row, facts, codes)


def units(rng: Random, places: Sequence[str], n: int) -> Iterator[UnitSeed]:
    """``n`` purchasing units of three budget levels spread evenly over the regions. Raises ValueError when they are too few."""
    queues = [_units_of(rng, regions.by_code(place)) for place in places]
    codes: set[str] = set()
    made = 0
    while made < n:
        before = made
        for queue in queues:
            if made < n and (seed := next(queue, None)) is not None:
                while seed.credit_code in codes:
                    seed = _unit(rng, regions.by_code(seed.region_code), seed.name, seed.kind, seed.code)
                codes.add(seed.credit_code)
                yield seed
                made += 1
        if made == before:
            raise ValueError(f"{len(places)} regions have no more than {made} units")


def _product(rng: Random, facts: CategoryFacts, brand: dict[str, Any], model: list[Any], *, variant: int) -> ProductSeed:
    name, low_fen, high_fen, year, known = model
    specs = dict(known)
    for attribute in facts.attributes:
        if attribute.key == "origin":
            specs["origin"] = "是" if brand["imported"] else "否"
        elif attribute.key not in specs or (variant and attribute.key in ("mem", "ssd", "cap", "warranty", "pack")):
            specs[attribute.key] = rng.choice(attribute.values)
    if variant:
        name = f"{name}-{'ABCDEFGHJKLMNPQRSTUVWXYZ'[variant % 24]}{variant // 24 or ''}"
        percent = rng.randint(90, 125)
        low_fen, high_fen = max(1, money.half_up(low_fen * percent, 100)), max(2, money.half_up(high_fen * percent, 100))
    specs = {attribute.key: specs[attribute.key] for attribute in facts.attributes if attribute.key in specs}
    return ProductSeed(
        category_code=facts.code,
        brand=brand["brand"],
        brand_latin=brand["latin"],
        maker=brand["maker"],
        model=name,
        title=_title(facts, brand["brand"], name, {key: specs[key] for key in known if key in specs}),
        unit=facts.units[0],
        specs=specs,
        low_fen=low_fen,
        high_fen=high_fen,
        year=year,
        energy_saving=facts.energy == "mandatory" or (facts.energy == "usual" and rng.random() < 0.7),
        energy_mandatory=facts.energy == "mandatory",
        environment_label=facts.environment == "usual" and rng.random() < 0.7,
        imported=brand["imported"],
    )


def _title(facts: CategoryFacts, brand: str, model: str, specs: dict[str, Any]) -> str:
    """Brand, model, plain name of the category and its first few telling values."""
    telling = []
    for attribute in facts.attributes:
        value = specs.get(attribute.key)
        if value in (None, "否", "无", 0) or attribute.key in ("origin", "warranty", "support"):
            continue
        text = attribute.name if value == "是" else f"{value}{attribute.unit or ''}"
        if text.upper() not in model.upper():
            telling.append(text)
    plain = _names()[facts.code]
    named = model if plain in model or facts.kind == "service" else f"{model} {plain}"
    return " ".join([brand if not named.upper().startswith(brand.upper()) else "", named, *telling[:4]]).strip()


def plain_name(code: str) -> str:
    """The short everyday name of a category."""
    return _names()[code]


@cache
def _names() -> dict[str, str]:
    """Short everyday names of the categories, as titles use them."""
    named: dict[str, str] = _json("names.json")
    return named


def _composed(rng: Random, prepared: list[dict[str, Any]], taken: set[str]) -> dict[str, Any]:
    while True:
        model = rng.choice(prepared)
        core = "".join(rng.sample(_SYLLABLES, 2 if rng.random() < 0.7 else 3))
        name = f"{model['city']}{core}{rng.choice(_ENDINGS[model['kind']])}"
        if name not in taken:
            return {**model, "name": name, "short": core}


def _supplier(rng: Random, row: dict[str, Any], facts: dict[str, Any], taken: set[str]) -> SupplierSeed:
    region = _region_named(row["city"])
    trades, cities = facts["trades"], facts["cities"]
    trader = row["name"].endswith(("部", "店", "商场", "行"))
    while (code := credit_codes.make(rng, front="92" if trader else "91", region=region or cities[row["city"]])) in taken:
        pass
    taken.add(code)
    sold = sorted({category for trade in row["goods"] for category in trades[trade]})
    place = regions.full_name(region) if region else f"{row['city']}市"
    return SupplierSeed(
        name=row["name"],
        short=row["short"],
        kind=row["kind"],
        city=row["city"],
        region_code=region,
        credit_code=code,
        scale="micro" if trader else rng.choice(_SCALES[row["kind"]]),
        category_codes=tuple(sold),
        address=f"{place}演示路{rng.randint(1, 299)}号",
        phone=f"0371-0000{rng.randint(0, 9999):04d}",
        bank=f"演示银行{row['city']}分行",
        account=_account(rng),
    )


def _units_of(rng: Random, region: regions.Region) -> Iterator[UnitSeed]:
    """The units of one region: lead units with those under them, then townships or streets; parents first."""
    patterns = _json("units.json")
    here = regions.full_name(region.code).removeprefix("河南省") or region.name
    if region.kind is not Kind.DISTRICT and region.kind is not Kind.FUNCTIONAL_ZONE:
        here = region.name
    own = patterns[region.level.value]
    later: list[UnitSeed] = []
    for at, (pattern, kind) in enumerate(own["leads"]):
        lead = f"{101 + at}"
        yield _unit(rng, region, pattern.replace("@", here), kind, lead)
        under: list[list[str]] = next((rows for word, rows in own["under"].items() if word in pattern), [])
        for sub, (name, sub_kind) in enumerate(under):
            child = _unit(rng, region, name.replace("@", here), sub_kind, f"{lead}{sub + 1:03d}")
            if sub:
                later.append(child)
                continue
            yield child
            if "教育" in pattern:
                yield _unit(rng, region, f"{child.name}新校区", sub_kind, f"{child.code}001")
    yield from later
    if region.level is not Level.COUNTY:
        return
    street = region.kind is Kind.DISTRICT
    stations, spots = (patterns["street"], patterns["streets"]) if street else (patterns["township"], patterns["townships"])
    for at, spot in enumerate(spots):
        lead = f"{201 + at}"
        for sub, (pattern, kind) in enumerate(stations):
            name = pattern.replace("@", here).replace("#", spot)
            yield _unit(rng, region, name, kind, f"{lead}{sub:03d}" if sub else lead)


def _unit(rng: Random, region: regions.Region, name: str, kind: str, code: str) -> UnitSeed:
    level = len(code) // 3
    low, high = ((60, 200), (20, 150), (10, 60))[level - 1]
    return UnitSeed(
        region_code=region.code,
        code=code,
        parent_code=code[:-3] or None,
        level=level,
        name=name,
        kind=UnitKind(kind),
        credit_code=credit_codes.make(rng, front=_UNIT_FRONTS[kind], region=region.code),
        staff=rng.randint(low, high),
        address=f"{regions.full_name(region.code)}演示路{rng.randint(1, 299)}号",
        bank=f"演示银行{region.name}支行",
        account=_account(rng),
    )


def _account(rng: Random) -> str:
    return "6200" + "".join(rng.choices("0123456789", k=15))


@cache
def _region_named(city: str) -> str:
    """The code of the city or county of Henan with this short name; empty for places outside."""
    for region in regions.REGIONS.values():
        if region.name in (city, f"{city}市", f"{city}县", f"{city}区"):
            return region.code
    return ""


@cache
def _json(name: str) -> Any:
    return json.loads((_DATA / name).read_text("utf-8"))
