"""The embedded search engine: a tantivy index in the process, read by many processes and written by one."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from tantivy import DocAddress, Index, IndexWriter, Order, Query, Searcher

from catalog.search import engine_schema, highlight, paging
from catalog.search.corrections import Vocabulary
from catalog.search.engine_facets import FacetCounter, shelf
from catalog.search.engine_query import Questions, filtered
from catalog.search.engine_reasons import FIELDS, Reasons
from catalog.search.engine_store import Current, Store
from catalog.search.paging import Place
from catalog.search.port import (
    MAX_TOTAL,
    FacetName,
    FacetValue,
    Filters,
    Health,
    Hit,
    IndexStats,
    Ranking,
    Relaxed,
    SearchDocument,
    SearchPage,
    SearchRequest,
    SearchUnavailable,
    Sort,
    Suggestion,
    SuggestionKind,
    Ticket,
)
from catalog.search.suggestions import Shelf
from catalog.search.taught import Taught

HEAP_BYTES: Final = 64_000_000
WRITER_PATIENCE: Final = 10.0
"""Seconds a write waits for its turn; the outbox tries again later."""
Found = Sequence[tuple[float, DocAddress]]
_ORDERS: Final = {
    sort: (field, Order.Asc if sort is Sort.PRICE_UP else Order.Desc) for sort, field in FIELDS.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation, as a search sees it from beginning to end."""

    searcher: Searcher
    questions: Questions
    current: Current


class Answer(NamedTuple):
    """A page with what it was made from."""

    page: SearchPage
    now: Snapshot
    q: str
    """The question that was answered."""
    found: Found


class EmbeddedEngine:
    """`SearchEngine` on a folder. Safe for threads; `facet_cache` is how many questions' facet counts are kept."""

    name: Final = "embedded"

    def __init__(self, root: Path, *, facet_cache: int = 256) -> None:
        self._store = Store(root, engine_schema.VERSION)
        self._taught = Taught(root)
        self._schema = engine_schema.schema()
        self._facets = FacetCounter(facet_cache)
        self._vocabulary = Vocabulary()
        self._shelf = Shelf()
        self._turn = threading.Lock()
        self._open: tuple[str, Index] | None = None
        self._snapshot: Snapshot | None = None
        self._writer: tuple[str, Index, IndexWriter] | None = None

    # ------------------------------------------------------------ reading

    def search(self, request: SearchRequest) -> SearchPage:
        return self._answer(request).page

    def explain(self, request: SearchRequest) -> Ranking:
        answer = self._answer(request)
        question = answer.now.questions.asked(answer.q, partial=answer.page.partial)
        reasons = Reasons(answer.now.searcher, answer.now.questions, answer.found)
        return Ranking(page=answer.page, engine=self.name, placed=reasons.of(question, answer.page.hits, request.sort), tells_words=True)

    def _answer(self, request: SearchRequest) -> "Answer":
        began = time.perf_counter()
        place = paging.read(request)
        now = self._now()
        q, partial = (place.q, place.partial) if place else (request.q, False)
        filters = now.questions.filters(request.filters)
        base = filtered(now.questions.question(q, partial=partial), filters)
        found, total, behind = self._page(now, base, request, place)
        relaxed: tuple[Relaxed, ...] = ()
        unfiltered: int | None = None
        if place is None and total == 0 and q.strip():
            open_to_all = Filters(without=request.filters.without)
            anywhere = filtered(now.questions.question(q), now.questions.filters(open_to_all))
            unfiltered = self._count(now, anywhere) if request.filters != open_to_all else None
            q = (None if unfiltered else self._corrected(now, q, sure=True) or self._corrected(now, q)) or q
            for partial in (False, True) if q != request.q else (True,):
                base = filtered(now.questions.question(q, partial=partial), filters)
                found, total, behind = self._page(now, base, request, None)
                if total:
                    break
            partial = partial and total > 0
            relaxed = self._relaxed(now, q, filters) if partial or not total else ()
        elif place is None and self._vocabulary.doubtful(q) and (better := self._corrected(now, q, sure=True)):
            base = filtered(now.questions.question(better), filters)
            again = self._page(now, base, request, None)
            if again[1]:
                q, (found, total, behind) = better, again
            else:
                base = filtered(now.questions.question(q), filters)
        asked = request if q == request.q else replace(request, q=q)
        facets, stats = self._facets.counts(now.searcher, now.current.generation, now.questions, base, asked, partial=partial)
        hits = tuple(self._hits(now, found, highlight.needles(asked.q) if request.highlight else ()))
        told, exact = (place.total, place.exact) if place else (min(total, MAX_TOTAL), total <= MAX_TOTAL)
        generation = now.current.generation
        following = None if behind is None else Place(request.sort, behind, hits[-1].pk, told, exact, generation, q, partial)
        page = SearchPage(
            hits=hits,
            total=told,
            total_exact=exact,
            next_page=paging.written(following) if following else None,
            facets=facets,
            facet_stats=stats,
            corrected=q if q != request.q and total else None,
            partial=partial,
            relaxed=relaxed,
            total_unfiltered=unfiltered,
            took_ms=(time.perf_counter() - began) * 1000,
            generation=generation,
        )
        return Answer(page, now, q, found)

    def suggest(self, prefix: str, limit: int = 10) -> tuple[Suggestion, ...]:
        if not prefix.strip() or limit < 1:
            return ()
        now = self._now()
        found = list(self._shelf.matching(prefix, max(limit * 2 // 3, 1), now.current.generation, lambda: shelf(now.searcher)))
        query = now.questions.question(prefix)
        wanted = highlight.needles(prefix)
        seen: set[str] = set()
        hits = now.searcher.search(query, limit * 4, count=False, weight_by_field="rank").hits if query is not None else []
        for hit in self._hits(now, hits, wanted):
            if len(found) >= limit:
                break
            if str(hit.product_id) not in seen:
                seen.add(str(hit.product_id))
                found.append(
                    Suggestion(kind=SuggestionKind.PRODUCT, text=hit.title, text_html=hit.title_html, value=str(hit.product_id), count=0)
                )
        return tuple(found)

    def facet_search(self, facet: FacetName, prefix: str, filters: Filters, limit: int = 20) -> tuple[FacetValue, ...]:
        now = self._now()
        within = filtered(None, now.questions.filters(filters, but=facet))
        return self._facets.matching(now.searcher, within, facet, prefix, limit)

    def ids(self) -> Iterator[int]:
        searcher = self._now().searcher
        hits = searcher.search(Query.all_query(), max(searcher.num_docs, 1), count=False).hits
        yield from map(int, searcher.fast_field_values("pk", [address for _, address in hits]))  # type: ignore[arg-type]

    def _page(self, now: Snapshot, base: Query, request: SearchRequest, place: Place | None) -> tuple[Found, int, int | None]:
        """Hits of one page, the total when it is the first, and behind what the next begins; None when there is no next."""
        limit, searcher, count = request.limit, now.searcher, place is None
        if request.sort in _ORDERS:
            field, order = _ORDERS[request.sort]
            behind = [now.questions.after(field, place.at, upwards=order is Order.Asc)] if place else []
            answer = searcher.search(filtered(base, behind), limit + 1, count=count, order_by_field=field, order=order)
            # The library makes the list anew each time it is asked for.
            found = answer.hits
            at = int(found[limit - 1][0]) if len(found) > limit else None
        else:
            start = self._start(now, base, place) if place else 0
            wanted = min(limit, MAX_TOTAL - start)
            if wanted <= 0:
                return (), 0, None
            answer = searcher.search(base, wanted + 1, count=count, offset=start, weight_by_field="rank")
            found = answer.hits
            limit, at = wanted, start + wanted if len(found) > wanted and start + wanted < MAX_TOTAL else None
        return found[:limit], place.total if place else int(getattr(answer, "count", 0) or 0), at

    def _start(self, now: Snapshot, base: Query, place: Place) -> int:
        """Where a page by relevance begins; after a change of the index, behind the last hit shown, wherever it stands now."""
        if place.generation == now.current.generation:
            return place.at
        hits = now.searcher.search(base, min(place.at + 200, MAX_TOTAL), count=False, weight_by_field="rank").hits
        ids = now.searcher.fast_field_values("pk", [address for _, address in hits])
        return ids.index(place.last) + 1 if place.last in ids else place.at

    def _hits(self, now: Snapshot, found: Found, wanted: tuple[str, ...]) -> Iterator[Hit]:
        """The listings found, read one by one as they are asked for."""
        read, mark = now.searcher.doc, highlight.mark
        for score, address in found:
            stored: Callable[[str], Any] = read(address).get_first
            title, brand, model, category, supplier = stored("card").decode().split(engine_schema.CARD)
            yield Hit(stored("pk"), stored("product"), title, mark(title, wanted), brand, model, category, supplier, float(score))

    def _count(self, now: Snapshot, query: Query) -> int:
        return int(getattr(now.searcher.search(query, 1), "count", 0) or 0)

    def _corrected(self, now: Snapshot, q: str, *, sure: bool = False) -> str | None:
        def finds(word: str) -> bool:
            query = now.questions.inside(word) if sure else now.questions.word(word)
            return query is not None and bool(now.searcher.search(query, 1, count=False).hits)

        return self._vocabulary.corrected(q, now.current.generation, lambda: now.searcher.terms_with_prefix("w", ""), finds, sure=sure)

    def _relaxed(self, now: Snapshot, q: str, filters: Sequence[Query]) -> tuple[Relaxed, ...]:
        """Shorter questions that do have answers, the most specific first."""
        found = []
        for shorter in self._vocabulary.shorter(q):
            total = self._count(now, filtered(now.questions.question(shorter), filters))
            if total:
                found.append(Relaxed(q=shorter, total=min(total, MAX_TOTAL)))
        return tuple(sorted(found, key=lambda one: one.total)[:3])

    # ------------------------------------------------------------ generations

    def _now(self) -> Snapshot:
        """The newest generation; costs one look at a file when nothing changed. Raises SearchUnavailable."""
        current = self._store.current() or self._begin()
        snapshot = self._snapshot
        if snapshot is not None and (snapshot.current is current or snapshot.current == current):
            return snapshot
        self._taught.look()
        with self._turn:
            for _ in range(3):
                current = self._store.current() or current
                try:
                    self._snapshot = self._read(current)
                except ValueError as failed:
                    if self._store.current() == current:
                        raise SearchUnavailable(reason=f"the index cannot be opened, rebuild it: {failed}") from failed
                else:
                    return self._snapshot
        raise SearchUnavailable(reason="the index is replaced faster than it can be opened")

    def _read(self, current: Current) -> Snapshot:
        if current.version != engine_schema.VERSION:
            raise SearchUnavailable(reason=f"the index has version {current.version}, not {engine_schema.VERSION}: rebuild it")
        if self._open is None or self._open[0] != current.folder:
            self._open = (current.folder, engine_schema.prepare(Index.open(str(self._store.root / current.folder))))
        else:
            self._open[1].reload()
        searcher = self._open[1].searcher()
        return Snapshot(searcher, Questions(self._schema, searcher), current)

    def _begin(self) -> Current:
        """An empty index, so that a new mall answers with nothing instead of an error."""
        with self._store.lock(WRITER_PATIENCE):
            current = self._store.current()
            if current is None:
                folder = self._store.new_folder()
                Index(self._schema, path=str(folder))
                current = self._store.publish(folder.name)
            return current

    # ------------------------------------------------------------ writing

    def upsert(self, documents: Iterable[SearchDocument]) -> Ticket:
        """Write and commit; when this returns the documents are on disk and every reader finds them."""
        return self._write(documents, ())

    def delete(self, ids: Iterable[int]) -> Ticket:
        return self._write((), ids)

    def _write(self, documents: Iterable[SearchDocument], gone: Iterable[int]) -> Ticket:
        if self._store.current() is None:
            self._begin()
        with self._store.lock(WRITER_PATIENCE):
            writer = self._writing()
            try:
                for pk in gone:
                    writer.delete_documents_by_term("pk", pk)
                for document in documents:
                    writer.delete_documents_by_term("pk", document.pk)
                    writer.add_document(engine_schema.written(document, self._schema))
                writer.commit()
            except BaseException:
                self._writer = None
                with suppress(ValueError):
                    writer.rollback()
                raise
            assert self._writer is not None
            return Ticket(id=self._store.publish(self._writer[0]).generation, done=True)

    def _writing(self) -> IndexWriter:
        """The writer of the current index, opened once and kept. Call with the lock held."""
        current = self._store.current()
        assert current is not None
        if self._writer is not None and self._writer[0] == current.folder:
            return self._writer[2]
        self._writer = None
        if current.version != engine_schema.VERSION:
            raise SearchUnavailable(reason=f"the index has version {current.version}, not {engine_schema.VERSION}: rebuild it")
        try:
            index = engine_schema.prepare(Index.open(str(self._store.root / current.folder)))
            writer = index.writer(HEAP_BYTES, 1)
        except ValueError as failed:
            raise SearchUnavailable(reason=f"the index cannot be written: {failed}") from failed
        # What a writer killed in the middle left behind.
        writer.garbage_collect_files()
        self._store.sweep({current.folder})
        self._writer = (current.folder, index, writer)
        return writer

    def wait(self, ticket: Ticket, timeout: float = 30.0) -> None:
        """Nothing to wait for: a ticket of this engine is done when it is given."""

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Write a new index beside the old one and swap. Other writers wait for their turn meanwhile and try again."""
        with self._store.lock(WRITER_PATIENCE):
            before = self._store.current()
            folder = self._store.new_folder()
            index = engine_schema.prepare(Index(self._schema, path=str(folder)))
            writer = index.writer(HEAP_BYTES * 2, 1)
            count = 0
            for document in documents:
                writer.add_document(engine_schema.written(document, self._schema))
                count += 1
            writer.commit()
            writer.wait_merging_threads()
            self._writer = None
            self._store.publish(folder.name)
            # The folder before stays for readers that have just been sent to it.
            self._store.sweep({folder.name, before.folder} if before else {folder.name})
            return count

    def teach(self, groups: Sequence[Sequence[str]]) -> None:
        """Write the groups beside the index and go one generation further, which every reader notices."""
        current = self._store.current() or self._begin()
        with self._store.lock(WRITER_PATIENCE):
            self._taught.write(groups)
            self._store.publish((self._store.current() or current).folder)

    def apply_settings(self) -> None:
        """Settings of this engine are its schema; a changed one needs a rebuild, which `health` tells."""

    # ------------------------------------------------------------ state

    def health(self) -> Health:
        try:
            now = self._now()
        except SearchUnavailable as refused:
            return Health(ok=False, engine=self.name, detail=refused.reason)
        return Health(ok=True, engine=self.name, detail=f"{now.searcher.num_docs} documents, generation {now.current.generation}")

    def stats(self) -> IndexStats:
        now = self._now()
        return IndexStats(
            engine=self.name, documents=now.searcher.num_docs, generation=now.current.generation, size_bytes=self._store.size_bytes(),
            writing=self._store.busy(), version=f"tantivy {version('tantivy')}, schema {engine_schema.VERSION}",
        )  # fmt: skip

    def close(self) -> None:
        """Give back the writer's lock and wait for its merges."""
        with self._turn:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer[2].wait_merging_threads()
            self._snapshot = self._open = None
