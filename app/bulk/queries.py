"""Reads of imports. Whoever may import a kind of row sees the imports of the own organisation, and of no other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from app.bulk.entity import REGISTRY
from app.bulk.tables import BulkJob, BulkPiece, BulkProblem
from app.kernel import paging, sheets
from app.kernel.errors import Missing
from app.policy import Actor

__all__ = ["BulkJob", "BulkProblem"]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The imports of the own organisation, of the kinds the actor may import himself."""
    kinds = [entity.name for entity in REGISTRY.entities.values() if actor.may(entity.imports)]
    if not kinds or actor.organisation_id is None:
        return false()
    return and_(BulkJob.organisation_id == actor.organisation_id, or_(*(BulkJob.entity == kind for kind in kinds)))


def by_token(session: Session, actor: Actor, token: str) -> BulkJob:
    """One import. Raises Missing."""
    found = session.scalar(select(BulkJob).where(BulkJob.token == token, visible_to(actor)).execution_options(populate_existing=True))
    if found is None:
        raise Missing()
    return found


def history(
    session: Session, actor: Actor, *, entity: str | None = None, cursor: str | None = None, limit: int = 20
) -> paging.Page[BulkJob]:
    """The imports, the latest first."""
    query = select(BulkJob).where(visible_to(actor))
    if entity is not None:
        query = query.where(BulkJob.entity == entity)
    return paging.page(session, query, (paging.Key(BulkJob.id),), cursor=cursor, limit=limit)


def chosen_before(session: Session, actor: Actor, entity: str) -> dict[str, str]:
    """Which field each heading stood for in the organisation's last import of this kind that got as far as a check."""
    query = select(BulkJob).where(visible_to(actor), BulkJob.entity == entity, BulkJob.began_at.is_not(None))
    last = session.scalars(query.order_by(BulkJob.id.desc()).limit(1)).first()
    if last is None:
        return {}
    headings = [sheets.plain(heading) for heading in json.loads(last.headings)]
    return {headings[place]: name for name, place in json.loads(last.mapping).items() if headings[place]}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell; the sentences are the Chinese originals."""

    line: int
    place: int | None
    heading: str
    figure: str
    rule: str
    way_out: str
    facts: dict[str, Any]


def problems(session: Session, job_id: int, *, limit: int | None = None) -> list[Problem]:
    """What is wrong, in the order of the rows."""
    rows = session.scalars(select(BulkProblem).where(BulkProblem.job_id == job_id).order_by(BulkProblem.line, BulkProblem.id).limit(limit))
    return [Problem(row.line, row.place, row.heading, row.figure, row.rule, row.way_out, json.loads(row.facts)) for row in rows]


def pieces(session: Session, job_id: int) -> Iterator[bytes]:
    """The file as it came, one piece after the other."""
    number = 0
    while data := session.scalar(select(BulkPiece.data).where(BulkPiece.job_id == job_id, BulkPiece.number == number)):
        yield data
        number += 1
