"""Two engines as one: the spare answers when the first does not, and says so."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from catalog.search.port import (
    FacetName,
    FacetValue,
    Filters,
    Health,
    IndexStats,
    SearchDocument,
    SearchEngine,
    SearchPage,
    SearchRequest,
    SearchUnavailable,
    Suggestion,
    Ticket,
)

REST: Final = 5.0
"""Seconds for which the first engine is left alone after it did not answer."""

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class FallbackEngine:
    """`SearchEngine` over a first engine and a spare one. Both are written, so that the spare never lags behind."""

    def __init__(self, first: SearchEngine, spare: SearchEngine, *, rest: float = REST) -> None:
        self._first, self._spare, self._rest = first, spare, rest
        self._resting_until = 0.0
        self._turn = threading.Lock()

    def search(self, request: SearchRequest) -> SearchPage:
        return self._answer(lambda: self._first.search(request), lambda: replace(self._spare.search(request), degraded=True))

    def suggest(self, prefix: str, limit: int = 10) -> tuple[Suggestion, ...]:
        return self._answer(lambda: self._first.suggest(prefix, limit), lambda: self._spare.suggest(prefix, limit))

    def facet_search(self, facet: FacetName, prefix: str, filters: Filters, limit: int = 20) -> tuple[FacetValue, ...]:
        return self._answer(
            lambda: self._first.facet_search(facet, prefix, filters, limit), lambda: self._spare.facet_search(facet, prefix, filters, limit)
        )

    def _answer(self, first: Callable[[], _Answer], spare: Callable[[], _Answer]) -> _Answer:
        if time.monotonic() < self._resting_until:
            return spare()
        try:
            return first()
        except SearchUnavailable as refused:
            with self._turn:
                self._resting_until = time.monotonic() + self._rest
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
        kept = tuple(documents)
        self._spare.rebuild(kept)
        return self._first.rebuild(kept)

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
