"""From a question to a query of the embedded engine: every word a ladder of tiers, filters beside it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from tantivy import FieldType, Occur, Query, Schema, Searcher

from catalog.search import analysis, lexicon
from catalog.search.port import CATEGORY_FACETS, FLAGS, FacetName, Filters
from catalog.search.ranking import HEARD, Where, points
from catalog.search.spelling import SEPARATORS, is_cjk

MAX_SOUNDS: Final = 6
FEW: Final = 8
"""Up to here separate terms are faster than a set of them."""


class Step(NamedTuple):
    """One way in which a word may be found; `query` gives its points to every listing that has it so."""

    query: Query
    where: Where
    text: str
    """What is looked for there."""
    within: "tuple[Ladder, ...]" = ()
    """What the step is made of, where it is made of words itself."""


class Ladder(NamedTuple):
    """A word of a question with all the ways in which it may be found; the best one counts."""

    word: str
    steps: tuple[Step, ...]
    query: Query


class Question(NamedTuple):
    """A question ready to be asked, and what its points are made of: the explanation reads what the engine asks."""

    query: Query
    words: tuple[Ladder, ...] = ()
    """Their points add up."""
    needed: int = 0
    """So many of the words must be found."""
    spoken: Step | None = None
    """Counts instead of the words where it is worth more."""
    keyed: tuple[Step, ...] = ()
    """The best of these is added: the question as a whole is a model or a code."""


class Questions:
    """Builds queries for one generation of an index."""

    def __init__(self, schema: Schema, searcher: Searcher) -> None:
        self._schema, self._searcher = schema, searcher
        # The same question comes back with every page, sort and filter.
        self._asked = lru_cache(maxsize=512)(self._ask)
        # Few combinations of filters are in use, and each serves many questions.
        self._narrowed = lru_cache(maxsize=512)(self._narrow)

    # ------------------------------------------------------------ small pieces

    def term(self, field: str, value: str | int | bool) -> Query:
        return Query.term_query(self._schema, field, value, "basic")

    def any_of(self, field: str, values: Sequence[str | int]) -> Query:
        if len(values) > FEW:
            return Query.term_set_query(self._schema, field, values)
        return _either([self.term(field, value) for value in values])

    def _tier(self, field: str, value: str, where: Where) -> Iterator[Step]:
        """The term at its points; nothing when no listing has it, which costs less to know than to search."""
        if self._searcher.doc_freq(field, value):
            yield Step(_const(self.term(field, value), points(where)), where, value)

    def prefix(self, field: str, text: str) -> Query:
        return Query.phrase_prefix_query(self._schema, field, [text])

    # ------------------------------------------------------------ the question

    def question(self, q: str, *, partial: bool = False) -> Query | None:
        """The query for a question; None when it is empty, a query without hits when nothing of it can be searched.

        `partial` asks for less: most of the words instead of all, and the shelf where a thing belongs when its name is nowhere.
        """
        found = self.asked(q, partial=partial)
        return found.query if found else None

    def asked(self, q: str, *, partial: bool = False) -> Question | None:
        """The same with what its points are made of."""
        return self._asked(q, partial) if q.strip() else None

    def _ask(self, q: str, partial: bool) -> Question:
        words = analysis.parse(q)
        if not words:
            return Question(Query.empty_query())
        if partial:
            return self._partial(words)
        ladders = tuple(self.ladder(word) for word in words)
        query = _all([ladder.query for ladder in ladders])
        said = "".join(words)
        spoken = None
        if len(words) > 1 and said.isalpha() and said in lexicon.by_sound():
            # Pinyin is often typed with spaces between the syllables.
            whole = self.ladder(said)
            spoken = Step(Query.boost_query(whole.query, float(len(words))), Where.SPELT, said, (whole,))
            query = Query.disjunction_max_query([query, spoken.query])
        key = analysis.compact(q)
        if len(key) < 3 or not any(char.isascii() and char.isdigit() for char in key):
            return Question(query, ladders, len(ladders), spoken)
        keyed = (
            Step(_const(self.term("key", key), points(Where.WHOLE_KEY)), Where.WHOLE_KEY, key),
            *self._tier("own", key, Where.OWN_KEY),
            Step(_const(self.prefix("key", key), points(Where.KEY_PREFIX)), Where.KEY_PREFIX, key),
        )
        query = _either([query, Query.disjunction_max_query([step.query for step in keyed])])
        return Question(query, ladders, len(ladders), spoken, keyed)

    def _partial(self, words: Sequence[str]) -> Question:
        if len(words) == 1 and not lexicon.categories_holding(words[0]):
            words = _content(analysis.runs(words[0]) if not is_cjk(words[0]) else analysis.cut(words[0])) or words
        needed = max(len(words) - 1, 1) if len(words) <= 3 else -(-len(words) * 2 // 3)
        ladders = tuple(self.ladder(word, loose=True) for word in words[:7])
        asked = [(Occur.Should, ladder.query) for ladder in ladders]
        return Question(Query.boolean_query(asked, minimum_number_should_match=needed), ladders, needed)

    def word(self, word: str) -> Query:
        """One word of a question."""
        return self.ladder(word).query

    def ladder(self, word: str, *, whole: bool = True, loose: bool = False, alike: bool = True) -> Ladder:
        """One word of a question; `whole` looks at its parts too, `loose` at the categories where it belongs, `alike` at its synonyms."""
        runs = analysis.runs(word)
        if len(runs) > 1:
            steps = [*self._meaning(word), *self._parts(runs)]
        elif is_cjk(word):
            steps = list(self._chinese(word, whole=whole))
        else:
            steps = list(self._latin(word))
        if alike:
            for other in lexicon.terms(word):
                said = self.ladder(other, alike=False)
                share = points(Where.SYNONYM) / points(Where.TITLE)
                steps.append(Step(Query.boost_query(said.query, share), Where.SYNONYM, other, (said,)))
        if loose:
            meant = (word, *lexicon.by_sound().get(word, ())[:MAX_SOUNDS])
            shelves = dict.fromkeys(code for one in meant for code in lexicon.categories_holding(one))
            if shelves:
                steps.append(Step(_const(self.any_of("cats", tuple(shelves)), points(Where.SHELF)), Where.SHELF, word))
            thing = analysis.head(word) if is_cjk(word) else word
            if thing != word:
                said = self.ladder(thing, whole=False)
                steps.append(Step(Query.boost_query(said.query, points(Where.PARTS) / points(Where.TITLE)), Where.PARTS, thing, (said,)))
        return Ladder(word, tuple(steps), _best([step.query for step in steps]))

    def _meaning(self, word: str) -> Iterator[Step]:
        """What the word stands for: itself, names and kinds of categories, synonyms."""
        yield from self._tier("called", word, Where.CALLED)
        yield from self._tier("kinds", word, Where.KIND)
        yield from self._tier("own", word, Where.OWN)
        yield from self._tier("lat" if word.isascii() else "w", word, Where.TITLE)
        yield from self._tier("synonyms", word, Where.SYNONYM)
        yield from self._tier("perhaps", word, Where.PERHAPS)

    def _parts(self, parts: Sequence[str]) -> Iterator[Step]:
        parts = _content(parts)[:7]
        if parts:
            ladders = tuple(self.ladder(part, whole=False) for part in parts)
            share = points(Where.PARTS) / points(Where.TITLE) / len(parts)
            yield Step(Query.boost_query(_all([ladder.query for ladder in ladders]), share), Where.PARTS, " ".join(parts), ladders)

    def _chinese(self, word: str, *, whole: bool) -> Iterator[Step]:
        yield from self._meaning(word)
        yield from self._tier("sp", word, Where.SPEC)
        if len(word) == 1:
            yield from self._tier("bi", word, Where.INSIDE)
            return
        if len(word) < 4 and analysis.known(word) and self._searcher.doc_freq("w", word):
            # Short words of the dictionary are indexed wherever they stand: pairs and parts would find nothing more.
            return
        if (inside := self.inside(word)) is not None:
            yield Step(_const(inside, points(Where.INSIDE)), Where.INSIDE, word)
        if whole:
            parts = analysis.cut(word)
            if len(parts) > 1 and any(len(part) > 1 for part in parts):
                yield from self._parts(parts)

    def inside(self, word: str) -> Query | None:
        """Listings in which these characters follow one another; None when there is none."""
        pieces = tuple(dict.fromkeys(analysis.triples(word) if len(word) > 2 else (word,)))
        if not all(self._searcher.doc_freq("bi", piece) for piece in pieces):
            return None
        return _all([self.term("bi", piece) for piece in pieces])

    def _latin(self, word: str) -> Iterator[Step]:
        key = word if "." in word and word.replace(".", "").isdigit() else analysis.compact(word)
        yield from self._meaning(key)
        for one in dict.fromkeys((key, word)):
            yield from self._tier("sp", one, Where.MEASURE if len(one) < 5 and one.replace(".", "").isdigit() else Where.SPEC)
        if word != key:
            yield from self._tier("lat", word, Where.TITLE)
        if len(key) > 2:
            yield from self._tier("key", key, Where.KEY)
        if len(key) <= analysis.EDGE:
            yield from self._tier("pre", key, Where.PREFIX)
        else:
            yield self._begins("lat", key, Where.PREFIX)
            yield self._begins("py", key, Where.LOOSE_PREFIX)
        yield self._begins("sp", key, Where.LOOSE_PREFIX)
        parts = [part for part in SEPARATORS.split(word) if part]
        if len(parts) > 1:
            yield Step(_const(_all([self.term("lat", part) for part in parts]), points(Where.INSIDE)), Where.INSIDE, " ".join(parts))
        if any(char.isalpha() for char in key) and len(key) > 1:
            yield from self._sounds(key)
            if len(key) >= 5 and not self._searcher.doc_freq("lat", key):
                # A model that exists is not a misspelt other one.
                near = Query.fuzzy_term_query(self._schema, "lat", key, 1 if len(key) < 9 else 2)
                yield Step(_const(near, points(Where.TYPO)), Where.TYPO, key)

    def _begins(self, field: str, text: str, where: Where) -> Step:
        return Step(_const(self.prefix(field, text), points(where)), where, text)

    def _sounds(self, key: str) -> Iterator[Step]:
        """Listings whose words are spelt `key` in pinyin or in initials."""
        yield from self._tier("py", key, Where.SOUND)
        for word in lexicon.by_sound().get(key, ())[:MAX_SOUNDS]:
            for step in self._meaning(word):
                yield Step(Query.boost_query(step.query, HEARD), Where.SOUND, word, (Ladder(word, (step,), step.query),))

    # ------------------------------------------------------------ filters

    def filters(self, filters: Filters, *, but: FacetName | None = None) -> tuple[Query, ...]:
        """One query per field that is set, which adds nothing to the score; `but` leaves out the filter of one facet."""
        return self._narrowed(filters, but)

    def _narrow(self, filters: Filters, but: FacetName | None) -> tuple[Query, ...]:
        found: list[Query] = []
        if filters.categories and but not in CATEGORY_FACETS:
            found.append(self.any_of("cats", filters.categories))
        for facet, field, values in (
            (FacetName.BRAND, "brand", filters.brands),
            (FacetName.SUPPLIER, "supplier_id", tuple(map(str, filters.suppliers))),
            (FacetName.REGION, "region", filters.regions),
            (FacetName.CREDIT, "credit", filters.credit),
        ):
            if values and facet is not but:
                found.append(self.any_of(field, values))
        if filters.products:
            found.append(self.any_of("product", filters.products))
        if filters.without:
            left_out = self.any_of("supplier_id", tuple(map(str, filters.without)))
            found.append(Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, left_out)]))
        if but is not FacetName.PRICE and (filters.price_min_fen is not None or filters.price_max_fen is not None):
            found.append(self._between("price", filters.price_min_fen, filters.price_max_fen))
        if filters.delivery_days_max is not None:
            found.append(self._between("delivery", None, filters.delivery_days_max))
        for flag in FLAGS:
            wanted: bool | None = getattr(filters, flag.value)
            if wanted is not None and flag is not but:
                found.append(self.term(flag.value, wanted))
        return tuple(_const(query, 0.0) for query in found)

    def _between(self, field: str, low: int | None, high: int | None) -> Query:
        return Query.range_query(self._schema, field, FieldType.Integer, low, high)

    def after(self, field: str, value: int, *, upwards: bool) -> Query:
        """Listings behind a place in the order of a composite field; adds nothing to the score."""
        behind = Query.range_query(
            self._schema, field, FieldType.Unsigned, value if upwards else None, None if upwards else value,
            include_lower=not upwards, include_upper=upwards,
        )  # fmt: skip
        return _const(behind, 0.0)


def filtered(question: Query | None, filters: Sequence[Query]) -> Query:
    """The question within its filters."""
    if question is None:
        # Every hit scores alike and what was sold alone orders them. A query for everything beside others would be dropped with its score.
        return _const(_all(filters), 1.0) if filters else Query.all_query()
    return _all((question, *filters))


def _best(tiers: Sequence[Query]) -> Query:
    if len(tiers) > 1:
        return Query.disjunction_max_query(tiers)
    return tiers[0] if tiers else Query.empty_query()


def _content(parts: Sequence[str]) -> Sequence[str]:
    return [part for part in parts if part not in analysis.PARTICLES]


def _const(query: Query, score: float) -> Query:
    return Query.const_score_query(query, score)


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])


def _either(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])
