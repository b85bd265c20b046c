"""Loading the reference data that ships with the product, and adding dated rows to it."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.kernel.db import Base
from app.kernel.regions import Level
from app.kernel.workdays import Unit
from catalog.taxonomy import queries
from catalog.taxonomy.rules import CategoryKind, kind_of
from catalog.taxonomy.tables import Category, ClassRule, Limit, MallCategory, RuleParameter, Term

_DATA: Final = files("catalog.taxonomy") / "data"
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How many rows were new; all zero when everything was there."""

    categories: int
    mall_categories: int
    limits: int
    terms: int
    class_rules: int
    rule_parameters: int


def load_reference(session: Session, *, supplement: bool = False) -> Loaded:
    """Put the shipped reference data into the database; rows that are there stay as they are.

    ``supplement`` adds the demonstration rows of the mall catalogue, which no document backs: for the training province
    and tests only.
    """
    loaded = Loaded(
        categories=_add(session, Category, catalogue(), ("code",)),
        mall_categories=_add(session, MallCategory, mall_catalogue(supplement=supplement), ("category_code", "region_code", "valid_from")),
        limits=_add(session, Limit, _limits(), ("what", "kind", "region_level", "region_code", "valid_from")),
        terms=_add(session, Term, _terms(), ("name", "region_level", "region_code", "valid_from")),
        class_rules=_add(session, ClassRule, _classes(), ("prefix", "economic_class", "valid_from")),
        rule_parameters=_add(session, RuleParameter, _parameters(), ("rule", "name", "valid_from")),
    )
    queries.forget(session)
    return loaded


def add_limit(
    session: Session,
    *,
    what: str,
    kind: CategoryKind,
    amount_fen: int,
    valid_from: date,
    doc_no: str,
    region_level: Level | None = None,
    region_code: str | None = None,
    valid_to: date | None = None,
) -> Limit:
    """Set a limit from a day on; the closest and latest row wins, earlier rows stay as history."""
    row = Limit(
        what=what,
        kind=kind,
        amount_fen=amount_fen,
        valid_from=valid_from,
        valid_to=valid_to,
        doc_no=doc_no,
        region_level=region_level,
        region_code=region_code,
    )
    return _record(session, row)


def add_term(
    session: Session,
    *,
    name: str,
    days: int,
    unit: Unit,
    valid_from: date,
    doc_no: str,
    region_level: Level | None = None,
    region_code: str | None = None,
    valid_to: date | None = None,
) -> Term:
    """Set a period from a day on; the closest and latest row wins, earlier rows stay as history."""
    row = Term(
        name=name,
        days=days,
        unit=unit,
        valid_from=valid_from,
        valid_to=valid_to,
        doc_no=doc_no,
        region_level=region_level,
        region_code=region_code,
    )
    return _record(session, row)


def open_category(
    session: Session, *, category_code: str, valid_from: date, doc_no: str, region_code: str | None = None, valid_to: date | None = None
) -> MallCategory:
    """Let the mall sell a category, in one region or the whole province. Raises UnknownCategory."""
    named = queries.category(session, category_code).name
    row = MallCategory(
        category_code=category_code,
        region_code=region_code,
        valid_from=valid_from,
        valid_to=valid_to,
        doc_no=doc_no,
        listed_as=named,
    )
    return _record(session, row)


def set_parameter(
    session: Session, *, rule: str, name: str, value: Any, valid_from: date, doc_no: str, valid_to: date | None = None
) -> RuleParameter:
    """Set a rule parameter from a day on; the latest row wins, earlier rows stay as history."""
    row = RuleParameter(rule=rule, name=name, value=json.dumps(value), valid_from=valid_from, valid_to=valid_to, doc_no=doc_no)
    return _record(session, row)


def catalogue() -> Iterator[dict[str, Any]]:
    """The shipped procurement catalogue, ancestors before what is below them."""
    for row in csv.DictReader((_DATA / "catalogue_2022.csv").read_text("utf-8").splitlines()):
        yield {
            "code": row["code"],
            "name": row["name"],
            "level": int(row["level"]),
            "parent_code": row["parent"] or None,
            "leaf": row["leaf"] == "1",
            "kind": kind_of(row["code"]),
        }


def mall_catalogue(*, supplement: bool) -> Iterator[dict[str, Any]]:
    """The shipped mall catalogue, each category once; two lines of the document may share a category."""
    seeds = _json("mall_catalogue.json")
    yield from _mall_rows(seeds["rows"], seeds["doc_no"], seeds["valid_from"], supplement=False)
    if supplement:
        yield from _mall_rows(seeds["supplement"], seeds["supplement_doc_no"], seeds["supplement_valid_from"], supplement=True)


def _mall_rows(lines: list[dict[str, Any]], doc_no: str, valid_from: str, *, supplement: bool) -> Iterator[dict[str, Any]]:
    listed: dict[str, list[str]] = {}
    for line in lines:
        for code in line["codes"]:
            listed.setdefault(code, []).append(line["listed_as"])
    for code, named in listed.items():
        yield {
            "category_code": code,
            "region_code": None,
            "valid_from": date.fromisoformat(valid_from),
            "valid_to": None,
            "doc_no": doc_no,
            "listed_as": "、".join(named),
            "supplement": supplement,
        }


def left_out() -> tuple[str, ...]:
    """The two categories that the demonstration offers but its mall catalogue leaves out, so that P09 can be seen."""
    return tuple(row["code"] for row in _json("mall_catalogue.json")["left_out"])


def _limits() -> Iterator[dict[str, Any]]:
    for row in _json("limits.json")["rows"]:
        yield {
            "what": row["what"],
            "kind": CategoryKind(row["kind"]),
            "region_level": Level(row["region_level"]) if row["region_level"] else None,
            "region_code": None,
            "amount_fen": row["yuan"] * 100,
            "doc_no": row["doc_no"],
            **_period(row),
        }


def _terms() -> Iterator[dict[str, Any]]:
    for row in _json("terms.json")["rows"]:
        yield {
            "name": row["name"],
            "days": row["days"],
            "unit": Unit(row["unit"]),
            "region_level": Level(row["region_level"]) if row["region_level"] else None,
            "region_code": None,
            "doc_no": row["doc_no"],
            **_period(row),
        }


def _classes() -> Iterator[dict[str, Any]]:
    seeds = _json("economic_classes.json")
    for row in seeds["rows"]:
        for economic_class in row["classes"]:
            yield {"prefix": row["prefix"], "economic_class": economic_class, "doc_no": seeds["doc_no"], **_period(seeds)}


def _parameters() -> Iterator[dict[str, Any]]:
    for row in _json("rule_parameters.json")["rows"]:
        yield {
            "rule": row["rule"],
            "name": row["name"],
            "value": json.dumps(row["value"], ensure_ascii=False),
            "doc_no": row["doc_no"],
            **_period(row),
        }


def _period(row: Mapping[str, Any]) -> dict[str, date | None]:
    ends = row.get("valid_to")
    return {"valid_from": date.fromisoformat(row["valid_from"]), "valid_to": date.fromisoformat(ends) if ends else None}


def _json(name: str) -> Any:
    return json.loads((_DATA / name).read_text("utf-8"))


def _record(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    queries.forget(session)
    return row


def _add(session: Session, table: type[Base], rows: Iterable[dict[str, Any]], key: tuple[str, ...]) -> int:
    """Insert the rows whose key is not there yet; a key that comes twice counts once."""
    known = {tuple(row) for row in session.execute(select(*(getattr(table, name) for name in key)))}
    new = []
    for row in rows:
        identity = tuple(row[name] for name in key)
        if identity not in known:
            known.add(identity)
            new.append(row)
    if new:
        session.execute(insert(table), new)
    return len(new)
