"""How requests come in and errors go out: nested form parameters, parameter checks, the API's error objects."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Params = dict[str, Any]


class ApiError(Exception):
    """An answer that is an error. `kept` ones are remembered under the idempotency key, as Stripe does once it began."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002
        code: str | None = None,
        param: str | None = None,
        kept: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        found = {"type": type, "code": code, "message": message, "param": param, **more}
        self.body = {"error": {name: value for name, value in found.items() if value is not None}}


def bad_parameter(param: str, message: str, code: str | None = None) -> ApiError:
    """A parameter that cannot be accepted; nothing was begun, so nothing is kept."""
    return ApiError(400, message, code=code, param=param, kept=False)


def no_such(kind: str, id: str, param: str = "id") -> ApiError:  # noqa: A002
    """The id is unknown."""
    return ApiError(404, f"No such {kind}: '{id}'", code="resource_missing", param=param, kept=False)


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """Form pairs as a tree: `a[b]=1`, `a[]=1`, `a[0][b]=1`."""
    tree: Params = {}
    for name, value in pairs:
        form = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\]){0,8})", name)
        if form is None:
            raise bad_parameter(name, f"Invalid parameter name: {name}")
        _plant(tree, [form[1], *re.findall(r"\[([^\[\]]*)\]", form[2])], value)
    return {name: _lists(value) for name, value in tree.items()}


def _plant(tree: Params, steps: list[str], value: str) -> None:
    here = tree
    for step in steps[:-1]:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            raise bad_parameter(step, f"Invalid object: {step}")
        here = inner
    here[steps[-1] or str(len(here))] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def only(params: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Refuse parameters this endpoint does not know."""
    for name in params:
        if name not in allowed:
            raise bad_parameter(name, f"Received unknown parameter: {name}", "parameter_unknown")


def whole(params: Mapping[str, Any], name: str, *, least: int = 1) -> int | None:
    """An integer parameter, or None when absent."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise bad_parameter(name, f"Invalid integer: {value}", "parameter_invalid_integer")
    if int(value) < least:
        raise bad_parameter(name, f"This value must be greater than or equal to {least}.", "parameter_invalid_integer")
    return int(value)


def flag(params: Mapping[str, Any], name: str) -> bool:
    """A boolean parameter; absent is false."""
    value = params.get(name, "false")
    if value not in ("true", "false"):
        raise bad_parameter(name, f"Invalid boolean: {value}")
    return bool(value == "true")


def choice(params: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    """One of the allowed words."""
    value = params.get(name, default)
    if value not in allowed:
        raise bad_parameter(name, f"Invalid {name}: must be one of {', '.join(allowed)}")
    return str(value)


def text(params: Mapping[str, Any], name: str) -> str | None:
    """A plain string parameter, or None when absent or empty."""
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_parameter(name, f"Invalid string: {name}")
    return value or None


def metadata(params: Mapping[str, Any]) -> dict[str, str]:
    """At most 50 marks, names up to 40 characters, values up to 500."""
    marks = params.get("metadata") or {}
    if not isinstance(marks, dict) or not all(isinstance(value, str) for value in marks.values()):
        raise bad_parameter("metadata", "Invalid object")
    if len(marks) > 50:
        raise bad_parameter("metadata", "Metadata can have at most 50 keys")
    for name, value in marks.items():
        if not 0 < len(name) <= 40 or len(value) > 500:
            raise bad_parameter(f"metadata[{name}]", "Metadata keys can have up to 40 characters, values up to 500")
    return {name: value for name, value in marks.items() if value}
