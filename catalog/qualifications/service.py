"""Takes documents in, accepts them and sends them back. The way in commits."""

import json
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox, uploads
from app.kernel.contents import Content
from app.kernel.uploads import Upload
from app.policy import Actor, Permission
from catalog.qualifications import events, queries, rules
from catalog.qualifications.rules import NotWaiting, Paper, ReasonMissing, UnknownRequirement, Wanted
from catalog.qualifications.states import Action, PaperState, next_state
from catalog.qualifications.tables import Qualification, Requirement
from catalog.suppliers.service import stream_of

_DATA: Final = files("catalog.qualifications") / "data"


def load_requirements(session: Session) -> int:
    """Put the shipped requirements into the registry; rows that are there stay as they are. Returns how many were new."""
    known = {tuple(row) for row in session.execute(select(Requirement.code, Requirement.valid_from))}
    added = 0
    for row in json.loads((_DATA / "requirements.json").read_text("utf-8"))["rows"]:
        days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("valid_from", "valid_to")}
        if (row["code"], days["valid_from"]) not in known:
            session.add(Requirement(**{**row, **days}))
            added += 1
    session.flush()
    return added


def add_requirement(session: Session, wanted: Wanted) -> Requirement:
    """Ask for a document from a day on; the latest row of a code wins, earlier rows stay as history."""
    row = Requirement(**vars(wanted))
    session.add(row)
    session.flush()
    return row


def hand_in(
    session: Session,
    actor: Actor,
    folder: Path,
    wanted: tuple[Wanted, ...],
    *,
    requirement: str,
    paper: Paper,
    content: Content,
    file_name: str,
    at_once: bool = True,
) -> Qualification:
    """Keep a document of the actor's own supplier; one of the same kind that waits or was returned gives way to it.

    It is handed over to the reviewers `at_once`, or with the application that it belongs to.

    Raises Forbidden, UnknownRequirement and what `rules.check` raises.
    """
    actor.must(Permission.SUPPLIER_ADMINISTER)
    asked = next((each for each in wanted if each.code == requirement), None)
    if asked is None:
        raise UnknownRequirement()
    first = rules.check(asked, paper, clock.today())
    organisation_id = actor.organisation_id or 0
    for row in queries.current(session, organisation_id).get(requirement, ()):
        if row.paper.state in {PaperState.WAITING, PaperState.RETURNED}:
            _move(row.paper, Action.REPLACE)
            row.paper.return_reason = None
    upload = uploads.keep(session, actor, folder, content, title=file_name, organisation_id=organisation_id)
    kept = Qualification(
        organisation_id=organisation_id,
        requirement=asked.code,
        title=asked.title,
        number=paper.number[: rules.LONGEST_NUMBER],
        issuer=paper.issuer[: rules.LONGEST_ISSUER],
        valid_from=first,
        valid_to=paper.valid_to,
        upload_id=upload.id,
        state=PaperState.WAITING,
        handed_in_at=clock.now(),
        handed_over_at=clock.now() if at_once else None,
    )
    session.add(kept)
    session.flush()
    _record(session, actor, kept, events.PaperHandedIn(**_facts(kept, upload), issuer=kept.issuer))  # type: ignore[arg-type]
    return kept


def hand_over(session: Session, organisation_id: int) -> None:
    """Let the reviewers read what was kept with an application until now."""
    kept = update(Qualification).where(Qualification.organisation_id == organisation_id, Qualification.handed_over_at.is_(None))
    session.execute(kept.values(handed_over_at=clock.now()))


def accept(session: Session, actor: Actor, qualification_id: int) -> Qualification:
    """Find a waiting document good; the accepted one before it gives way. Raises Forbidden, Missing or NotWaiting."""
    actor.must(Permission.SUPPLIER_REVIEW)
    row = _held(session, actor, qualification_id)
    for other in queries.accepted(session, row.paper.organisation_id):
        if other.requirement == row.paper.requirement:
            _move(other, Action.REPLACE)
    _decide(row.paper, actor, Action.ACCEPT)
    _record(session, actor, row.paper, events.PaperAccepted(**_facts(row.paper, row.upload)))  # type: ignore[arg-type]
    return row.paper


def send_back(session: Session, actor: Actor, qualification_id: int, reason: str) -> Qualification:
    """Ask for a document again and say why. Raises Forbidden, Missing, NotWaiting or ReasonMissing."""
    actor.must(Permission.SUPPLIER_REVIEW)
    if not reason.strip():
        raise ReasonMissing()
    row = _held(session, actor, qualification_id)
    row.paper.return_reason = reason.strip()[: rules.LONGEST_REASON]
    _decide(row.paper, actor, Action.RETURN)
    fact = events.PaperReturned(**_facts(row.paper, row.upload), reason=row.paper.return_reason)  # type: ignore[arg-type]
    _record(session, actor, row.paper, fact)
    return row.paper


def _held(session: Session, actor: Actor, qualification_id: int) -> queries.Row:
    row = queries.by_id(session, actor, qualification_id)
    session.refresh(row.paper, with_for_update={"key_share": True})
    if row.paper.state is not PaperState.WAITING:
        raise NotWaiting()
    return row


def _decide(paper: Qualification, actor: Actor, action: Action) -> None:
    paper.decided_by, paper.decided_at = actor.person_id, clock.now()
    _move(paper, action)


def _move(paper: Qualification, action: Action) -> None:
    target = next_state(paper.state, action)
    if target is None:
        raise NotWaiting()
    paper.state = target


def _facts(paper: Qualification, upload: Upload) -> dict[str, object]:
    return {
        "organisation_id": paper.organisation_id,
        "qualification": paper.id,
        "requirement": paper.requirement,
        "number": paper.number,
        "valid_from": paper.valid_from,
        "valid_to": paper.valid_to,
        "sha256": upload.sha256,
    }


def _record(session: Session, actor: Actor, paper: Qualification, fact: events.PaperFact) -> None:
    session.flush()
    outbox.record(session, actor, fact, stream=papers_of(paper.organisation_id), region=actor.region, owner_id=paper.organisation_id)


def papers_of(organisation_id: int) -> str:
    """The stream of a supplier's documents: they begin before it enters the library."""
    return f"{stream_of(organisation_id)}/papers"
