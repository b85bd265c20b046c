"""What Meilisearch's documented API takes, and how it refuses everything else.

Fields, types, error codes and the sentences of errors follow the reference of version 1.x: a field nobody knows is a `bad_request`, a
value of the wrong type has the code of its field, and every refusal carries message, code, type and link.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

UID: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")
SYSTEM: Final = frozenset({"too_many_search_requests", "no_space_left_on_device"})
AUTH: Final = frozenset({"invalid_api_key", "missing_authorization_header", "missing_master_key"})


class ApiError(Exception):
    """An answer of the error kind."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    @property
    def body(self) -> dict[str, str]:
        kind = "auth" if self.code in AUTH else "system" if self.code in SYSTEM else "invalid_request"
        kind = "internal" if self.code == "internal" else kind
        return {"message": self.message, "code": self.code, "type": kind, "link": f"https://docs.meilisearch.com/errors#{self.code}"}


def bad(code: str, message: str) -> ApiError:
    return ApiError(400, code, message)


def no_index(uid: str) -> ApiError:
    return ApiError(404, "index_not_found", f"Index `{uid}` not found.")


# ---------------------------------------------------------------- types

_NAMES: Final = {
    "text": "a string", "whole": "a positive integer", "number": "a number", "flag": "a boolean", "texts": "an array", "object": "an object",
    "any": "anything", "list": "an array",
}  # fmt: skip


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "texts":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case "list":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return True


def _called(value: Any) -> str:
    for kind, name in ((dict, "an object"), (list, "an array"), (str, "a string"), (bool, "a boolean"), (int, "an integer"), (float, "a float")):
        if isinstance(value, kind):
            return name
    return "null"


def checked(given: Any, fields: Mapping[str, str], codes: Mapping[str, str], where: str = "", unknown: str = "bad_request") -> dict[str, Any]:
    """The object given, or the refusal of it; null stands for a field that is not there."""
    if not isinstance(given, dict):
        at = f" at `{where}`" if where else ""
        raise bad(unknown, f"Invalid value type{at}: expected an object, but found {_called(given)}: `{given!r}`")
    for name, value in given.items():
        inside = f" inside `{where}`" if where else ""
        if name not in fields:
            raise bad(unknown, f"Unknown field `{name}`{inside}: expected one of {', '.join(f'`{one}`' for one in fields)}")
        if value is not None and not _is(fields[name], value):
            message = f"Invalid value type at `{where}.{name}`: expected {_NAMES[fields[name]]}, but found {_called(value)}: `{value!r}`"
            raise bad(codes.get(name, "bad_request"), message)
    return {name: value for name, value in given.items() if value is not None}


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


# ---------------------------------------------------------------- search

SEARCH: Final = {
    "q": "text", "offset": "whole", "limit": "whole", "page": "whole", "hitsPerPage": "whole", "attributesToRetrieve": "texts",
    "attributesToCrop": "texts", "cropLength": "whole", "attributesToHighlight": "texts", "showMatchesPosition": "flag",
    "showRankingScore": "flag", "showRankingScoreDetails": "flag", "filter": "any", "sort": "texts", "distinct": "text", "facets": "texts",
    "highlightPreTag": "text", "highlightPostTag": "text", "cropMarker": "text", "matchingStrategy": "text",
    "attributesToSearchOn": "texts", "rankingScoreThreshold": "number", "locales": "texts",
}  # fmt: skip
_SEARCH_CODES: Final = {name: f"invalid_search_{snake(name)}" for name in SEARCH}
_MULTI: Final = {"indexUid": "text", **SEARCH}
_LOCALES: Final = frozenset({"cmn", "eng", "jpn", "kor", "zho"})


def search(given: Any, where: str = "", *, multi: bool = False) -> dict[str, Any]:
    """One query, with what it leaves out filled in."""
    fields = _MULTI if multi else SEARCH
    asked = checked(given, fields, {**_SEARCH_CODES, "indexUid": "invalid_index_uid"}, where)
    if multi and "indexUid" not in asked:
        raise bad("missing_index_uid", f"Missing field `indexUid` inside `{where}`")
    if multi and not UID.fullmatch(asked["indexUid"]):
        raise bad("invalid_index_uid", f"Invalid value at `{where}.indexUid`: `{asked['indexUid']}` is not a valid index uid.")
    strategy = asked.setdefault("matchingStrategy", "last")
    if strategy not in {"last", "all", "frequency"}:
        at = f"{where}.matchingStrategy"
        message = f"Unknown value `{strategy}` at `{at}`: expected one of `last`, `all`, `frequency`"
        raise bad("invalid_search_matching_strategy", message)
    for locale in asked.get("locales", ()):
        if locale not in _LOCALES:
            raise bad("invalid_search_locales", f"Unknown value `{locale}` at `{where}.locales[0]`")
    return asked


def multi_search(given: Any) -> list[dict[str, Any]]:
    asked = checked(given, {"queries": "list", "federation": "object"}, {"queries": "invalid_multi_search_queries"})
    if "queries" not in asked:
        raise bad("bad_request", "Missing field `queries`")
    if "federation" in asked:
        raise bad("invalid_multi_search_federation", "this server does not merge results")
    return [search(query, f".queries[{number}]", multi=True) for number, query in enumerate(asked["queries"])]


FACET_SEARCH: Final = {
    "facetName": "text", "facetQuery": "text", "q": "text", "filter": "any", "matchingStrategy": "text", "attributesToSearchOn": "texts",
    "rankingScoreThreshold": "number", "locales": "texts", "exhaustiveFacetCount": "flag",
}  # fmt: skip


def facet_search(given: Any) -> dict[str, Any]:
    codes = {"facetName": "invalid_facet_search_facet_name", "facetQuery": "invalid_facet_search_query"}
    asked = checked(given, FACET_SEARCH, {**_SEARCH_CODES, **codes})
    if "facetName" not in asked:
        raise bad("missing_facet_search_facet_name", "Missing field `facetName`")
    return asked


# ---------------------------------------------------------------- settings

SETTINGS: Final = {
    "displayedAttributes": "texts", "searchableAttributes": "texts", "filterableAttributes": "list", "sortableAttributes": "texts",
    "rankingRules": "texts", "stopWords": "texts", "nonSeparatorTokens": "texts", "separatorTokens": "texts", "dictionary": "texts",
    "synonyms": "object", "distinctAttribute": "text", "proximityPrecision": "text", "typoTolerance": "object", "faceting": "object",
    "pagination": "object", "searchCutoffMs": "whole", "localizedAttributes": "list", "facetSearch": "flag", "prefixSearch": "text",
}  # fmt: skip
_SETTINGS_CODES: Final = {name: f"invalid_settings_{snake(name)}" for name in SETTINGS}
_RULES: Final = frozenset({"words", "typo", "proximity", "attribute", "sort", "exactness"})
_RULE: Final = re.compile(r"[A-Za-z0-9_.-]+:(asc|desc)")
_TYPO: Final = {
    "enabled": "flag", "minWordSizeForTypos": "object", "disableOnWords": "texts", "disableOnAttributes": "texts", "disableOnNumbers": "flag",
}  # fmt: skip


def settings(given: Any) -> dict[str, Any]:
    asked = checked(given, SETTINGS, _SETTINGS_CODES)
    for rule in asked.get("rankingRules", ()):
        if rule not in _RULES and not _RULE.fullmatch(rule):
            raise bad("invalid_settings_ranking_rules", f"Invalid value at `.rankingRules[0]`: `{rule}` ranking rule is invalid.")
    typo = asked.get("typoTolerance")
    if typo is not None:
        code = "invalid_settings_typo_tolerance"
        checked(typo, _TYPO, dict.fromkeys(_TYPO, code), ".typoTolerance", code)
        sizes = typo.get("minWordSizeForTypos") or {}
        checked(sizes, {"oneTypo": "whole", "twoTypos": "whole"}, dict.fromkeys(("oneTypo", "twoTypos"), code), ".minWordSizeForTypos", code)
        if sizes.get("oneTypo", 5) > sizes.get("twoTypos", 9):
            raise bad("invalid_settings_typo_tolerance", "`minWordSizeForTypos` setting is invalid. `oneTypo` is above `twoTypos`.")
    for name, fields in (
        ("faceting", {"maxValuesPerFacet": "whole", "sortFacetValuesBy": "object"}), ("pagination", {"maxTotalHits": "whole"}),
    ):  # fmt: skip
        if name in asked:
            checked(asked[name], fields, dict.fromkeys(fields, f"invalid_settings_{name}"), f".{name}", f"invalid_settings_{name}")
    if asked.get("pagination", {}).get("maxTotalHits") == 0:
        raise bad("invalid_settings_pagination", "Invalid value at `.maxTotalHits`: a non-zero integer value was expected, but found a zero")
    for order in (asked.get("faceting", {}).get("sortFacetValuesBy") or {}).values():
        if order not in {"alpha", "count"}:
            raise bad("invalid_settings_faceting", f"Unknown value `{order}`: expected one of `alpha`, `count`")
    for one in asked.get("localizedAttributes", ()):
        code = "invalid_settings_localized_attributes"
        fields = {"attributePatterns": "texts", "locales": "texts"}
        checked(one, fields, dict.fromkeys(fields, code), ".localizedAttributes[0]", code)
        if not _LOCALES.issuperset(one.get("locales", ())):
            raise bad(code, f"Unknown value `{one['locales']}` at `.localizedAttributes[0].locales`")
    for word, others in asked.get("synonyms", {}).items():
        if not _is("texts", others):
            raise bad("invalid_settings_synonyms", f"Invalid value type at `.synonyms.{word}`: expected an array")
    return asked


# ---------------------------------------------------------------- the rest


def index(given: Any) -> dict[str, Any]:
    asked = checked(given, {"uid": "text", "primaryKey": "text"}, {"uid": "invalid_index_uid", "primaryKey": "invalid_index_primary_key"})
    if "uid" not in asked:
        raise bad("missing_index_uid", "Missing field `uid`")
    if not UID.fullmatch(asked["uid"]):
        raise bad("invalid_index_uid", f"Invalid value at `.uid`: `{asked['uid']}` is not a valid index uid.")
    return asked


def swaps(given: Any) -> list[Sequence[str]]:
    if not isinstance(given, list):
        raise bad("bad_request", f"Invalid value type: expected an array, but found {_called(given)}: `{given!r}`")
    named: list[str] = []
    found: list[Sequence[str]] = []
    for number, one in enumerate(given):
        asked = checked(one, {"indexes": "texts", "rename": "flag"}, {"indexes": "invalid_swap_indexes"}, f"[{number}]")
        pair = asked.get("indexes", [])
        if len(pair) != 2:
            message = f"Two indexes must be given for each swap. The list `{pair}` contains {len(pair)} indexes."
            raise bad("invalid_swap_indexes", message)
        for uid in pair:
            if uid in named:
                message = f"Indexes must be declared only once during a swap. `{uid}` was specified several times."
                raise bad("invalid_swap_duplicate_index_found", message)
            named.append(uid)
        found.append(pair)
    return found
