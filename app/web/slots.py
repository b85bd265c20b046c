"""Slots: a page names a place, `wsgi.py` says who fills it, the server renders it.

So a page of a lower package can show what stands above it (budget strip, cart count, receipts) without knowing it.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import Flask
from markupsafe import Markup

Filler = Callable[..., str | Markup]


class Slots:
    """Fillers by slot name, in the order they were given."""

    def __init__(self) -> None:
        self.fillers: dict[str, list[Filler]] = defaultdict(list)

    def fill(self, name: str, filler: Filler) -> None:
        """Let this function render the slot; it gets what the page passes and returns safe markup."""
        self.fillers[name].append(filler)

    def show(self, name: str, **context: Any) -> Markup:
        """What the fillers make of the slot; nothing when nobody fills it."""
        return Markup("").join(Markup(filler(**context)) for filler in self.fillers[name])  # noqa: S704 - fillers render templates  # nosec B704


def install(app: Flask) -> Slots:
    """Give this application its slots and its templates the `slot()` function."""
    slots = Slots()
    app.extensions["mall.slots"] = slots
    app.jinja_env.globals["slot"] = slots.show
    return slots
