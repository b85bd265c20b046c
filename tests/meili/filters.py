"""Meilisearch's filter expressions: read, checked against the attributes that may be filtered by, and applied."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.meili.shapes import bad

Document = Mapping[str, Any]
Test = Callable[[Document], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|=|<|>|\(|\)|\[|\]|,)|(?P<word>[^\s()\[\],=<>!"']+))""", re.DOTALL
)
_OPERATIONS: Final = "`=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, `NOT EXISTS`, `IS NULL`, `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`"


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


def compiled(given: Any, filterable: Collection[str], index: str, code: str = "invalid_search_filter") -> Test:
    """A test for documents; an array is joined by AND, an array inside it by OR."""
    if given is None:
        return lambda _: True
    if isinstance(given, str):
        return _read(given, filterable, index, code) if given.strip() else lambda _: True
    if not isinstance(given, list):
        raise bad(code, f"Invalid syntax for the filter parameter: `expected String, Array, found: {given!r}`.")
    tests: list[Test] = []
    for one in given:
        if isinstance(one, list):
            inner = [_read(each, filterable, index, code) for each in one if isinstance(each, str)]
            if len(inner) != len(one):
                raise bad(code, f"Invalid syntax for the filter parameter: `expected String, found: {one!r}`.")
            tests.append(_any(inner))
        elif isinstance(one, str):
            tests.append(_read(one, filterable, index, code))
        else:
            raise bad(code, f"Invalid syntax for the filter parameter: `expected String, [String], found: {one!r}`.")
    return lambda document: all(test(document) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda document: any(test(document) for test in tests)


def _read(text: str, filterable: Collection[str], index: str, code: str) -> Test:
    reader = _Reader(text, filterable, index, code)
    test = reader.either()
    if reader.more:
        rest = " ".join(token.text for token in reader.tokens[reader.at :])
        raise bad(code, f"Found unexpected characters at the end of the filter: `{rest}`. You probably forgot an `OR` or an `AND` rule.")
    return test


class _Reader:
    def __init__(self, text: str, filterable: Collection[str], index: str, code: str) -> None:
        self.text, self.filterable, self.index, self.code, self.at = text, filterable, index, code, 0
        self.tokens: list[Token] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise bad(code, f"Expression `{text[place:]}` is missing the following closing delimiter")
            kind = str(found.lastgroup)
            self.tokens.append(Token(kind, found[kind]))
            place = found.end()

    @property
    def more(self) -> bool:
        return self.at < len(self.tokens)

    def _next(self) -> Token:
        if not self.more:
            raise self._unexpected()
        self.at += 1
        return self.tokens[self.at - 1]

    def _took(self, *words: str) -> bool:
        """Whether these words come next; they are taken then."""
        ahead = [token.text.upper() if token.kind == "word" else token.text for token in self.tokens[self.at : self.at + len(words)]]
        if ahead != list(words):
            return False
        self.at += len(words)
        return True

    def _unexpected(self) -> Exception:
        return bad(self.code, f"Was expecting an operation {_OPERATIONS} at `{self.text}`.")

    def either(self) -> Test:
        tests = [self._both()]
        while self._took("OR"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._took("AND"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if self._took("NOT"):
            inner = self._one()
            return lambda document: not inner(document)
        if self._took("("):
            inner = self.either()
            if not self._took(")"):
                raise bad(self.code, f"Expression `{self.text}` is missing the following closing delimiter: `)`.")
            return inner
        return self._condition(self._value())

    def _value(self) -> str:
        token = self._next()
        if token.kind == "string":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
        if token.kind != "word" or token.text.upper() in {"OR", "AND", "NOT", "IN", "TO", "EXISTS"}:
            raise bad(self.code, f"Was expecting a value but instead got `{token.text}`.")
        return token.text

    def _number(self) -> float:
        value = self._value()
        try:
            return float(value)
        except ValueError:
            raise bad(self.code, f"Invalid number `{value}`: comparisons take numbers.") from None

    def _condition(self, field: str) -> Test:
        negative = self._took("NOT")
        if self._took("IN"):
            if not self._took("["):
                raise bad(self.code, "Expected only comma-separated field names inside `IN[..]`")
            wanted: list[str] = []
            while not self._took("]"):
                wanted.append(self._value())
                if not self._took(",") and not (self.more and self.tokens[self.at].text == "]"):
                    raise bad(self.code, f"Expression `{self.text}` is missing the following closing delimiter: `]`.")
            test: Test = lambda document: any(_same(value, one) for value in _values(document, field) for one in wanted)
        elif self._took("EXISTS"):
            test = lambda document: field in document
        elif negative:
            raise self._unexpected()
        else:
            return self._checked(field, self._comparison(field))
        return self._checked(field, (lambda document: not test(document)) if negative else test)

    def _comparison(self, field: str) -> Test:
        if self._took("IS"):
            negative, what = self._took("NOT"), self._value().upper()
            if what not in {"NULL", "EMPTY"}:
                raise self._unexpected()
            empty = (None,) if what == "NULL" else ("", [], {})
            return lambda document: (document.get(field, "?") in empty) is not negative
        for sign, holds in _ORDER.items():
            if self._took(sign):
                bound = self._number()
                return lambda document: any(holds(value, bound) for value in _values(document, field) if _numeric(value))
        if self._took("="):
            wanted = self._value()
            return lambda document: any(_same(value, wanted) for value in _values(document, field))
        if self._took("!="):
            unwanted = self._value()
            return lambda document: not any(_same(value, unwanted) for value in _values(document, field))
        low = self._number() if self.more and _is_number(self.tokens[self.at].text) else None
        if low is None or not self._took("TO"):
            raise self._unexpected()
        high = self._number()
        return lambda document: any(low <= value <= high for value in _values(document, field) if _numeric(value))

    def _checked(self, field: str, test: Test) -> Test:
        if field not in self.filterable:
            there = ", ".join(sorted(self.filterable))
            known = f"Available filterable attribute patterns are: `{there}`." if there else "This index does not have configured filterable attributes."
            raise bad(self.code, f"Index `{self.index}`: Attribute `{field}` is not filterable. {known}")
        return test


_ORDER: Final[Mapping[str, Callable[[Any, float], bool]]] = {
    "<=": lambda value, bound: value <= bound, ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound, ">": lambda value, bound: value > bound,
}  # fmt: skip


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(document: Document, field: str) -> list[Any]:
    value = document.get(field)
    return value if isinstance(value, list) else [] if value is None else [value]


def _same(value: Any, wanted: str) -> bool:
    """Equality of filters: without regard to case; numbers and booleans by what they say."""
    if isinstance(value, bool):
        return wanted.lower() == ("true" if value else "false")
    if _numeric(value):
        return _is_number(wanted) and float(wanted) == value
    return str(value).lower() == wanted.lower()
