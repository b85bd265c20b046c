"""What a chapter says of itself to take part in import and export. The engine knows nothing of listings, budgets or plans."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.bulk.states import Outcome
from app.kernel.errors import Missing
from app.kernel.money import yuan
from app.kernel.sheets import CellProblem, Column, SheetRow
from app.policy import Actor, Permission

Cells = Mapping[str, str]
"""A row that leaves: texts by field name, numbers as `xlsx_writing.Figure`."""


@dataclass(frozen=True)
class Judged:
    """A row without problems: what it would do, what the chapter needs to do it, and whether it then waits for somebody's decision."""

    row: SheetRow
    outcome: Outcome
    intent: Any = None
    waits: bool = False


def differing(row: SheetRow, stands: Mapping[str, object], columns: Sequence[Column], usual: Mapping[str, object] | None = None) -> str:
    """The headings of the columns in which a row says something else than what stands; empty cells say nothing, or the usual."""
    told = {name: (usual or {}).get(name) if row.values.get(name) is None else row[name] for name in stands}
    other = [column.heading for column in columns if told.get(column.name) is not None and told[column.name] != stands[column.name]]
    return "、".join(other)


def problem(columns: Sequence[Column], row: SheetRow, name: str, rule: str, way_out: str, /, **facts: Any) -> CellProblem:
    """What is wrong with the cell of this field; the figure as people read it, amounts in yuan."""
    heading = next(column.heading for column in columns if column.name == name)
    value = row[name]
    figure = "" if value is None else yuan(value) if name.endswith("_fen") else str(value)
    return CellProblem(row.line, heading, figure, rule, way_out, facts)


Verdict = tuple[list[Judged], list[CellProblem]]


class Judge(Protocol):
    """Says of each row of a batch what it would do or what is wrong with it; writes nothing.

    `memory` is kept through one run over the file, for what rows have to do with one another.
    """

    def __call__(self, session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict: ...


class Write(Protocol):
    """Does what was judged, in the transaction of the batch. Raises the refusals of the chapter's services."""

    def __call__(self, session: Session, actor: Actor, judged: Sequence[Judged]) -> None: ...


class Export(Protocol):
    """The rows that a page with these arguments in its address shows, read as they are fetched."""

    def __call__(self, session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]: ...


def nothing_more(_heading: str) -> Column | None:
    """The entity has no columns of free choice."""
    return None


def same_everywhere(_session: Session, _category: str) -> Sequence[Column]:
    """The template is the same for every category."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One kind of row: its columns, its natural key, who may import and export it, and the chapter's functions.

    Rows with the same value in the column `group` are judged and written together. `more` makes a column of a heading that is
    not fixed (an attribute), `of_category` those that are usual in a category. `page` is the endpoint of the list that shows the
    rows, `waiting` the arguments with which it shows those that wait for a decision.
    """

    name: str
    label: str
    note: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    imports: Permission
    exports: Permission
    judge: Judge
    write: Write
    export: Export
    page: str = ""
    waiting: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    more: Callable[[str], Column | None] = field(default=nothing_more)
    of_category: Callable[[Session, str], Sequence[Column]] = field(default=same_everywhere)

    @property
    def by_category(self) -> bool:
        """Whether each category has a template of its own."""
        return self.of_category is not same_everywhere

    def column(self, name: str) -> Column | None:
        """The column of this name, fixed or made for it."""
        return next((column for column in self.columns if column.name == name), None) or self.more(name)


@dataclass(frozen=True)
class Who:
    """People, as the engine needs them: somebody as services see him, and names by id."""

    actor_of: Callable[[Session, int], Actor]
    names: Callable[[Session, Collection[int]], dict[int, str]]


class Registry:
    """The entities of this application, in the order of its chapters."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.who: Who | None = None

    def join(self, *entities: Entity) -> None:
        """Let a chapter take part."""
        self.entities.update({entity.name: entity for entity in entities})

    def known(self, name: str) -> Entity:
        """The entity of this name. Raises Missing."""
        if name not in self.entities:
            raise Missing()
        return self.entities[name]

    def open_to(self, actor: Actor) -> list[Entity]:
        """What the actor may import or export."""
        return [entity for entity in self.entities.values() if actor.may(entity.imports) or actor.may(entity.exports)]

    def people(self) -> Who:
        """Whoever knows the people."""
        assert self.who is not None
        return self.who


REGISTRY = Registry()
"""Filled once by the roof, the same for every application of a process."""
