"""Commands on imports: take a file, choose the columns, write, cancel. The worker does the work (`engine.py`)."""

import json
import secrets
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.bulk import queries
from app.bulk.entity import REGISTRY
from app.bulk.events import BulkCancelled, BulkCheckBegun, BulkChecked, BulkFailed, BulkMoved, BulkUploaded, BulkWriteBegun, BulkWritten
from app.bulk.intake import PIECE, Look
from app.bulk.rules import ColumnMissing, ColumnTwice, NothingToWrite, WrongStep
from app.bulk.states import STATE_NAMES, STEPS, JobState
from app.bulk.tables import BulkJob, BulkPiece, BulkProblem
from app.kernel import clock, outbox, sheets
from app.kernel.errors import Refusal
from app.policy import Actor

WRITTEN: Final = ("added", "changed", "unchanged", "waiting")
COUNTERS: Final = ("rows", *WRITTEN, "failed")


def receive(session: Session, actor: Actor, entity_name: str, *, file: BinaryIO, name: str, seen: Look) -> BulkJob:
    """Keep a file that was looked at, under a random name; columns that were chosen by hand the last time are chosen again.

    Raises Forbidden, Missing.
    """
    entity = REGISTRY.known(entity_name)
    actor.must(entity.imports)
    assert actor.person_id is not None
    job = BulkJob(
        token=secrets.token_urlsafe(12),
        entity=entity.name,
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        region=actor.region,
        file_name=clean_name(name, seen.format),
        file_size=seen.size,
        format=seen.format,
        digest=seen.digest,
        head_line=seen.head_line,
        headings=json.dumps(seen.headings, ensure_ascii=False),
        samples=json.dumps(seen.samples, ensure_ascii=False),
        mapping=json.dumps(_chosen(seen, queries.chosen_before(session, actor, entity.name)), ensure_ascii=False),
        state=JobState.UPLOADED,
        version=1,
        created_at=clock.now(),
    )
    session.add(job)
    session.flush()
    file.seek(0)
    number = 0
    while piece := file.read(PIECE):
        session.execute(insert(BulkPiece), {"job_id": job.id, "number": number, "data": piece})
        number += 1
    _record(session, actor, job, BulkUploaded(**facts(job), size=job.file_size))
    return job


def _chosen(seen: Look, before: Mapping[str, str]) -> dict[str, int]:
    """The guess, but for the headings that somebody has chosen a field for before."""
    again: dict[str, int] = {}
    for place, heading in enumerate(seen.headings):
        if (name := before.get(sheets.plain(heading))) is not None:
            again.setdefault(name, place)
    taken = set(again.values())
    return again | {name: place for name, place in seen.mapping.items() if name not in again and place not in taken}


def clean_name(name: str, kind: str) -> str:
    """The name a person gave the file, without folders and signs that do not belong into names."""
    last = PurePath(name.replace("\\", "/")).name
    kept = "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*/')[-100:].strip(". ")
    return kept or f"table.{kind}"


def choose(session: Session, actor: Actor, token: str, mapping: Mapping[str, int]) -> BulkJob:
    """Say which column of the file is which field, and have the whole file checked.

    Raises Missing, ColumnMissing, ColumnTwice, WrongStep.
    """
    job = queries.by_token(session, actor, token)
    entity = REGISTRY.known(job.entity)
    headings: list[str] = json.loads(job.headings)
    kept = {name: place for name, place in mapping.items() if 0 <= place < len(headings) and entity.column(name) is not None}
    missing = [column.heading for column in entity.columns if column.required and column.name not in kept]
    if missing:
        raise ColumnMissing(columns="、".join(missing))
    for place in kept.values():
        if sum(other == place for other in kept.values()) > 1:
            raise ColumnTwice(heading=headings[place])
    job.mapping = json.dumps(kept, ensure_ascii=False)
    move(session, actor, job, JobState.CHECKING)
    return job


def write(session: Session, actor: Actor, token: str) -> BulkJob:
    """Have the rows without problems written. Raises Missing, WrongStep, NothingToWrite."""
    job = queries.by_token(session, actor, token)
    if job.state is JobState.CHECKED and not job.added + job.changed:
        raise NothingToWrite(failed=job.failed, unchanged=job.unchanged)
    move(session, actor, job, JobState.WRITING)
    return job


def cancel(session: Session, actor: Actor, token: str) -> BulkJob:
    """Stop; rows that were written stay written. Raises Missing, WrongStep."""
    job = queries.by_token(session, actor, token)
    move(session, actor, job, JobState.CANCELLED)
    return job


def move(session: Session, actor: Actor, job: BulkJob, to: JobState, why: Refusal | None = None) -> None:
    """The one door to another state: whoever is second finds it closed. Raises WrongStep."""
    before = job.state
    if to not in STEPS[before]:
        raise WrongStep(state=STATE_NAMES[before])
    now = clock.now()
    fresh: dict[str, Any] = {}
    if to in {JobState.CHECKING, JobState.WRITING}:
        fresh = dict.fromkeys(("done_line", *COUNTERS, "problems"), 0)
        fresh |= {"began_at": now, "ended_at": None, "why": None, "lease_token": None, "lease_until": None}
    else:
        fresh = {"ended_at": now, "lease_token": None, "lease_until": None}
        if before is not JobState.WRITING and to is not JobState.CHECKED:
            fresh |= dict.fromkeys(WRITTEN, 0)  # a check alone has written nothing, and nothing will be
    if to is JobState.CHECKED:
        fresh["total_rows"] = job.rows
    if why is not None:
        stored = {"code": why.code, "message": why.message, "way_out": why.way_out, "facts": _plain(why.facts)}
        fresh["why"] = json.dumps(stored, ensure_ascii=False)
    session.flush()
    guarded = update(BulkJob).where(BulkJob.id == job.id, BulkJob.state == before, BulkJob.version == job.version)
    moved = session.execute(guarded.values(state=to, version=job.version + 1, **fresh).returning(BulkJob.id)).first()
    if moved is None:
        session.refresh(job)
        raise WrongStep(state=STATE_NAMES[job.state])
    session.refresh(job)
    if to in {JobState.CHECKING, JobState.WRITING}:
        session.execute(delete(BulkProblem).where(BulkProblem.job_id == job.id))
    _record(session, actor, job, _fact(job, to, why))


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if isinstance(fact, str | int) and name != "field"}


def _fact(job: BulkJob, to: JobState, why: Refusal | None) -> BulkMoved:
    counted = {name: getattr(job, name) for name in COUNTERS}
    if to is JobState.CHECKING:
        return BulkCheckBegun(**facts(job))
    if to is JobState.WRITING:
        return BulkWriteBegun(**facts(job))
    if to is JobState.CHECKED:
        return BulkChecked(**facts(job), **counted)
    if to is JobState.DONE:
        return BulkWritten(**facts(job), **counted)
    if to is JobState.CANCELLED:
        return BulkCancelled(**facts(job), **counted)
    return BulkFailed(**facts(job), **counted, reason=why.code if why else "")


def facts(job: BulkJob) -> dict[str, Any]:
    """What every event of the import carries."""
    return {
        "job": job.token, "entity": job.entity, "organisation_id": job.organisation_id, "file_name": job.file_name, "digest": job.digest,
    }  # fmt: skip


def _record(session: Session, actor: Actor, job: BulkJob, fact: BulkMoved) -> None:
    outbox.record(session, actor, fact, stream=f"bulk/{job.token}", version=job.version, region=job.region, owner_id=job.organisation_id)
