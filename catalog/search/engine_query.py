"""From a question to a query of the embedded engine: every word a ladder of tiers, filters beside it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from tantivy import FieldType, Occur, Query, Schema, Searcher

from catalog.search import analysis, lexicon
from catalog.search.port import CATEGORY_FACETS, FLAGS, FacetName, Filters
from catalog.search.spelling import SEPARATORS, is_cjk

# Tiers of one word. Steps between them are wider than anything popularity adds.
KEY, CALLED, KIND, OWN, SHELF, EXACT, PARTS, SYNONYM, PERHAPS, SOUND, PAIRS, PREFIX, SPEC, LOOSE_PREFIX, FUZZY = (
    10.0, 9.5, 9.0, 8.6, 8.5, 8.0, 7.5, 7.0, 6.2, 5.5, 6.0, 5.0, 4.5, 4.0, 3.0,
)  # fmt: skip
MEASURE: Final = 8.2
"""A number that the description gives, above the same digits in a title or in a model."""
HEARD: Final = 0.91
"""What is left of a tier when a word was only spelt: names of categories so spelt stay above letters in a model, their kinds too."""
WHOLE_KEY, OWN_KEY, KEY_PREFIX = 100.0, 60.0, 50.0
"""Added when the whole question is a model or code, or a whole token of one, or begins one."""
MAX_SOUNDS: Final = 6
FEW: Final = 8
"""Up to here separate terms are faster than a set of them."""


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

    def _tier(self, field: str, value: str, score: float) -> Iterator[Query]:
        """The term at its score; nothing when no listing has it, which costs less to know than to search."""
        if self._searcher.doc_freq(field, value):
            yield _const(self.term(field, value), score)

    def prefix(self, field: str, text: str) -> Query:
        return Query.phrase_prefix_query(self._schema, field, [text])

    # ------------------------------------------------------------ the question

    def question(self, q: str, *, partial: bool = False) -> Query | None:
        """The query for a question; None when it is empty, a query without hits when nothing of it can be searched.

        `partial` asks for less: most of the words instead of all, and the shelf where a thing belongs when its name is nowhere.
        """
        return self._asked(q, partial) if q.strip() else None

    def _ask(self, q: str, partial: bool) -> Query:
        words = analysis.parse(q)
        if not words:
            return Query.empty_query()
        if partial:
            return self._partial(words)
        query = _all([self.word(word) for word in words])
        spoken = "".join(words)
        if len(words) > 1 and spoken.isalpha() and spoken in lexicon.by_sound():
            # Pinyin is often typed with spaces between the syllables.
            query = Query.disjunction_max_query([query, Query.boost_query(self.word(spoken), float(len(words)))])
        key = analysis.compact(q)
        if len(key) < 3 or not any(char.isascii() and char.isdigit() for char in key):
            return query
        keyed = [
            _const(self.term("key", key), WHOLE_KEY), *self._tier("own", key, OWN_KEY), _const(self.prefix("key", key), KEY_PREFIX),
        ]  # fmt: skip
        return _either([query, Query.disjunction_max_query(keyed)])

    def _partial(self, words: Sequence[str]) -> Query:
        if len(words) == 1 and not lexicon.categories_holding(words[0]):
            words = _content(analysis.runs(words[0]) if not is_cjk(words[0]) else analysis.cut(words[0])) or words
        needed = max(len(words) - 1, 1) if len(words) <= 3 else -(-len(words) * 2 // 3)
        asked = [(Occur.Should, self.word(word, loose=True)) for word in words[:7]]
        return Query.boolean_query(asked, minimum_number_should_match=needed)

    def word(self, word: str, *, whole: bool = True, loose: bool = False, alike: bool = True) -> Query:
        """One word of a question; `whole` looks at its parts too, `loose` at the categories where it belongs, `alike` at its synonyms."""
        runs = analysis.runs(word)
        if len(runs) > 1:
            tiers = [*self._meaning(word), *self._parts(runs)]
        elif is_cjk(word):
            tiers = list(self._chinese(word, whole=whole))
        else:
            tiers = list(self._latin(word))
        if alike:
            tiers.extend(Query.boost_query(self.word(other, alike=False), SYNONYM / EXACT) for other in lexicon.terms(word))
        if loose:
            meant = (word, *lexicon.by_sound().get(word, ())[:MAX_SOUNDS])
            shelves = dict.fromkeys(code for one in meant for code in lexicon.categories_holding(one))
            tiers.extend([_const(self.any_of("cats", tuple(shelves)), SHELF)] if shelves else [])
            thing = analysis.head(word) if is_cjk(word) else word
            if thing != word:
                tiers.append(Query.boost_query(self.word(thing, whole=False), PARTS / EXACT))
        return _best(tiers)

    def _meaning(self, word: str) -> Iterator[Query]:
        """What the word stands for: itself, names and kinds of categories, synonyms."""
        yield from self._tier("called", word, CALLED)
        yield from self._tier("kinds", word, KIND)
        yield from self._tier("own", word, OWN)
        yield from self._tier("lat" if word.isascii() else "w", word, EXACT)
        yield from self._tier("synonyms", word, SYNONYM)
        yield from self._tier("perhaps", word, PERHAPS)

    def _parts(self, parts: Sequence[str]) -> Iterator[Query]:
        parts = _content(parts)[:7]
        if parts:
            yield Query.boost_query(_all([self.word(part, whole=False) for part in parts]), PARTS / EXACT / len(parts))

    def _chinese(self, word: str, *, whole: bool) -> Iterator[Query]:
        yield from self._meaning(word)
        yield from self._tier("sp", word, SPEC)
        if len(word) == 1:
            yield from self._tier("bi", word, PAIRS)
            return
        if len(word) < 4 and analysis.known(word) and self._searcher.doc_freq("w", word):
            # Short words of the dictionary are indexed wherever they stand: pairs and parts would find nothing more.
            return
        if (inside := self.inside(word)) is not None:
            yield _const(inside, PAIRS)
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

    def _latin(self, word: str) -> Iterator[Query]:
        key = word if "." in word and word.replace(".", "").isdigit() else analysis.compact(word)
        yield from self._meaning(key)
        for one in dict.fromkeys((key, word)):
            yield from self._tier("sp", one, MEASURE if len(one) < 5 and one.replace(".", "").isdigit() else SPEC)
        if word != key:
            yield from self._tier("lat", word, EXACT)
        if len(key) > 2:
            yield from self._tier("key", key, KEY)
        if len(key) <= analysis.EDGE:
            yield from self._tier("pre", key, PREFIX)
        else:
            yield _const(self.prefix("lat", key), PREFIX)
            yield _const(self.prefix("py", key), LOOSE_PREFIX)
        yield _const(self.prefix("sp", key), LOOSE_PREFIX)
        parts = [part for part in SEPARATORS.split(word) if part]
        if len(parts) > 1:
            yield _const(_all([self.term("lat", part) for part in parts]), PAIRS)
        if any(char.isalpha() for char in key) and len(key) > 1:
            yield from self._sounds(key)
            if len(key) >= 5 and not self._searcher.doc_freq("lat", key):
                # A model that exists is not a misspelt other one.
                yield _const(Query.fuzzy_term_query(self._schema, "lat", key, 1 if len(key) < 9 else 2), FUZZY)

    def _sounds(self, key: str) -> Iterator[Query]:
        """Listings whose words are spelt `key` in pinyin or in initials."""
        yield from self._tier("py", key, SOUND)
        for word in lexicon.by_sound().get(key, ())[:MAX_SOUNDS]:
            yield from (Query.boost_query(query, HEARD) for query in self._meaning(word))

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
    # Without a question every hit scores alike and popularity alone orders them.
    return _all((question if question is not None else Query.all_query(), *filters))


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
