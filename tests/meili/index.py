"""One index of the documented API in memory: documents, words, search by ranking rules, facets."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final

import rjieba

from tests.meili import filters
from tests.meili.shapes import bad

MOST_WORDS: Final = 10
_RUN: Final = re.compile(r"[㐀-鿿]+|[^\W_㐀-鿿]+")
_cutter = rjieba.Jieba()
DEFAULTS: Final[Mapping[str, Any]] = {
    "displayedAttributes": ["*"], "searchableAttributes": ["*"], "filterableAttributes": [], "sortableAttributes": [],
    "rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness"], "synonyms": {}, "stopWords": [],
    "typoTolerance": {
        "enabled": True, "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9}, "disableOnWords": [], "disableOnAttributes": [],
        "disableOnNumbers": False,
    },
    "faceting": {"maxValuesPerFacet": 100, "sortFacetValuesBy": {"*": "alpha"}}, "pagination": {"maxTotalHits": 1000},
    "dictionary": [], "localizedAttributes": None, "distinctAttribute": None, "facetSearch": True,
}  # fmt: skip
Document = Mapping[str, Any]


@cache
def _whole(dictionary: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"({'|'.join(sorted(map(re.escape, dictionary), key=len, reverse=True))})") if dictionary else re.compile(r"(?!)")


@lru_cache(maxsize=200_000)
def tokens(text: str, dictionary: tuple[str, ...] = ()) -> list[str]:
    """Words as the server cuts them: Latin at what is neither letter nor digit, Chinese by jieba, words of the dictionary never."""
    found: list[str] = []
    for run in _RUN.findall(text.lower()):
        if not "㐀" <= run[0] <= "鿿":
            found.append(run)
            continue
        for at, piece in enumerate(_whole(dictionary).split(run)):
            found.extend([piece] if at % 2 else _cutter.cut(piece, True))
    return [word for word in found if word]


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def distance(a: str, b: str, most: int) -> int | None:
    """Letters to change, insert, drop or swap from one word to the other; None when it takes more than `most`."""
    if abs(len(a) - len(b)) > most:
        return None
    before: list[int] = []
    row = list(range(len(b) + 1))
    for x, left in enumerate(a, start=1):
        above, before, row = row, row if x == 1 else before, [x]
        for y, right in enumerate(b, start=1):
            cost = min(above[y] + 1, row[y - 1] + 1, above[y - 1] + (left != right))
            if x > 1 and y > 1 and left == b[y - 2] and a[x - 2] == right:
                cost = min(cost, before[y - 2] + 1)
            row.append(cost)
        before = above
    return row[-1] if row[-1] <= most else None


@dataclass(frozen=True, slots=True)
class Match:
    """How one word of the question stands in one document: typos, place of the attribute, whether exactly."""

    typos: int
    attribute: int
    inexact: int


@dataclass
class Index:
    uid: str
    primary_key: str | None = None
    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    documents: dict[Any, dict[str, Any]] = field(default_factory=dict)
    _postings: dict[str, dict[Any, set[int]]] | None = None

    # ------------------------------------------------------------ writing

    def change(self, asked: Mapping[str, Any]) -> None:
        for name, value in asked.items():
            self.settings[name] = {**DEFAULTS[name], **value} if isinstance(DEFAULTS.get(name), dict) and name != "synonyms" else value
        self._postings = None

    def put(self, documents: Sequence[Document]) -> None:
        assert self.primary_key is not None
        for one in documents:
            self.documents[one[self.primary_key]] = dict(one)
        self._postings = None
        self._words()

    def drop(self, gone: Iterable[Any]) -> int:
        dropped = [self.documents.pop(pk, None) for pk in list(gone)]
        self._postings = None
        return sum(one is not None for one in dropped)

    # ------------------------------------------------------------ reading

    def test(self, given: Any, code: str = "invalid_search_filter") -> filters.Test:
        return filters.compiled(given, set(self.settings["filterableAttributes"]), self.uid, code)

    def _cut(self, text: str) -> list[str]:
        return tokens(text, tuple(self.settings["dictionary"]))

    def _searchable(self) -> list[str]:
        named: list[str] = self.settings["searchableAttributes"]
        return named if named != ["*"] else list(dict.fromkeys(name for one in self.documents.values() for name in one))

    def _words(self) -> dict[str, dict[Any, set[int]]]:
        """Every word with the documents that hold it and the places of the attributes in which it stands."""
        if self._postings is None:
            found: defaultdict[str, dict[Any, set[int]]] = defaultdict(dict)
            for pk, one in self.documents.items():
                for place, name in enumerate(self._searchable()):
                    for text in _texts(one.get(name)):
                        for word in self._cut(text):
                            found[word].setdefault(pk, set()).add(place)
            self._postings = dict(found)
        return self._postings

    def search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        facets, sort = asked.get("facets", []), [self._order(one) for one in asked.get("sort", [])]
        if lost := [name for name in facets if name != "*" and name not in self.settings["filterableAttributes"]]:
            raise bad("invalid_search_facets", f"Invalid facet distribution: Attribute `{lost[0]}` is not filterable.")
        test = self.test(asked.get("filter"))
        words = list(dict.fromkeys(self._cut(asked.get("q", ""))))[:MOST_WORDS]
        found = self._matching(words, asked["matchingStrategy"], {pk for pk, one in self.documents.items() if test(one)})
        most: int = self.settings["pagination"]["maxTotalHits"]
        ranked = sorted(found, key=lambda pk: self._rank(pk, found[pk], sort))[:most]
        answer: dict[str, Any] = {"query": asked.get("q", ""), "indexUid": self.uid}
        if "page" in asked or "hitsPerPage" in asked:
            page, size = asked.get("page", 1), asked.get("hitsPerPage", 20)
            shown = ranked[(page - 1) * size : page * size] if page else []
            pages = -(-len(ranked) // size) if size else 0
            answer |= {"hitsPerPage": size, "page": page, "totalPages": pages, "totalHits": len(ranked)}
        else:
            offset, limit = asked.get("offset", 0), asked.get("limit", 20)
            shown = ranked[offset : offset + limit]
            answer |= {"limit": limit, "offset": offset, "estimatedTotalHits": len(ranked)}
        answer["hits"] = [self._shown(pk, found[pk], asked) for pk in shown]
        if "facets" in asked:
            answer["facetDistribution"] = {name: self._counted(name, found) for name in facets}
            answer["facetStats"] = {name: span for name in facets if (span := self._span(name, found))}
        return answer | {"processingTimeMs": int((time.perf_counter() - began) * 1000)}

    def facet_search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        name, query = asked["facetName"], asked.get("facetQuery", "").lower()
        if name not in self.settings["filterableAttributes"]:
            raise bad("invalid_facet_search_facet_name", f"Attribute `{name}` is not facet-searchable.")
        if not self.settings["facetSearch"]:
            raise bad("facet_search_disabled", "The facet search is disabled for this index")
        test = self.test(asked.get("filter"))
        counted = Counter(str(value) for one in self.documents.values() if test(one) for value in _listed(one.get(name)) if isinstance(value, str))
        order = self.settings["faceting"]["sortFacetValuesBy"]
        by_count = order.get(name, order.get("*")) == "count"
        hits = [(value, count) for value, count in sorted(counted.items()) if value.lower().startswith(query)]
        hits.sort(key=lambda pair: -pair[1] if by_count else 0)
        most = self.settings["faceting"]["maxValuesPerFacet"]
        return {
            "facetHits": [{"value": value, "count": count} for value, count in hits[:most]], "facetQuery": asked.get("facetQuery"),
            "processingTimeMs": 0,
        }  # fmt: skip

    # ------------------------------------------------------------ words

    def _matching(self, words: Sequence[str], strategy: str, within: set[Any]) -> dict[Any, tuple[int, list[Match]]]:
        """Documents with how many words they lack and how the others match."""
        if not words:
            return {pk: (0, []) for pk in within}
        of_word = [self._of(word, last=number == len(words) - 1) for number, word in enumerate(words)]
        # Neighbours are tried as one word too, two and three at a time.
        for size in (2, 3):
            for start in range(len(words) - size + 1):
                joined = self._of("".join(words[start : start + size]), last=start + size == len(words))
                for number in range(start, start + size):
                    for pk, match in joined.items():
                        of_word[number].setdefault(pk, match)
        order = list(range(len(words)))
        if strategy == "frequency":
            # The rarest word is kept longest.
            order.sort(key=lambda number: len(of_word[number]))
        found: dict[Any, tuple[int, list[Match]]] = {}
        for lacking in range(len(words) if strategy != "all" else 1):
            kept = order[: len(order) - lacking]
            for pk in set(of_word[kept[0]]).intersection(within, *(of_word[number] for number in kept[1:])):
                found.setdefault(pk, (lacking, [of_word[number][pk] for number in kept]))
        return found

    def _of(self, word: str, *, last: bool) -> dict[Any, Match]:
        typo = self.settings["typoTolerance"]
        names = self._searchable()
        untouched = {place for place, name in enumerate(names) if name in typo["disableOnAttributes"]}
        sizes = typo["minWordSizeForTypos"]
        most = 0 if len(word) < sizes["oneTypo"] else 1 if len(word) < sizes["twoTypos"] else 2
        if not typo["enabled"] or word in typo["disableOnWords"] or (typo["disableOnNumbers"] and word.isdigit()):
            most = 0
        found: dict[Any, Match] = {}

        def note(pk: Any, places: Iterable[int], typos: int, inexact: int) -> None:
            for place in places:
                match = Match(typos, place, inexact)
                best = found.get(pk)
                if best is None or (match.typos, match.attribute, match.inexact) < (best.typos, best.attribute, best.inexact):
                    found[pk] = match

        for other, holders in self._words().items():
            begins = last and other.startswith(word)
            wrong = 0 if begins or other == word else distance(word, other, most) if most and not other[:1].isdigit() else None
            if wrong is not None:
                for pk, places in holders.items():
                    note(pk, places if not wrong else places - untouched, wrong, int(other != word))
        for same in self.settings["synonyms"].get(word, []):
            parts = [self._words().get(part, {}) for part in self._cut(same)]
            for pk in set(parts[0]).intersection(*parts[1:]) if parts else ():
                note(pk, parts[0][pk], 0, 1)
        return found

    # ------------------------------------------------------------ order

    def _order(self, text: str) -> tuple[str, bool]:
        name, _, way = text.rpartition(":")
        if way not in {"asc", "desc"}:
            raise bad("invalid_search_sort", f"Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `{text}`.")
        if name not in self.settings["sortableAttributes"]:
            raise bad("invalid_search_sort", f"Index `{self.uid}`: Attribute `{name}` is not sortable.")
        if "sort" not in self.settings["rankingRules"]:
            raise bad("invalid_search_sort", "You must specify where `sort` is listed in the rankingRules setting to use the sort parameter at search time.")
        return name, way == "desc"

    def _rank(self, pk: Any, found: tuple[int, list[Match]], sort: Sequence[tuple[str, bool]]) -> tuple[Any, ...]:
        lacking, matches = found
        one = self.documents[pk]
        place: list[tuple[Any, ...]] = []
        for rule in self.settings["rankingRules"]:
            match rule:
                case "words":
                    place.append((lacking,))
                case "typo":
                    place.append((sum(match.typos for match in matches),))
                case "attribute":
                    place.append((sum(match.attribute for match in matches),))
                case "exactness":
                    place.append((sum(match.inexact for match in matches),))
                case "sort":
                    place.append(tuple(_key(one.get(name), down) for name, down in sort))
                case "proximity":
                    place.append(())
                case _:
                    name, _, way = rule.rpartition(":")
                    place.append((_key(one.get(name), way == "desc"),))
        return tuple(place)

    # ------------------------------------------------------------ what is shown

    def _shown(self, pk: Any, found: tuple[int, list[Match]], asked: Mapping[str, Any]) -> dict[str, Any]:
        one, displayed = self.documents[pk], self.settings["displayedAttributes"]
        wanted = asked.get("attributesToRetrieve", ["*"])
        shown = {
            name: value for name, value in one.items()
            if (displayed == ["*"] or name in displayed) and (wanted == ["*"] or name in wanted)
        }  # fmt: skip
        if asked.get("showRankingScore"):
            lacking, matches = found
            shown["_rankingScore"] = 1.0 / (1 + lacking + sum(match.typos + match.attribute / 100 + match.inexact / 10 for match in matches))
        if asked.get("showRankingScoreDetails"):
            shown["_rankingScoreDetails"] = self._details(pk, found, asked)
        return shown

    def _details(self, pk: Any, found: tuple[int, list[Match]], asked: Mapping[str, Any]) -> dict[str, Any]:
        """What each ranking rule says of a document; rules that had nothing to compare are left out, as by the server."""
        lacking, matches = found
        said: dict[str, dict[str, Any]] = {}
        for rule in self.settings["rankingRules"]:
            if rule == "sort":
                said |= {one: {"value": self.documents[pk].get(one.rpartition(":")[0])} for one in asked.get("sort", [])}
            elif rule == "words" and matches:
                said[rule] = {"matchingWords": len(matches), "maxMatchingWords": len(matches) + lacking, "score": len(matches) / (len(matches) + lacking)}
            elif rule == "typo" and matches:
                said[rule] = {"typoCount": sum(match.typos for match in matches), "maxTypoCount": 2 * len(matches), "score": 1 / (1 + sum(match.typos for match in matches))}
            elif rule == "exactness" and matches:
                exact = sum(not match.inexact for match in matches)
                said[rule] = {"matchType": "noExactMatch", "matchingWords": exact, "maxMatchingWords": len(matches), "score": exact / len(matches)}
            elif rule == "attribute" and matches:
                place = sum(match.attribute for match in matches)
                said[rule] = {"attributeRankingOrderScore": 1 / (1 + place), "queryWordDistanceScore": 1.0, "score": 1 / (1 + place)}
            elif rule == "proximity" and matches:
                said[rule] = {"score": 1.0}
            elif ":" in rule:
                said[rule] = {"value": self.documents[pk].get(rule.rpartition(":")[0])}
        return {rule: {"order": order, **details} for order, (rule, details) in enumerate(said.items())}

    def _counted(self, name: str, found: Iterable[Any]) -> dict[str, int]:
        counted: Counter[str] = Counter()
        for pk in found:
            counted.update({_said(value) for value in _listed(self.documents[pk].get(name))})
        order = self.settings["faceting"]["sortFacetValuesBy"]
        by_count = order.get(name, order.get("*")) == "count"
        values = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]) if by_count else (0, pair[0]))
        return dict(values[: self.settings["faceting"]["maxValuesPerFacet"]])

    def _span(self, name: str, found: Iterable[Any]) -> dict[str, float] | None:
        numbers = [
            value for pk in found for value in _listed(self.documents[pk].get(name))
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]  # fmt: skip
        return {"min": float(min(numbers)), "max": float(max(numbers))} if numbers else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _said(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _key(value: Any, down: bool) -> tuple[int, Any]:
    """Numbers in order, then texts, then what is not there at all, whichever way it goes."""
    if isinstance(value, int | float):
        return 0, -value if down else value
    if isinstance(value, str):
        return 1, tuple(-ord(char) for char in value) if down else value
    return 2, 0
