"""The Meilisearch engine: the same port on a server, through the official client."""

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchCommunicationError, MeilisearchTimeoutError

from catalog.search import analysis, entry, highlight, lexicon, meili_form, paging, suggestions
from catalog.search.corrections import Vocabulary
from catalog.search.paging import Place
from catalog.search.port import (
    MAX_TOTAL,
    Facet,
    FacetName,
    FacetStats,
    FacetValue,
    Filters,
    Health,
    Hit,
    IndexStats,
    IndexTaskFailed,
    IndexTimeout,
    Placed,
    Ranking,
    Relaxed,
    SearchDocument,
    SearchInvalid,
    SearchPage,
    SearchRequest,
    SearchUnavailable,
    Sort,
    Suggestion,
    SuggestionKind,
    Ticket,
)
from catalog.search.taught import Taught

BATCH: Final = 1_000
REBUILD_PATIENCE: Final = 600.0
"""Seconds that one step of a rebuild may take on the server."""
PAGE: Final = 10_000
"""Ids fetched at once."""
ACTIONS: Final = (
    "search", "documents.add", "documents.get", "documents.delete", "indexes.create", "indexes.get", "indexes.delete", "indexes.swap",
    "settings.update", "settings.get", "tasks.get", "stats.get", "version",
)  # fmt: skip
"""What the mall's key may do, on its own indexes only: it can make no keys and sees no others."""
_RETRY: Final = re.compile(r"Retry after (\d+)s")


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the client become those of the port."""
    try:
        yield
    except (MeilisearchCommunicationError, MeilisearchTimeoutError) as failed:
        raise SearchUnavailable(reason=f"Meilisearch does not answer: {failed.message}") from failed
    except MeilisearchApiError as failed:
        if failed.type == "invalid_request" and (failed.code or "").startswith("invalid_search_"):
            raise SearchInvalid(field=(failed.code or "").removeprefix("invalid_search_")) from failed
        # The client keeps no headers; the server sends this one with this code only, and says the same in its sentence.
        after = _RETRY.search(failed.message) if failed.code == "too_many_search_requests" else None
        reason = f"Meilisearch answers {failed.status_code} {failed.code}: {failed.message}"
        raise SearchUnavailable(reason=reason, retry_after=int(after[1]) if after else None) from failed
    except OSError as failed:
        # What breaks off in the middle of an answer the client passes on as it is.
        raise SearchUnavailable(reason=f"Meilisearch broke off: {failed}") from failed


class MeiliEngine:
    """`SearchEngine` on a Meilisearch server.

    `timeout` is seconds per request. The key must be allowed to search, to write documents and to manage indexes.
    """

    name: Final = "Meilisearch"

    def __init__(
        self, url: str, key: str | None = None, *, index: str = "listings", timeout: int = 3, taught: Taught | None = None
    ) -> None:
        self._url, self._key, self._index, self._timeout, self._taught = url, key, index, timeout, taught
        self._local = threading.local()
        self._vocabulary = Vocabulary()
        self._shelf = suggestions.Shelf()

    @property
    def _client(self) -> Client:
        """One client per thread: it keeps the headers of the request under way in itself."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = Client(self._url, self._key, timeout=self._timeout)
        return client

    # ------------------------------------------------------------ reading

    def search(self, request: SearchRequest) -> SearchPage:
        return self._answer(request)[0]

    def explain(self, request: SearchRequest) -> Ranking:
        """The server tells what each of its ranking rules says of a hit, and not where a word was found."""
        page, raw = self._answer(request, details=True)
        placed = tuple(
            Placed(hit=hit, points=hit.score, measures=meili_form.measures(one), figure=meili_form.figure(one, request.sort))
            for hit, one in zip(page.hits, raw, strict=True)
        )
        return Ranking(page=page, engine=self.name, placed=placed, tells_words=False)

    def _answer(self, request: SearchRequest, *, details: bool = False) -> tuple[SearchPage, Sequence[Mapping[str, Any]]]:
        """The page, and its hits as the server told them; `details` asks for what each ranking rule says."""
        began = time.perf_counter()
        if self._taught is not None:
            self._taught.look()
        place = paging.read(request)
        q, partial = (place.q, place.partial) if place else (request.q, False)
        asked = q
        answers = self._ask(request, place, asked, details=details)
        relaxed: tuple[Relaxed, ...] = ()
        unfiltered: int | None = None
        if place is None and q.strip() and not answers[0]["totalHits"]:
            conditions = meili_form.filters(request.filters)
            open_to_all = Filters(without=request.filters.without)
            unfiltered = self._totals([(q, meili_form.filters(open_to_all))])[0] if request.filters != open_to_all else None
            q = (None if unfiltered else self._vocabulary.corrected(q, 0, tuple, self._finds)) or q
            for partial in (False, True) if q != request.q else (True,):
                asked = self._most_of(q) if partial else q
                answers = self._ask(request, None, asked, details=details)
                if answers[0]["totalHits"]:
                    break
            partial = partial and answers[0]["totalHits"] > 0
            if partial or not answers[0]["totalHits"]:
                relaxed = self._relaxed(q, conditions)
        total = place.total if place else min(answers[0]["totalHits"], MAX_TOTAL)
        exact = place.exact if place else answers[0]["totalHits"] <= MAX_TOTAL
        wanted = highlight.needles(q) if request.highlight else ()
        raw = answers[0]["hits"][: request.limit]
        page = SearchPage(
            hits=tuple(_hit(one, wanted) for one in raw),
            total=total,
            total_exact=exact,
            next_page=_next(request, place, answers[0]["hits"], Place(request.sort, 0, 0, total, exact, 0, asked, partial)),
            facets=_facets(request, answers),
            facet_stats=_stats(request, answers),
            corrected=q if q != request.q and total else None,
            partial=partial,
            relaxed=relaxed,
            total_unfiltered=unfiltered,
            took_ms=(time.perf_counter() - began) * 1000,
            generation=0,
        )
        return page, raw

    def suggest(self, prefix: str, limit: int = 10) -> tuple[Suggestion, ...]:
        if not prefix.strip() or limit < 1:
            return ()
        found = list(self._shelf.matching(prefix, max(limit * 2 // 3, 1), int(time.monotonic()), self._entries))
        seen: set[int] = set()
        for hit in self.search(SearchRequest(q=prefix, limit=min(limit * 4, 40))).hits:
            if len(found) < limit and hit.product_id not in seen:
                seen.add(hit.product_id)
                found.append(
                    Suggestion(kind=SuggestionKind.PRODUCT, text=hit.title, text_html=hit.title_html, value=str(hit.product_id), count=0)
                )
        return tuple(found)

    def facet_search(self, facet: FacetName, prefix: str, filters: Filters, limit: int = 20) -> tuple[FacetValue, ...]:
        if facet is FacetName.PRICE:
            return ()
        field = facet.value
        (answer,) = self._multi([self._query("", meili_form.filters(filters, but=facet), hitsPerPage=0, page=1, facets=[field])])
        return suggestions.values_like(_values(answer["facetDistribution"].get(field, {})), prefix, limit)

    def _query(self, q: str, conditions: Sequence[str], **more: Any) -> dict[str, Any]:
        return {
            "indexUid": self._index, "q": meili_form.question(q), "filter": list(conditions), "locales": list(meili_form.LOCALES),
            "matchingStrategy": "all", **more,
        }  # fmt: skip

    def _multi(self, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with _told():
            answers: list[dict[str, Any]] = self._client.multi_search(queries)["results"]
            return answers

    def _most_of(self, q: str) -> str:
        """The rarest words of the question that find anything: most of all its words, or nothing."""
        words = analysis.parse(q)
        needed = max(len(words) - 1, 1) if len(words) <= 3 else -(-len(words) * 2 // 3)
        totals = self._totals([(word, []) for word in words])
        rare = sorted((total, at) for at, total in enumerate(totals) if total)[:needed]
        return " ".join(words[at] for _, at in sorted(rare, key=lambda one: one[1])) if len(rare) == needed else ""

    def _ask(self, request: SearchRequest, place: Place | None, q: str, *, details: bool) -> list[dict[str, Any]]:
        """The page and its facets, then the facets that leave out their own filter, all in one request."""
        if not meili_form.question(q) and (q.strip() or request.q.strip()):
            return [{"hits": [], "totalHits": 0, "facetDistribution": {}, "facetStats": {}}]
        apart = _apart(request)
        together = [_field(name) for name in dict.fromkeys((*request.facets, *request.disjunctive)) if name not in apart]
        conditions = meili_form.filters(request.filters)
        page = self._query(q, conditions, facets=together, sort=meili_form.order(request.sort), showRankingScore=True)
        if details:
            page["showRankingScoreDetails"] = True
        if place is None:
            page |= {"page": 1, "hitsPerPage": request.limit + 1}
        elif request.sort is Sort.RELEVANCE:
            page |= {"offset": place.at, "limit": min(request.limit + 1, MAX_TOTAL - place.at)}
        else:
            # The facets belong to the whole answer, the hits stand behind the last page.
            page |= {"offset": 0, "limit": request.limit + 1, "filter": [*conditions, *meili_form.behind(place)], "facets": []}
        queries = [page]
        if place is not None and together:
            queries.append(self._query(q, conditions, facets=together, hitsPerPage=0, page=1))
        for group in entry.sharing(apart):
            without = meili_form.filters(request.filters, but=group[0])
            facets = [_field(name) for name in group]
            queries.append(self._query(q, without, facets=facets, hitsPerPage=0, page=1))
        return self._multi(queries)

    def _totals(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[int]:
        """Totals of several questions, each with its conditions."""
        if not asked:
            return []
        return [one["totalHits"] for one in self._multi([self._query(q, conditions, hitsPerPage=1, page=1) for q, conditions in asked])]

    def _finds(self, word: str) -> bool:
        return self._totals([(word, [])])[0] > 0

    def _relaxed(self, q: str, conditions: Sequence[str]) -> tuple[Relaxed, ...]:
        shorter = self._vocabulary.shorter(q)
        totals = self._totals([(one, conditions) for one in shorter])
        found = [Relaxed(q=one, total=min(total, MAX_TOTAL)) for one, total in zip(shorter, totals, strict=True) if total]
        return tuple(sorted(found, key=lambda one: one.total)[:3])

    def _entries(self) -> Iterator[suggestions.Entry]:
        (answer,) = self._multi([self._query("", [], hitsPerPage=0, page=1, facets=["leaf", "brand"])])
        for kind, field in ((SuggestionKind.CATEGORY, "leaf"), (SuggestionKind.BRAND, "brand")):
            for one in _values(answer["facetDistribution"].get(field, {})):
                yield suggestions.entry(kind, one.label, one.value, one.count)

    # ------------------------------------------------------------ writing

    def upsert(self, documents: Iterable[SearchDocument]) -> Ticket:
        """Hand over in batches; all but the last are waited for. Raises IndexTaskFailed, IndexTimeout, SearchUnavailable."""
        ticket = Ticket(id=-1, done=True)
        for batch in _batches(documents):
            self.wait(ticket, REBUILD_PATIENCE)
            with _told():
                ticket = Ticket(id=self._client.index(self._index).add_documents(batch, "pk").task_uid, done=False)
        return ticket

    def delete(self, ids: Iterable[int]) -> Ticket:
        gone = ", ".join(str(int(pk)) for pk in ids)
        if not gone:
            return Ticket(id=-1, done=True)
        with _told():
            return Ticket(id=self._client.index(self._index).delete_documents(filter=f"pk IN [{gone}]").task_uid, done=False)

    def wait(self, ticket: Ticket, timeout: float = 30.0) -> None:
        if ticket.done:
            return
        try:
            task = self._client.wait_for_task(ticket.id, timeout_in_ms=int(timeout * 1000))
        except MeilisearchTimeoutError as late:
            raise IndexTimeout(seconds=timeout) from late
        except (MeilisearchCommunicationError, MeilisearchApiError) as failed:
            raise SearchUnavailable(reason=f"Meilisearch does not tell of task {ticket.id}: {failed.message}") from failed
        # The client returns a failed task like any other.
        if task.status != "succeeded":
            raise IndexTaskFailed(reason=f"task {ticket.id} {task.status}: {task.error}")

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Load a new index, swap it with the old one, delete the old; each step is waited for and checked.

        Changes that come while it loads go to the old index: `service.rebuild` replays them after the swap.
        """
        self._create()
        fresh = MeiliEngine(self._url, self._key, index=f"{self._index}_{uuid4().hex[:8]}", timeout=self._timeout)
        count = 0

        def counted() -> Iterator[SearchDocument]:
            nonlocal count
            for one in documents:
                count += 1
                yield one

        try:
            fresh.apply_settings()
            fresh.wait(fresh.upsert(counted()), REBUILD_PATIENCE)
            with _told():
                swap = self._client.swap_indexes([{"indexes": [self._index, fresh._index]}])
            self.wait(Ticket(id=swap.task_uid, done=False), REBUILD_PATIENCE)
        except BaseException:
            with suppress(SearchUnavailable, IndexTaskFailed, IndexTimeout):
                fresh._remove()
            raise
        fresh._remove()
        return count

    def _remove(self) -> None:
        with _told():
            gone = self._client.index(self._index).delete()
        self.wait(Ticket(id=gone.task_uid, done=False), REBUILD_PATIENCE)

    def ids(self) -> Iterator[int]:
        offset = 0
        while True:
            with _told():
                page = self._client.index(self._index).get_documents({"fields": ["pk"], "limit": PAGE, "offset": offset}).results
            yield from (int(one.pk) for one in page)
            if len(page) < PAGE:
                return
            offset += PAGE

    def teach(self, groups: Sequence[Sequence[str]]) -> None:
        """Write the groups where our processes look, and give the server its table of synonyms."""
        if self._taught is not None:
            self._taught.write(groups)
        with _told():
            changed = self._client.index(self._index).update_settings(
                {"synonyms": lexicon.synonym_table(), "dictionary": meili_form.dictionary()}
            )
        self.wait(Ticket(id=changed.task_uid, done=False), REBUILD_PATIENCE)

    def _create(self) -> None:
        """The index, when it is missing."""
        with _told():
            created = self._client.create_index(self._index, {"primaryKey": "pk"})
        try:
            self.wait(Ticket(id=created.task_uid, done=False))
        except IndexTaskFailed as refused:
            if "index_already_exists" not in refused.reason:
                raise

    def apply_settings(self) -> None:
        """Create the index when it is missing and give it our settings. Raises IndexTaskFailed, IndexTimeout, SearchUnavailable."""
        if self._taught is not None:
            self._taught.look()
        self._create()
        with _told():
            changed = self._client.index(self._index).update_settings(meili_form.settings())
        self.wait(Ticket(id=changed.task_uid, done=False), REBUILD_PATIENCE)

    # ------------------------------------------------------------ state

    def health(self) -> Health:
        try:
            with _told():
                status = self._client.health().get("status")
                stats = self._client.index(self._index).get_stats()
        except SearchUnavailable as refused:
            return Health(ok=False, engine=self.name, detail=refused.reason)
        return Health(ok=status == "available", engine=self.name, detail=f"{status}, {stats.number_of_documents} documents")

    def stats(self) -> IndexStats:
        """The generation is the moment of the last change, in milliseconds."""
        with _told():
            index = self._client.index(self._index)
            stats, changed = index.get_stats(), index.fetch_info().updated_at
            version = self._client.get_version()["pkgVersion"]
        return IndexStats(
            engine=self.name, documents=stats.number_of_documents, generation=int(changed.timestamp() * 1000) if changed else 0,
            size_bytes=None, writing=bool(stats.is_indexing), version=f"Meilisearch {version}",
        )  # fmt: skip

    def holds_master_key(self) -> bool:
        """Whether our key may make keys: a mall that is broken into must not hand out the whole server."""
        try:
            self._client.get_keys()
        except (MeilisearchApiError, MeilisearchCommunicationError, MeilisearchTimeoutError):
            return False
        return True

    def make_key(self, master_key: str) -> str:
        """A key for `MALL_MEILI_KEY` that may do what the mall needs and nothing else. Raises SearchUnavailable."""
        client = Client(self._url, master_key, timeout=self._timeout)
        wanted = {"description": "mall", "actions": list(ACTIONS), "indexes": [f"{self._index}*"], "expiresAt": None}
        with _told():
            return str(client.create_key(wanted).key)

    def close(self) -> None:
        """Nothing is held open."""


def _batches(documents: Iterable[SearchDocument]) -> Iterator[Sequence[Mapping[str, Any]]]:
    rest = iter(documents)
    while batch := [meili_form.document(one) for one in islice(rest, BATCH)]:
        yield batch


def _field(name: FacetName) -> str:
    return name.value


def _apart(request: SearchRequest) -> tuple[FacetName, ...]:
    return tuple(name for name in request.disjunctive if entry.filtered_by(request.filters, name))


def _hit(raw: Mapping[str, Any], wanted: tuple[str, ...]) -> Hit:
    return Hit(
        pk=raw["pk"], product_id=raw["product_id"], title=raw["title"], title_html=highlight.mark(raw["title"], wanted), brand=raw["brand"],
        model=raw["model"], category_name=raw["category_name"], supplier_name=raw["supplier_name"], score=raw.get("_rankingScore", 0.0),
    )  # fmt: skip


def _next(request: SearchRequest, place: Place | None, hits: Sequence[Mapping[str, Any]], mark: Place) -> str | None:
    if len(hits) <= request.limit:
        return None
    last = hits[request.limit - 1]
    if request.sort is Sort.RELEVANCE:
        at = (place.at if place else 0) + request.limit
        if at >= MAX_TOTAL:
            return None
    else:
        at = paging.composite(int(last[meili_form.SORTS[request.sort][0]]), last["pk"])
    return paging.written(replace(mark, at=at, last=last["pk"]))


def _values(distribution: Mapping[str, int]) -> tuple[FacetValue, ...]:
    found = (entry.facet_value(stored, count) for stored, count in distribution.items())
    return tuple(sorted(found, key=lambda one: (-one.count, one.label)))


def _facets(request: SearchRequest, answers: Sequence[Mapping[str, Any]]) -> dict[FacetName, Facet]:
    counted: dict[str, Mapping[str, int]] = {}
    for answer in answers:
        counted |= answer.get("facetDistribution") or {}
    wanted = dict.fromkeys((*request.facets, *request.disjunctive))
    return {name: Facet(name=name, values=_values(counted.get(_field(name), {}))) for name in wanted if name is not FacetName.PRICE}


def _stats(request: SearchRequest, answers: Sequence[Mapping[str, Any]]) -> dict[FacetName, FacetStats]:
    if FacetName.PRICE not in (*request.facets, *request.disjunctive):
        return {}
    for answer in answers:
        found = (answer.get("facetStats") or {}).get("price")
        if found:
            count = sum((answer["facetDistribution"].get("price") or {}).values())
            return {FacetName.PRICE: FacetStats(low=round(found["min"]), high=round(found["max"]), mean=None, count=count)}
    return {}
