"""Reads of the catalogue and of the dated rows, answered from memory.

The catalogue never changes once loaded and the dated rows are few, so each process keeps them per database: the catalogue
for good, the dated rows for half a minute. A service that writes them calls `forget`.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.kernel import regions
from catalog.taxonomy.rules import (
    LIMIT_LABELS,
    TERM_LABELS,
    CategoryKind,
    CategoryRow,
    LimitRow,
    MallRow,
    NoLimit,
    NoTerm,
    TermRow,
    UnknownCategory,
    covers,
    in_force,
)
from catalog.taxonomy.tables import Category, ClassRule, Limit, MallCategory, RuleParameter, Term

KEEP_SECONDS: Final = 30.0

_MALL_COLUMNS: Final = [column for column in MallCategory.__table__.columns if column.name != "listed_as"]
Placed = TypeVar("Placed", LimitRow, TermRow)


@dataclass(frozen=True)
class _Catalogue:
    rows: Mapping[str, CategoryRow]
    below: Mapping[str, tuple[CategoryRow, ...]]


@dataclass(frozen=True)
class _Dated:
    """Everything set by document, as read at one moment."""

    mall: tuple[MallRow, ...]
    limits: tuple[LimitRow, ...]
    terms: tuple[TermRow, ...]
    classes: tuple[tuple[str, str, date, date | None], ...]
    parameters: tuple[tuple[str, str, Any, date, date | None], ...]
    read_at: float = field(default_factory=time.monotonic)


_catalogues: WeakKeyDictionary[Engine, _Catalogue] = WeakKeyDictionary()
_dated: WeakKeyDictionary[Engine, _Dated] = WeakKeyDictionary()


def forget(session: Session) -> None:
    """Drop what this process remembers of the session's database; the next question reads it again."""
    engine = session.get_bind().engine
    _catalogues.pop(engine, None)
    _dated.pop(engine, None)


def _catalogue(session: Session) -> _Catalogue:
    engine = session.get_bind().engine
    known = _catalogues.get(engine)
    if known is not None:
        return known
    columns = (Category.code, Category.name, Category.level, Category.parent_code, Category.leaf, Category.kind)
    rows = {row[0]: CategoryRow._make(row) for row in session.execute(select(*columns).order_by(Category.code))}
    below: dict[str, list[CategoryRow]] = {}
    for category_row in rows.values():
        below.setdefault(category_row.parent_code or "", []).append(category_row)
    fresh = _Catalogue(rows, {code: tuple(children) for code, children in below.items()})
    if rows:
        _catalogues[engine] = fresh
    return fresh


def _documents(session: Session) -> _Dated:
    engine = session.get_bind().engine
    known = _dated.get(engine)
    if known is not None and time.monotonic() - known.read_at < KEEP_SECONDS:
        return known
    fresh = _Dated(
        mall=tuple(MallRow(**row) for row in session.execute(select(*_MALL_COLUMNS)).mappings()),
        limits=tuple(LimitRow(**row) for row in session.execute(select(Limit.__table__)).mappings()),
        terms=tuple(TermRow(**row) for row in session.execute(select(Term.__table__)).mappings()),
        classes=tuple(
            (rule.prefix, rule.economic_class, rule.valid_from, rule.valid_to)
            for rule in session.execute(select(ClassRule.__table__))
        ),
        parameters=tuple(
            (row.rule, row.name, json.loads(row.value), row.valid_from, row.valid_to)
            for row in session.execute(select(RuleParameter.__table__))
        ),
    )
    if fresh.limits:
        _dated[engine] = fresh
    return fresh


def category(session: Session, code: str) -> CategoryRow:
    """The category with this code. Raises UnknownCategory."""
    row = _catalogue(session).rows.get(code)
    if row is None:
        raise UnknownCategory(category=code)
    return row


def exists(session: Session, code: str) -> bool:
    """Whether the catalogue has this code."""
    return code in _catalogue(session).rows


def names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The names of these codes; unknown ones are left out."""
    rows = _catalogue(session).rows
    return {code: rows[code].name for code in codes if code in rows}


def children(session: Session, code: str | None = None) -> tuple[CategoryRow, ...]:
    """The categories directly below, in code order; the three letters when no code is given."""
    return _catalogue(session).below.get(code or "", ())


def ancestors(session: Session, code: str) -> tuple[CategoryRow, ...]:
    """The way from the letter down to the category itself. Raises UnknownCategory."""
    row = category(session, code)
    return (*ancestors(session, row.parent_code), row) if row.parent_code else (row,)


def search_categories(session: Session, text: str, *, most: int = 50) -> tuple[CategoryRow, ...]:
    """Categories whose name holds every word or whose code starts with the text; exact and short names first."""
    words = text.upper().split()
    if not words:
        return ()
    rows = _catalogue(session).rows.values()
    found = [row for row in rows if row.code.startswith(words[0]) or all(word in row.name.upper() for word in words)]
    found.sort(key=lambda row: (row.name.upper() != text.strip().upper(), not row.leaf, len(row.name), row.code))
    return tuple(found[:most])


def in_mall(session: Session, code: str, region: str, on: date) -> bool:
    """Whether the mall of the region sells the category on that day, itself or through a category above it (rule P09)."""
    return mall_row(session, code, region, on) is not None


def mall_row(session: Session, code: str, region: str, on: date) -> MallRow | None:
    """The mall-catalogue row that lets the category in, with its document; None when it is outside."""
    above = {r.code for r in regions.path(region)}
    for row in _documents(session).mall:
        if covers(row.category_code, code) and in_force(row.valid_from, row.valid_to, on):
            if row.region_code is None or row.region_code in above:
                return row
    return None


def mall_categories(session: Session, region: str, on: date) -> tuple[MallRow, ...]:
    """The mall catalogue of a region on a day, in code order."""
    above = {r.code for r in regions.path(region)}
    rows = (
        row
        for row in _documents(session).mall
        if in_force(row.valid_from, row.valid_to, on) and (row.region_code is None or row.region_code in above)
    )
    return tuple(sorted(rows, key=lambda row: (row.category_code, row.id)))


def _nearness(region: regions.Region, row: LimitRow | TermRow) -> int | None:
    """How close a row is to a region: itself, then the regions above it, then its level, then everybody; None: not for it."""
    if row.region_code is not None:
        depths = [r.code for r in regions.path(region.code)]
        return 2 + depths.index(row.region_code) if row.region_code in depths else None
    if row.region_level is not None:
        return 1 if row.region_level == region.level else None
    return 0


def _closest(rows: Iterable[Placed], region: regions.Region, on: date) -> Placed | None:
    """Of the rows in force, the one closest to the region; the latest of equals."""
    ranked = [
        (near, row.valid_from, row.id, row)
        for row in rows
        if in_force(row.valid_from, row.valid_to, on) and (near := _nearness(region, row)) is not None
    ]
    return max(ranked, key=lambda rank: rank[:3])[3] if ranked else None


def limit(session: Session, what: str, region: str, kind: CategoryKind, on: date) -> LimitRow:
    """The limit for a region, the closest row first, the latest of equals; in fen. Raises NoLimit."""
    place = regions.by_code(region)
    rows = (row for row in _documents(session).limits if row.what == what and row.kind == kind)
    row = _closest(rows, place, on)
    if row is None:
        raise NoLimit(what=str(what), label=LIMIT_LABELS.get(what, str(what)), region=place.name, on=on)
    return row


def term(session: Session, name: str, region: str, on: date) -> TermRow:
    """The period for a region, the closest row first, the latest of equals. Raises NoTerm."""
    place = regions.by_code(region)
    row = _closest((row for row in _documents(session).terms if row.name == name), place, on)
    if row is None:
        raise NoTerm(name=str(name), label=TERM_LABELS.get(name, str(name)), region=place.name, on=on)
    return row


def limits(session: Session, region: str, on: date) -> tuple[LimitRow, ...]:
    """Every limit that holds for a region on a day, for the public page."""
    place = regions.by_code(region)
    groups: dict[tuple[str, str], list[LimitRow]] = {}
    for row in _documents(session).limits:
        groups.setdefault((row.what, row.kind), []).append(row)
    found = (_closest(groups[key], place, on) for key in sorted(groups))
    return tuple(row for row in found if row is not None)


def terms(session: Session, region: str, on: date) -> tuple[TermRow, ...]:
    """Every period that holds for a region on a day, for the public page."""
    place = regions.by_code(region)
    groups: dict[str, list[TermRow]] = {}
    for row in _documents(session).terms:
        groups.setdefault(row.name, []).append(row)
    found = (_closest(groups[name], place, on) for name in sorted(groups))
    return tuple(row for row in found if row is not None)


def classes_for(session: Session, code: str, on: date) -> frozenset[str]:
    """The economic classes that may pay for the category: those of the longest prefix that has any; empty: not restricted."""
    longest, allowed = "", set[str]()
    for prefix, economic_class, valid_from, valid_to in _documents(session).classes:
        if not code.startswith(prefix) or len(prefix) < len(longest) or not in_force(valid_from, valid_to, on):
            continue
        if len(prefix) > len(longest):
            longest, allowed = prefix, set()
        allowed.add(economic_class)
    return frozenset(allowed)


def parameters(session: Session, rule: str, on: date) -> dict[str, Any]:
    """The parameters of a warning rule on a day; the latest row of each name."""
    latest: dict[str, tuple[date, Any]] = {}
    for of, name, value, valid_from, valid_to in _documents(session).parameters:
        if of == rule and in_force(valid_from, valid_to, on) and (name not in latest or valid_from > latest[name][0]):
            latest[name] = (valid_from, value)
    return {name: value for name, (_, value) in latest.items()}


def tax_rate_percent(session: Session, code: str, on: date) -> int:
    """The usual value-added tax rate of the category, by its longest prefix; a default that a supplier may change."""
    rates = parameters(session, "VAT", on)
    prefix = max((prefix for prefix in rates if code.startswith(prefix)), key=len, default="")
    return int(rates.get(prefix, 0))


@dataclass(frozen=True)
class TermsOfSale:
    """What the catalogues say of buying in a category: its name, whether the mall sells it, who may pay, the usual tax."""

    name: str
    in_mall: bool
    classes: tuple[str, ...]
    tax_rate_percent: int


def terms_of_sale(session: Session, code: str, region: str, on: date) -> TermsOfSale:
    """The terms of a category for buyers of a region on a day."""
    return TermsOfSale(
        category(session, code).name,
        in_mall(session, code, region, on),
        tuple(sorted(classes_for(session, code, on))),
        tax_rate_percent(session, code, on),
    )
