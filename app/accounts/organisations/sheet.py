"""Purchasing units as a table: parents before children in any order of rows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.accounts.organisations import queries, rules, service
from app.accounts.organisations.rules import NewOrganisation
from app.accounts.organisations.tables import Organisation
from app.bulk.entity import Cells, Entity, Judged, Verdict, differing, problem
from app.bulk.states import Outcome
from app.kernel.errors import N_
from app.kernel.sheets import CellProblem, SheetRow
from app.policy import Actor, OrganisationKind, Permission

COLUMNS: Final = rules.UNIT_COLUMNS


_problem = partial(problem, COLUMNS)


def judge(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """New codes are registered below their parents; registered ones must stand as the row says."""
    known = queries.by_codes(session, {row["code"] for row in rows} | {row["parent_code"] for row in rows if row["parent_code"]})
    above = queries.of_ids(session, {unit.parent_id for unit in known.values() if unit.parent_id})
    taken = queries.by_credit_codes(session, {row["credit_code"] for row in rows})
    levels: dict[str, int] = memory.setdefault("levels", {})
    levels |= {code: unit.level for code, unit in known.items() if unit.kind is OrganisationKind.UNIT}
    met: set[str] = memory.setdefault("credit_codes", set())
    problems: list[CellProblem] = []
    outcomes: dict[int, Outcome] = {}
    for row in rows:
        here = known.get(row["code"])
        if here is not None:
            if other := differing(row, _stands(here, above), COLUMNS):
                rule, way_out = N_("该编码已登记，这些内容不同：%(columns)s"), N_("改正编码；已登记的机构不能用表格修改")
                problems.append(_problem(row, "code", rule, way_out, columns=other))
            outcomes[row.line] = Outcome.UNCHANGED
        elif row["credit_code"] in taken:
            problems.append(_problem(row, "credit_code", N_("该代码已登记"), N_("删去这一行，或改正代码")))
        elif row["credit_code"] in met:
            problems.append(_problem(row, "credit_code", N_("与上面某行重复"), N_("删去重复的行，或改正该单元格")))
        met.add(row["credit_code"])
    ordered = _parents_first(rows, levels, problems)
    return [Judged(row, outcomes.get(row.line, Outcome.ADDED)) for row in ordered], problems


def _stands(here: Organisation, above: Mapping[int, Organisation]) -> dict[str, object]:
    parent = above.get(here.parent_id or 0)
    return {
        "code": here.code, "name": here.name, "short_name": here.short_name, "credit_code": here.credit_code or "", "region": here.region,
        "parent_code": parent.code if parent else "", "unit_kind": here.unit_kind or "",
    }  # fmt: skip


def _parents_first(rows: Sequence[SheetRow], levels: dict[str, int], problems: list[CellProblem]) -> list[SheetRow]:
    """The rows in an order in which each finds its parent; those that find none are problems."""
    waiting, ordered = list(rows), []
    while ready := [row for row in waiting if row["parent_code"] is None or row["parent_code"] in levels]:
        for row in ready:
            levels[row["code"]] = levels[row["parent_code"]] + 1 if row["parent_code"] else 1
            if levels[row["code"]] > rules.DEEPEST:
                problems.append(_problem(row, "parent_code", N_("单位最多三级"), N_("改填一级或二级单位的编码")))
        ordered += ready
        done = {row.line for row in ready}
        waiting = [row for row in waiting if row.line not in done]
    for row in waiting:
        problems.append(_problem(row, "parent_code", N_("没有这个上级单位"), N_("先登记上级单位，或在同一表格中加上它")))
    return ordered


def write(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Register the new ones, parents first."""
    service.register_units(
        session,
        actor,
        [
            NewOrganisation(
                kind=OrganisationKind.UNIT, code=row["code"], name=row["name"], short_name=row["short_name"] or "", region=row["region"],
                credit_code=row["credit_code"], parent_code=row["parent_code"], unit_kind=row["unit_kind"],
            )
            for row in (each.row for each in judged)
        ],
    )  # fmt: skip


def export(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The units the actor may list, by code."""
    cursor: str | None = None
    while True:
        page = queries.register(session, actor, kind=OrganisationKind.UNIT, cursor=cursor, limit=500)
        above = queries.of_ids(session, {unit.parent_id for unit in page.rows if unit.parent_id})
        for unit in page.rows:
            yield {name: str(value) for name, value in _stands(unit, above).items()}
        if (cursor := page.next) is None:
            return


ENTITIES: Final = (
    Entity(
        name="units", label=N_("采购单位"), note=N_("按单位编码登记；上级可在同一表格中；已登记的不能用表格修改"),
        columns=COLUMNS, key=("code",),
        imports=Permission.ORGANISATION_REGISTER, exports=Permission.ORGANISATION_REGISTER, judge=judge, write=write, export=export,
        page="organisations.register",
    ),
)  # fmt: skip
