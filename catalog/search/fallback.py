"""Two engines as one: the spare answers when the first does not, and says so."""

import json
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import IO, Final, TypeVar

from catalog.search.port import (
    Category,
    FacetName,
    FacetValue,
    Filters,
    Health,
    IndexStats,
    Ranking,
    SearchDocument,
    SearchEngine,
    SearchPage,
    SearchRequest,
    SearchUnavailable,
    Suggestion,
    Ticket,
)

REST: Final = 5.0
"""Seconds for which the first engine is left alone after it did not answer, unless it said how long."""
LONGEST_REST: Final = 60.0

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class FallbackEngine:
    """`SearchEngine` over a first engine and a spare one. Both are written, so that the spare never lags behind."""

    def __init__(self, first: SearchEngine, spare: SearchEngine, *, rest: float = REST) -> None:
        self._first, self._spare, self._rest = first, spare, rest
        self._resting_until = 0.0
        self._turn = threading.Lock()

    @property
    def parts(self) -> tuple[SearchEngine, SearchEngine]:
        """Both engines: each has an index of its own that may drift."""
        return self._first, self._spare

    @property
    def is_resting(self) -> bool:
        """Whether the spare answers just now."""
        return time.monotonic() < self._resting_until

    def search(self, request: SearchRequest) -> SearchPage:
        return self._answer(lambda: self._first.search(request), lambda: replace(self._spare.search(request), degraded=True))

    def explain(self, request: SearchRequest) -> Ranking:
        """By whichever engine answers now: it explains its own order."""
        return self._answer(lambda: self._first.explain(request), lambda: _degraded(self._spare.explain(request)))

    def suggest(self, prefix: str, limit: int = 10) -> tuple[Suggestion, ...]:
        return self._answer(lambda: self._first.suggest(prefix, limit), lambda: self._spare.suggest(prefix, limit))

    def facet_search(self, facet: FacetName, prefix: str, filters: Filters, limit: int = 20) -> tuple[FacetValue, ...]:
        return self._answer(
            lambda: self._first.facet_search(facet, prefix, filters, limit), lambda: self._spare.facet_search(facet, prefix, filters, limit)
        )

    def _answer(self, first: Callable[[], _Answer], spare: Callable[[], _Answer]) -> _Answer:
        if self.is_resting:
            return spare()
        try:
            return first()
        except SearchUnavailable as refused:
            rest = self._rest if refused.retry_after is None else min(float(refused.retry_after), LONGEST_REST)
            with self._turn:
                self._resting_until = time.monotonic() + rest
            log.warning("search falls back to the spare engine: %s", refused.reason)
            return spare()

    def upsert(self, documents: Iterable[SearchDocument]) -> Ticket:
        """Write the spare, then the first; raises when either refuses, and the outbox writes both again."""
        kept = tuple(documents)
        self._spare.wait(self._spare.upsert(kept))
        return self._first.upsert(kept)

    def delete(self, ids: Iterable[int]) -> Ticket:
        kept = tuple(ids)
        self._spare.wait(self._spare.delete(kept))
        return self._first.delete(kept)

    def wait(self, ticket: Ticket, timeout: float = 30.0) -> None:
        self._first.wait(ticket, timeout)

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Both, one after the other; what the first needs waits on the disk, for a province does not fit into memory."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", prefix="mall-search-") as kept:
            self._spare.rebuild(_noted(documents, kept))
            kept.seek(0)
            return self._first.rebuild(_told(kept))

    def ids(self) -> Iterator[int]:
        yield from self._answer(lambda: list(self._first.ids()), lambda: list(self._spare.ids()))

    def teach(self, groups: Sequence[Sequence[str]]) -> None:
        self._spare.teach(groups)
        self._first.teach(groups)

    def apply_settings(self) -> None:
        self._spare.apply_settings()
        self._first.apply_settings()

    def health(self) -> Health:
        """Healthy while anything answers; the detail tells of both."""
        first, spare = self._first.health(), self._spare.health()
        return Health(ok=first.ok or spare.ok, engine=f"{first.engine} + {spare.engine}", detail=f"{first.detail}; spare: {spare.detail}")

    def stats(self) -> IndexStats:
        return self._answer(self._first.stats, self._spare.stats)

    def close(self) -> None:
        self._first.close()
        self._spare.close()


def _degraded(ranking: Ranking) -> Ranking:
    return replace(ranking, page=replace(ranking.page, degraded=True))


def _noted(documents: Iterable[SearchDocument], file: IO[str]) -> Iterator[SearchDocument]:
    for document in documents:
        json.dump(asdict(document), file, default=datetime.isoformat)
        file.write("\n")
        yield document


def _told(file: IO[str]) -> Iterator[SearchDocument]:
    """What was noted, one by one."""
    for line in file:
        said = json.loads(line)
        said["created_at"] = datetime.fromisoformat(said["created_at"])
        said["regions"] = tuple(said["regions"])
        said["category_path"] = tuple(Category(**step) for step in said["category_path"])
        yield SearchDocument(**said)
