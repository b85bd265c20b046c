"""Reads of profiles, answered from memory: they are few and change seldom. A service that writes one calls `forget`."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from catalog.profiles.rules import Attribute, Profile, Version
from catalog.profiles.tables import Profile as ProfileRow
from catalog.profiles.tables import ProfileAttribute
from catalog.taxonomy import queries as taxonomy

KEEP_SECONDS: Final = 30.0


@dataclass(frozen=True)
class _Kept:
    """Every version of every category's own attributes, the latest first, as read at one moment."""

    versions: Mapping[str, tuple[tuple[Version, tuple[Attribute, ...]], ...]]
    read_at: float = field(default_factory=time.monotonic)


_kept: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


def forget(session: Session) -> None:
    """Drop what this process remembers of the session's database."""
    _kept.pop(session.get_bind().engine, None)


def of(session: Session, category_code: str, on: date) -> Profile:
    """By what the products of a category are described on a day: broad categories first, a narrower one overrules by name.

    Empty where nobody has written a profile. Raises UnknownCategory.
    """
    attributes: dict[str, Attribute] = {}
    versions: list[Version] = []
    for step in taxonomy.ancestors(session, category_code):
        version = own(session, step.code, on)
        if version is None:
            continue
        versions.append(version[0])
        for attribute in version[1]:
            attributes.pop(attribute.name, None)
            attributes[attribute.name] = attribute
    inherited = [each for each in attributes.values() if each.of != category_code]
    narrow = [each for each in attributes.values() if each.of == category_code]
    return Profile(category_code=category_code, attributes=(*narrow, *inherited), versions=tuple(versions))


def own(session: Session, category_code: str, on: date) -> tuple[Version, tuple[Attribute, ...]] | None:
    """The version of a category's own attributes that holds on a day; None where there is none."""
    return next((each for each in history(session, category_code) if each[0].valid_from <= on), None)


def history(session: Session, category_code: str) -> tuple[tuple[Version, tuple[Attribute, ...]], ...]:
    """Every version of a category's own attributes, the latest first, those still to begin too."""
    return _all(session).versions.get(category_code, ())


def categories(session: Session) -> tuple[str, ...]:
    """The categories with attributes of their own, in code order."""
    return tuple(sorted(_all(session).versions))


def _all(session: Session) -> _Kept:
    engine = session.get_bind().engine
    known = _kept.get(engine)
    if known is not None and time.monotonic() - known.read_at < KEEP_SECONDS:
        return known
    attributes: dict[int, list[Attribute]] = defaultdict(list)
    for row in session.scalars(select(ProfileAttribute).order_by(ProfileAttribute.profile_id, ProfileAttribute.position)):
        attributes[row.profile_id].append(
            Attribute(
                name=row.name, kind=row.kind, unit=row.unit, options=tuple(json.loads(row.options)), low=row.low, high=row.high,
                pattern=row.pattern, required=row.required, archived=row.archived,
            )
        )  # fmt: skip
    versions: dict[str, list[tuple[Version, tuple[Attribute, ...]]]] = defaultdict(list)
    for profile in session.scalars(select(ProfileRow).order_by(ProfileRow.valid_from.desc(), ProfileRow.version.desc())):
        code = profile.category_code
        version = Version(category_code=code, number=profile.version, valid_from=profile.valid_from, note=profile.note)
        versions[code].append((version, tuple(replace(each, of=code) for each in attributes[profile.id])))
    fresh = _Kept({code: tuple(rows) for code, rows in versions.items()})
    _kept[engine] = fresh
    return fresh
