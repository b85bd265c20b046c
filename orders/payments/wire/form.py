"""Nested parameters in a form body, as the Stripe API reads them: `transfer_data[destination]=…`, `types[0]=…`."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode


def encode(params: Mapping[str, Any]) -> str:
    """The text of a form or query; lists are numbered, booleans are words, None is left out."""
    return urlencode([pair for name, value in params.items() for pair in _pairs(name, value)])


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _pairs(f"{name}[{index}]", inner)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, str(value)
