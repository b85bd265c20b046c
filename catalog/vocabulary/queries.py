"""Reads: the queue of questions without answer, and the synonyms in force."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.errors import Missing
from catalog.taxonomy import queries as taxonomy
from catalog.vocabulary.states import MissState
from catalog.vocabulary.tables import Miss, Synonym

RULE = "Q01"
"""The dated parameters that say how many readers, on how many days, bring a question before anybody's eyes."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A synonym as the page shows it."""

    id: int
    words: tuple[str, ...]
    added_at: datetime


def groups(session: Session) -> list[tuple[str, ...]]:
    """Every group of words in force, oldest first, for the engines."""
    rows = session.scalars(select(Synonym.words).where(Synonym.removed_at.is_(None)).order_by(Synonym.id))
    return [tuple(json.loads(words)) for words in rows]


def synonyms(session: Session, limit: int = 200) -> list[Shown]:
    """The synonyms in force, the newest first."""
    rows = session.scalars(select(Synonym).where(Synonym.removed_at.is_(None)).order_by(Synonym.id.desc()).limit(limit))
    return [Shown(id=row.id, words=tuple(json.loads(row.words)), added_at=row.added_at) for row in rows]


def waiting(session: Session, on: date, limit: int = 50) -> Sequence[Miss]:
    """Open questions that enough different readers asked, most asked first. Without its parameters the rule shows none."""
    least = taxonomy.parameters(session, RULE, on)
    if not {"readers", "days"} <= least.keys():
        return []
    enough = (Miss.state == MissState.OPEN, Miss.readers >= int(least["readers"]), Miss.days >= int(least["days"]))
    return session.scalars(select(Miss).where(*enough).order_by(Miss.readers.desc(), Miss.id).limit(limit)).all()


def decided(session: Session, limit: int = 20) -> Sequence[Miss]:
    """The latest decisions."""
    return session.scalars(select(Miss).where(Miss.state != MissState.OPEN).order_by(Miss.decided_at.desc()).limit(limit)).all()


def by_id(session: Session, miss_id: int) -> Miss:
    """Raises Missing."""
    row = session.get(Miss, miss_id)
    if row is None:
        raise Missing()
    return row


def synonym(session: Session, synonym_id: int) -> Synonym:
    """A synonym in force. Raises Missing."""
    row = session.get(Synonym, synonym_id)
    if row is None or row.removed_at is not None:
        raise Missing()
    return row


def open_count(session: Session) -> int:
    """How many questions are kept undecided, shown or not."""
    return session.scalar(select(func.count()).select_from(Miss).where(Miss.state == MissState.OPEN)) or 0
