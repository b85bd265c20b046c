"""Drawing, keeping and forgetting samples of searches. No events: nobody decided anything, and the rows say it all."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.kernel import clock
from catalog.exposures import rules, spool
from catalog.exposures.rules import RULE, Shown
from catalog.exposures.tables import ExposureDay, SearchSample
from catalog.taxonomy import queries as taxonomy

AS_LEFT: Final = ("key", "question", "conditions", "sort", "engine", "generation", "rules", "region", "role", "total")
"""What the table takes as the page left it."""
SWEPT: Final = 5_000
"""Samples deleted in one transaction."""


def drawn(session: Session, on: date) -> bool:
    """Whether this search is one of those that are kept. Without its parameters none is."""
    return secrets.randbelow(rules.FULL) < int(taxonomy.parameters(session, RULE, on).get("share_bp", 0))


def keep(
    folder: Path, *, question: str | None, conditions: str, sort: str, engine: str, generation: int, version: str, region: str, role: str,
    total: int, hits: Sequence[Shown],
) -> bool:  # fmt: skip
    """Leave a drawn search for the worker, without a statement; returns whether it was left. `question` as the table has it."""
    sample = {
        "at": clock.now().isoformat(), "question": question, "conditions": conditions, "sort": sort, "engine": engine,
        "generation": generation, "rules": version, "region": region, "role": role, "total": total, "hits": hits,
    }  # fmt: skip
    return spool.put(folder, sample)


def take_in(session: Session, samples: Iterable[Mapping[str, Any]]) -> int:
    """Write samples and their sums; one that was taken in before changes nothing. Returns how many were new."""
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    sums: dict[tuple[date, str, str, int], tuple[int, int]] = {}
    taken = 0
    for sample in samples:
        at = datetime.fromisoformat(sample["at"])
        day = clock.local(at).date()
        row = {
            **{name: sample[name] for name in AS_LEFT}, "at": at, "day": day, "hits": json.dumps(sample["hits"]),
        }  # fmt: skip
        new = upsert(SearchSample).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(SearchSample.id)
        if session.scalar(new) is None:
            continue
        taken += 1
        for (code, supplier_id), (shown, seen) in rules.summed(Shown(*hit) for hit in sample["hits"]).items():
            key = (day, row["region"], code, supplier_id)
            before = sums.get(key, (0, 0))
            sums[key] = (before[0] + shown, before[1] + seen)
    for (day, region, code, supplier_id), (shown, seen) in sorted(sums.items()):
        new_row = {"day": day, "region": region, "category_code": code, "supplier_id": supplier_id, "shown": shown, "weight": seen}
        statement = upsert(ExposureDay).values(new_row)
        more = {"shown": ExposureDay.shown + statement.excluded.shown, "weight": ExposureDay.weight + statement.excluded.weight}
        session.execute(
            statement.on_conflict_do_update(index_elements=["day", "region", "category_code", "supplier_id"], set_=more),
            execution_options={"synchronize_session": False},
        )
    return taken


def forget(session: Session, on: date) -> int:
    """Delete what is older than `keep_days`, a bounded number at a time; returns how many samples. Without its parameter nothing goes."""
    days = taxonomy.parameters(session, RULE, on).get("keep_days")
    if days is None:
        return 0
    before = on - timedelta(days=int(days))
    old = select(SearchSample.id).where(SearchSample.day < before).limit(SWEPT)
    plain = {"synchronize_session": False}
    gone = session.execute(delete(SearchSample).where(SearchSample.id.in_(old)).returning(SearchSample.id), execution_options=plain).all()
    session.execute(delete(ExposureDay).where(ExposureDay.day < before), execution_options=plain)
    return len(gone)
