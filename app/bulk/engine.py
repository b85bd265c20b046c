"""Works through the files, a batch at a time: rows, counters, problems and the place in the file are committed together.

Whoever is killed in between has committed whole batches only, and the next worker begins after the last of them; what a row did is
told by its natural key, so a row that was written is found unchanged. A lease keeps two workers from the same file, and every batch
is fenced by it: a worker that slept through its lease commits nothing.
"""

import json
import logging
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, BinaryIO

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.bulk import queries, service
from app.bulk.entity import REGISTRY, Entity, Judged
from app.bulk.intake import whole
from app.bulk.rules import BATCH, BATCH_CHARS, MOST_PROBLEMS, BrokenOff, NoLongerAllowed, TooManyProblems
from app.bulk.states import RUNNING, JobState, Outcome
from app.bulk.tables import BulkJob, BulkProblem
from app.kernel import clock, sheets
from app.kernel.db import commit
from app.kernel.errors import N_, Refusal
from app.kernel.sheets import CellProblem, Column, Imported, Line, SheetRow
from app.policy import Actor

log = logging.getLogger("mall.bulk")

LEASE = timedelta(seconds=15)
LONGEST_FIGURE = 300
"""Characters of a wrong cell that are kept with its problem."""
REST, LONGEST_REST_S = 1.0, 0.5
"""The rest after each batch, as a share of the processor time that it took, and the longest rest in seconds."""
MOST_TOGETHER = 2_000
"""Rows that belong together in one transaction."""

Sessions = Callable[[], Session]


class LostLease(RuntimeError):
    """Another worker has taken the file over, or somebody has cancelled."""


class Engine:
    """Takes one file at a time. `turn` does one batch, so that the worker can end between two."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def turn(self, sessions: Sessions) -> int:
        """Do one batch of the file at hand, or take up the next; returns how many batches were done."""
        with sessions() as session:
            if self.run is None:
                self.run = _take_up(session)
            if self.run is None:
                return 0
            try:
                begun, used = time.perf_counter(), time.thread_time()
                if self.run.batch(session):
                    used = time.thread_time() - used
                    # Pages, other writers, the index and the log come to their turn before the next batch. Who had to wait for
                    # PostgreSQL or the processor has rested already; on SQLite he waited with the one lock of all writers in hand.
                    waited = 0.0 if session.get_bind().dialect.name == "sqlite" else time.perf_counter() - begun - used
                    time.sleep(max(0.0, min(LONGEST_REST_S, REST * used - waited)))
                    return 1
            except LostLease:
                session.rollback()
            except Refusal as refusal:
                session.rollback()
                self.run.stop(session, refusal)
            except Exception:
                session.rollback()
                log.exception("import broke off", extra={"job": self.run.token})
                if self.run.failed_before:
                    self.run.stop(session, BrokenOff(line=self.run.done_line))
                else:  # once more from the last committed batch: the database may have been away
                    self.run.failed_before = True
                    self.run.begin(session)
                    return 1
            self.run.close()
            self.run = None
            return 1


def _take_up(session: Session) -> "Run | None":
    now = clock.wall_now()
    free = or_(BulkJob.lease_until.is_(None), BulkJob.lease_until < now)
    found = session.scalar(select(BulkJob.id).where(BulkJob.state.in_(RUNNING), free).order_by(BulkJob.id).limit(1))
    session.rollback()
    if found is None:
        return None
    lease = secrets.token_hex(8)
    with commit(session):
        taken = session.execute(
            update(BulkJob)
            .where(BulkJob.id == found, BulkJob.state.in_(RUNNING), free)
            .values(lease_token=lease, lease_until=now + LEASE)
            .returning(BulkJob.id)
        ).first()
    if taken is None:
        return None
    job = session.get_one(BulkJob, found)
    run = Run(job, lease)
    for piece in queries.pieces(session, found):
        run.file.write(piece)
    session.rollback()
    run.begin(session)
    return run


class Run:
    """One pass over one file by one worker."""

    def __init__(self, job: BulkJob, lease: str) -> None:
        self.id, self.token, self.lease, self.state = job.id, job.token, lease, job.state
        self.person_id = job.person_id
        self.organisation_id = job.organisation_id
        self.entity: Entity = REGISTRY.known(job.entity)
        self.mapping: Mapping[str, int] = json.loads(job.mapping)
        self.width = len(json.loads(job.headings))
        self.columns = _columns(self.entity, self.mapping)
        self.head_line, self.done_line = job.head_line, job.done_line
        self.file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the run
        self.failed_before = False
        self.batches: Iterator[list[Line]] | None = None
        self.seen: dict[int, int] = {}
        self.memory: dict[str, Any] = {}

    def close(self) -> None:
        """Let the copy of the file go."""
        self.file.close()

    def begin(self, session: Session) -> None:
        """Begin after the last committed batch; a check begins anew, for it needs the memory of all rows before."""
        self.batches, self.seen, self.memory = None, {}, {}
        if self.state is JobState.CHECKING and self.done_line:
            with commit(session):
                job = self._held(session)
                for counter in ("done_line", *service.COUNTERS, "problems"):
                    setattr(job, counter, 0)
                session.execute(delete(BulkProblem).where(BulkProblem.job_id == job.id))
            self.done_line = 0

    def batch(self, session: Session) -> bool:
        """Do the next batch; False when the file is through. Raises LostLease, and a refusal that ends the import."""
        if self.batches is None:
            self.batches = self._batches()
        lines = next(self.batches, [])
        actor = self._actor(session)
        rows, problems = self._read(lines)
        if self.state is JobState.CHECKING:
            judged, more = self.entity.judge(session, actor, rows, self.memory)
            judged, more = self._together(judged, rows, more, lines)
            session.rollback()
            with commit(session):
                job = self._held(session)
                self._note(session, actor, job, lines, judged, [*problems, *more], last=not lines)
        else:
            with commit(session):
                job = self._held(session)
                judged, more = self.entity.judge(session, actor, rows, {})  # what stands in rows before is in the database now
                judged, more = self._together(judged, rows, more, lines)
                more = [*more, *self._write(session, actor, judged)]
                self._note(session, actor, job, lines, judged, [*problems, *more], last=not lines)
        self.failed_before = False
        return bool(lines)

    def stop(self, session: Session, why: Refusal) -> None:
        """End the import with a reason, unless somebody else holds it by now."""
        with commit(session):
            try:
                job = self._held(session)
            except LostLease:
                return
            service.move(session, REGISTRY.people().actor_of(session, self.person_id), job, JobState.FAILED, why)

    def _actor(self, session: Session) -> Actor:
        actor = REGISTRY.people().actor_of(session, self.person_id)
        if not actor.may(self.entity.imports) or actor.organisation_id != self.organisation_id:
            raise NoLongerAllowed()
        return actor

    def _held(self, session: Session) -> BulkJob:
        """The row of the import, while this worker has it. Raises LostLease."""
        held = session.execute(
            update(BulkJob)
            .where(BulkJob.id == self.id, BulkJob.lease_token == self.lease, BulkJob.state == self.state)
            .values(lease_until=clock.wall_now() + LEASE)
            .returning(BulkJob.id)
        ).first()
        if held is None:
            raise LostLease
        return session.scalars(select(BulkJob).where(BulkJob.id == self.id).execution_options(populate_existing=True)).one()

    # ------------------------------------------------------------ reading

    def _batches(self) -> Iterator[list[Line]]:
        """The rows below the headings, some at a time; rows done before are only remembered by their keys."""
        gathered: list[Line] = []
        size, group = 0, None
        place = self.mapping.get(self.entity.group, -1) if self.entity.group else -1
        for line in sheets.lines(self.file):
            if line.number <= self.head_line:
                continue
            if line.number <= self.done_line:
                self._repeated(sheets.read_row(self.columns, self.mapping, line)[0])
                continue
            mine = line.cells[place] if 0 <= place < len(line.cells) else None
            goes_on = mine is not None and mine == group and len(gathered) < MOST_TOGETHER
            if gathered and (len(gathered) >= BATCH or size > BATCH_CHARS) and not goes_on:
                yield gathered
                gathered, size = [], 0
            gathered.append(line)
            size += sum(map(len, line.cells))
            group = mine
        if gathered:
            yield gathered

    def _read(self, lines: Sequence[Line]) -> tuple[list[SheetRow], list[CellProblem]]:
        rows: list[SheetRow] = []
        problems: list[CellProblem] = []
        for line in lines:
            row, wrong = sheets.read_row(self.columns, self.mapping, line)
            if not wrong and (first := self._repeated(row)):
                wrong = [_repeats(self.entity, row, first)]
            problems += wrong
            if not wrong:
                rows.append(row)
        if self.entity.group:
            _, problems = self._together([], rows, problems, lines)
            broken = {problem.line for problem in problems}
            return [row for row in rows if row.line not in broken], problems
        return rows, problems

    def _together(
        self, judged: Sequence[Judged], rows: Sequence[SheetRow], problems: Sequence[CellProblem], lines: Sequence[Line]
    ) -> tuple[list[Judged], list[CellProblem]]:
        """Rows without problems; where rows belong together, one that is wrong takes the others of its group along."""
        wrong, apart = {problem.line for problem in problems}, list(problems)
        if self.entity.group:
            place = self.mapping.get(self.entity.group, -1)
            group = {line.number: line.cells[place].strip() if 0 <= place < len(line.cells) else "" for line in lines}
            broken = {group[line]: line for line in sorted(wrong, reverse=True)}
            heading = self._heading(self.entity.group)
            rule, way_out = N_("同组的第 %(line)s 行有错误，整组没有写入"), N_("改正那一行后连同本行一起重新导入")
            apart += [
                CellProblem(row.line, heading, group[row.line], rule, way_out, {"line": broken[group[row.line]]})
                for row in rows
                if row.line not in wrong and group[row.line] in broken
            ]
            wrong = {problem.line for problem in apart}
        return [each for each in judged if each.row.line not in wrong], apart

    def _repeated(self, row: SheetRow) -> int:
        """The earlier row with the same natural key, or 0."""
        parts = tuple(row.values.get(name) for name in self.entity.key)
        if all(part is None for part in parts):
            return 0
        first = self.seen.setdefault(hash(parts), row.line)
        return 0 if first == row.line else first

    # ------------------------------------------------------------ writing

    def _write(self, session: Session, actor: Actor, judged: Sequence[Judged]) -> list[CellProblem]:
        """Write a batch at once; when the world refuses it, row by row, and say which rows it was."""
        wanted = [each for each in judged if each.outcome is not Outcome.UNCHANGED]
        if not wanted:
            return []
        try:
            with session.begin_nested():
                self.entity.write(session, actor, wanted)
        except (Refusal, IntegrityError):
            return [problem for some in self._groups(wanted) for problem in self._alone(session, actor, some)]
        return []

    def _groups(self, judged: Sequence[Judged]) -> list[list[Judged]]:
        """Rows that belong together, else each by itself."""
        groups: dict[Any, list[Judged]] = {}
        for each in judged:
            groups.setdefault(each.row.values.get(self.entity.group) or each.row.line, []).append(each)
        return list(groups.values())

    def _alone(self, session: Session, actor: Actor, judged: Sequence[Judged]) -> list[CellProblem]:
        try:
            with session.begin_nested():
                self.entity.write(session, actor, judged)
        except Refusal as refusal:
            return [sheets.refused(each.row.line, self._heading(getattr(refusal, "field", None)), "", refusal) for each in judged]
        except IntegrityError:
            rule, way_out = N_("与刚刚写入的另一条记录冲突"), N_("下载错误清单，稍后重新导入这些行")
            return [CellProblem(each.row.line, self._heading(None), "", rule, way_out) for each in judged]
        return []

    def _heading(self, name: str | None) -> str:
        column = self.entity.column(name or self.entity.key[-1]) or self.entity.columns[0]
        return column.heading

    def _note(
        self,
        session: Session,
        actor: Actor,
        job: BulkJob,
        lines: Sequence[Line],
        judged: Sequence[Judged],
        problems: Sequence[CellProblem],
        *,
        last: bool,
    ) -> None:
        """Counters, problems and the place in the file, in the transaction of the batch."""
        wrong = {problem.line for problem in problems}
        done = [each.outcome for each in judged if each.row.line not in wrong]
        job.rows += len(lines)
        job.added += done.count(Outcome.ADDED)
        job.changed += done.count(Outcome.CHANGED)
        job.unchanged += done.count(Outcome.UNCHANGED)
        job.waiting += sum(each.waits for each in judged if each.row.line not in wrong)
        job.failed += len(wrong)
        job.problems += len(problems)
        if lines:
            job.done_line = lines[-1].number
        if problems:
            places = {column.heading: self.mapping.get(column.name) for column in self.columns}
            session.execute(
                insert(BulkProblem),
                [
                    {
                        "job_id": job.id, "line": each.line, "place": places.get(each.column), "heading": each.column,
                        "figure": each.figure[:LONGEST_FIGURE], "rule": each.rule, "way_out": each.way_out,
                        "facts": json.dumps(dict(each.facts), ensure_ascii=False),
                    }
                    for each in sorted(problems, key=lambda each: each.line)
                ],
            )
        session.flush()
        if last:
            service.move(session, actor, job, JobState.CHECKED if self.state is JobState.CHECKING else JobState.DONE)
        elif job.problems > MOST_PROBLEMS:
            service.move(session, actor, job, JobState.FAILED, TooManyProblems(most=MOST_PROBLEMS, line=job.done_line))
        self.done_line = job.done_line


def _repeats(entity: Entity, row: SheetRow, first: int) -> CellProblem:
    name = entity.key[-1]
    heading = next(column.heading for column in entity.columns if column.name == name)
    return CellProblem(row.line, heading, str(row[name]), N_("与第 %(first)s 行重复"), N_("只保留一行"), {"first": first})


def _columns(entity: Entity, mapping: Mapping[str, int]) -> list[Column]:
    """The columns that rows are read by: all fixed ones, and those of free choice that the file has."""
    fixed = {column.name for column in entity.columns}
    made = [column for name in mapping if name not in fixed and (column := entity.more(name)) is not None]
    return [*entity.columns, *made]


def at_once(session: Session, actor: Actor, entity: Entity, table: Sequence[Line], *, dry_run: bool) -> Imported:
    """A small table taken over whole or not at all, as commands do it, in the caller's transaction.

    Raises SheetRefused with one entry per cell, UnreadableSheet.
    """
    actor.must(entity.imports)
    rows, problems = sheets.read(table, entity.columns)
    judged, more = entity.judge(session, actor, rows, {})
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        first = seen.setdefault(tuple(row[name] for name in entity.key), row.line)
        if first != row.line:
            more.append(_repeats(entity, row, first))
    sheets.refuse([*problems, *more])
    new = [each for each in judged if each.outcome is not Outcome.UNCHANGED]
    if new and not dry_run:
        entity.write(session, actor, new)
    added = sum(each.outcome is Outcome.ADDED for each in new)
    return Imported(rows=len(rows), added=added, changed=len(new) - added, dry_run=dry_run)


def failed_lines(session: Session, job_id: int, width: int) -> Iterator[tuple[int, list[str], list[queries.Problem]]]:
    """The rows of the file that have problems, as they came, with what is wrong with each; so many cells of each.

    It is read while the answer is sent, when the request is over and its rows are gone: it takes plain values.
    """
    wrong: dict[int, list[queries.Problem]] = {}
    for problem in queries.problems(session, job_id):
        wrong.setdefault(problem.line, []).append(problem)
    with tempfile.TemporaryFile() as file:
        for piece in queries.pieces(session, job_id):
            file.write(piece)
        for line in sheets.lines(file):
            if line.number in wrong:
                yield line.number, whole(line, width), wrong[line.number]

