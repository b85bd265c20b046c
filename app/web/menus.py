"""Menus and well-known places: a page names them, `wsgi.py` says where they lead.

So the base templates of this package can link to the search, the cart or the workbench without knowing the packages above.
An entry is shown only to those who may open it; a place that nobody registered has no link.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, request, url_for

from app.policy import Permission
from app.web.guard import maybe_me
from app.web.texts import gettext


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a menu; `label` is marked with N_ and translated when shown; without permissions everybody sees it."""

    label: str
    endpoint: str
    icon: str = ""
    permissions: tuple[Permission, ...] = ()
    section: str = ""
    right: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    slot: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An entry as a template draws it."""

    label: str
    href: str
    icon: str
    right: bool
    current: bool
    slot: str


class Menus:
    """Entries by menu, addresses by place."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Entry]] = defaultdict(list)
        self.places: dict[str, tuple[str, dict[str, Any]]] = {}
        self._addresses: dict[tuple[Any, ...], str] = {}

    def add(self, menu: str, *entries: Entry) -> None:
        """Append entries to a menu."""
        self.entries[menu].extend(entries)

    def place(self, name: str, endpoint: str, **values: Any) -> None:
        """Say where a well-known place is."""
        self.places[name] = (endpoint, values)

    def where(self, name: str, **values: Any) -> str | None:
        """The address of a place, or None when this application has none."""
        if name not in self.places:
            return None
        endpoint, fixed = self.places[name]
        return url_for(endpoint, **{**fixed, **values}) if values else self._address(endpoint, fixed)

    def _address(self, endpoint: str, values: dict[str, Any]) -> str:
        """The address of what every page links to: made once for each prefix the mall is mounted at."""
        key = (request.script_root, endpoint, *values.items())
        if key not in self._addresses:
            self._addresses[key] = url_for(endpoint, **values)
        return self._addresses[key]

    def show(self, menu: str, section: str = "") -> list[Shown]:
        """The entries that the reader may open, in order; `section` marks the current one, else the end point does."""
        actor = maybe_me()
        return [
            Shown(
                label=gettext(entry.label), href=self._address(entry.endpoint, entry.values),
                icon=entry.icon, right=entry.right, slot=entry.slot,
                current=bool(section and section == entry.section) or (request.endpoint == entry.endpoint and _same(entry.values)),
            )
            for entry in self.entries[menu]
            if not entry.permissions or (actor is not None and any(actor.may(each) for each in entry.permissions))
        ]


def _same(values: dict[str, Any]) -> bool:
    """Whether the request has the values that the entry leads to."""
    given = {**request.args.to_dict(), **(request.view_args or {})}
    return all(str(given.get(name)) == str(value) for name, value in values.items())


def may(permission: str) -> bool:
    """Whether the reader may do it: a page offers no link that would be refused."""
    actor = maybe_me()
    return actor is not None and actor.may(Permission(permission))


def install(app: Flask) -> Menus:
    """Give this application its menus and its templates `menu()`, `place()` and `may()`."""
    menus = Menus()
    app.extensions["mall.menus"] = menus
    app.jinja_env.globals.update(menu=menus.show, place=menus.where, may=may)
    return menus
