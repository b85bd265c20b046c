"""Counting questions that found nothing, and deciding about them."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.policy import Actor, Permission
from catalog.vocabulary import queries, rules
from catalog.vocabulary.events import GoodsMissing, MissDismissed, SynonymAdded, SynonymRemoved
from catalog.vocabulary.rules import AlreadyDecided, AlreadySynonyms
from catalog.vocabulary.states import MissState
from catalog.vocabulary.tables import Miss, MissMark, Synonym

MOST_OPEN: Final = 5_000
"""Undecided questions kept at most: whoever types nonsense by machine fills no disk. Until some are decided no new ones are taken."""


def note(session: Session, question: str, on: date, mark: str) -> bool:
    """Count a reader of a question that found nothing, once a day; returns whether it counted. No event: nobody decided anything."""
    if not rules.worth_keeping(question):
        return False
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    miss_id = session.scalar(select(Miss.id).where(Miss.question == question))
    if miss_id is None:
        if queries.open_count(session) >= MOST_OPEN:
            return False
        new = {"question": question, "readers": 0, "days": 0, "first_on": on, "last_on": on, "state": MissState.OPEN}
        session.execute(upsert(Miss).values(new).on_conflict_do_nothing())
        miss_id = session.scalar(select(Miss.id).where(Miss.question == question))
        assert miss_id is not None
    session.execute(delete(MissMark).where(MissMark.miss_id == miss_id, MissMark.day < on))
    first_today = session.scalar(select(MissMark.mark).where(MissMark.miss_id == miss_id).limit(1)) is None
    counted = session.execute(
        upsert(MissMark).values(miss_id=miss_id, day=on, mark=mark).on_conflict_do_nothing().returning(MissMark.mark)
    ).first()
    if counted is None:
        return False
    more = {"readers": Miss.readers + 1, "days": Miss.days + int(first_today), "last_on": on}
    session.execute(update(Miss).where(Miss.id == miss_id).values(more), execution_options={"synchronize_session": False})
    return True


def add_synonym(session: Session, actor: Actor, words: Iterable[str], miss_id: int | None = None) -> Synonym:
    """Teach the search that these words mean the same; answers a question of the queue when one is named.

    Raises TooFewWords, WordUnfit, AlreadySynonyms, AlreadyDecided, Missing.
    """
    actor.must(Permission.CATALOGUE_ADMINISTER)
    miss = _open(session, miss_id) if miss_id is not None else None
    kept = rules.cleaned([miss.question, *words] if miss else words)
    if any({word.lower() for word in kept} <= {word.lower() for word in group} for group in queries.groups(session)):
        raise AlreadySynonyms(words="、".join(kept))
    row = Synonym(
        words=json.dumps(kept, ensure_ascii=False), miss_id=miss_id, added_at=clock.now(), added_by=actor.person_id, removed_at=None
    )
    session.add(row)
    session.flush()
    if miss is not None:
        _decide(session, actor, miss, MissState.SYNONYM)
    fact = SynonymAdded(synonym_id=row.id, words=kept, question=miss.question if miss else None)
    outbox.record(session, actor, fact, stream=f"synonym/{row.id}")
    return row


def remove_synonym(session: Session, actor: Actor, synonym_id: int) -> None:
    """Take a group of words back. Raises Missing."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    row = queries.synonym(session, synonym_id)
    row.removed_at = clock.now()
    outbox.record(session, actor, SynonymRemoved(synonym_id=row.id, words=tuple(json.loads(row.words))), stream=f"synonym/{row.id}")


def dismiss(session: Session, actor: Actor, miss_id: int) -> None:
    """Nothing is to be done about the question. Raises AlreadyDecided, Missing."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    miss = _open(session, miss_id)
    _decide(session, actor, miss, MissState.DISMISSED)
    fact = MissDismissed(miss_id=miss.id, question=miss.question, readers=miss.readers)
    outbox.record(session, actor, fact, stream=f"miss/{miss.id}")


def mark_missing(session: Session, actor: Actor, miss_id: int) -> None:
    """Such goods are wanted and nobody offers them. Raises AlreadyDecided, Missing."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    miss = _open(session, miss_id)
    _decide(session, actor, miss, MissState.GOODS_MISSING)
    fact = GoodsMissing(miss_id=miss.id, question=miss.question, readers=miss.readers)
    outbox.record(session, actor, fact, stream=f"miss/{miss.id}")


def _open(session: Session, miss_id: int) -> Miss:
    miss = queries.by_id(session, miss_id)
    if miss.state is not MissState.OPEN:
        raise AlreadyDecided(question=miss.question)
    return miss


def _decide(session: Session, actor: Actor, miss: Miss, state: MissState) -> None:
    """Guarded, so that of two administrators one decides and the other is told. Raises AlreadyDecided."""
    taken = session.execute(
        update(Miss)
        .where(Miss.id == miss.id, Miss.state == MissState.OPEN)
        .values(state=state, decided_at=clock.now(), decided_by=actor.person_id)
        .returning(Miss.id)
    ).first()
    if taken is None:
        raise AlreadyDecided(question=miss.question)
