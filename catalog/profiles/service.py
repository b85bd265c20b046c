"""Commands on profiles: every change is a new version, from a day on."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import date
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.policy import Actor, Permission
from catalog.profiles import queries
from catalog.profiles.events import ProfileWritten
from catalog.profiles.rules import Attribute, NameTwice, NoteMissing, StartsInThePast, checked, replaced
from catalog.profiles.states import AttributeKind
from catalog.profiles.tables import Profile, ProfileAttribute
from catalog.taxonomy import queries as taxonomy

_DATA: Final = files("catalog.profiles") / "data" / "profiles.json"


def shipped() -> Iterator[tuple[str, list[Attribute]]]:
    """The profiles that come with the product, by category."""
    for row in json.loads(_DATA.read_text("utf-8"))["profiles"]:
        yield row["category"], [
            Attribute(**{**each, "kind": AttributeKind(each["kind"]), "options": tuple(each.get("options", ()))})
            for each in row["attributes"]
        ]


def load_profiles(session: Session) -> int:
    """Put the shipped profiles into the database; categories that have one keep it. How many were new."""
    seeds = json.loads(_DATA.read_text("utf-8"))
    known = set(session.scalars(select(Profile.category_code).distinct()))
    new = [(code, attributes) for code, attributes in shipped() if code not in known and taxonomy.exists(session, code)]
    for code, attributes in new:
        _write(session, code, 1, date.fromisoformat(seeds["valid_from"]), seeds["note"], checked(attributes), None)
    queries.forget(session)
    return len(new)


def write(
    session: Session, actor: Actor, category_code: str, attributes: Sequence[Attribute], *, valid_from: date, note: str
) -> int:
    """Describe the products of a category by these attributes from a day on; the number of the new version.

    Raises UnknownCategory, StartsInThePast, NoteMissing, BadName, NameTold, NameTwice, NoOptions, BadBounds, BadPattern.
    """
    actor.must(Permission.CATALOGUE_ADMINISTER)
    taxonomy.category(session, category_code)
    if valid_from < (today := clock.today()):
        raise StartsInThePast(day=valid_from, today=today)
    if not (said := " ".join(note.split())[:200]):
        raise NoteMissing()
    rows = checked(attributes)
    last = session.scalar(select(func.max(Profile.version)).where(Profile.category_code == category_code)) or 0
    _write(session, category_code, last + 1, valid_from, said, rows, actor.person_id)
    told = tuple({name: value for name, value in asdict(each).items() if value and name != "of"} for each in rows)
    fact = ProfileWritten(category_code=category_code, profile_version=last + 1, valid_from=valid_from, note=said, attributes=told)
    outbox.record(session, actor, fact, stream=f"profile/{category_code}")
    queries.forget(session)
    return last + 1


def keep(
    session: Session, actor: Actor, category_code: str, attribute: Attribute, *, instead_of: str = "", valid_from: date, note: str
) -> int:
    """Ask for one more attribute, or for one in another way. Raises what `write` raises."""
    there = latest(session, category_code)
    if attribute.name != instead_of and any(each.name == attribute.name for each in there):
        raise NameTwice(attribute=attribute.name)
    return write(session, actor, category_code, replaced(there, instead_of, attribute), valid_from=valid_from, note=note)


def archive(
    session: Session, actor: Actor, category_code: str, name: str, *, archived: bool, valid_from: date, note: str
) -> int:
    """Ask for an attribute no more, or again; what products say stays. Raises what `write` raises."""
    there = [replace(each, archived=archived) if each.name == name else each for each in latest(session, category_code)]
    return write(session, actor, category_code, there, valid_from=valid_from, note=note)


def latest(session: Session, category_code: str) -> tuple[Attribute, ...]:
    """A category's own attributes as written last, whether they hold yet or not."""
    queries.forget(session)
    written = queries.history(session, category_code)
    return max(written, key=lambda each: each[0].number)[1] if written else ()


def _write(session: Session, code: str, version: int, valid_from: date, note: str, rows: Sequence[Attribute], by: int | None) -> None:
    made = Profile(category_code=code, version=version, valid_from=valid_from, note=note, made_by=by, made_at=clock.now())
    session.add(made)
    session.flush()
    stored: list[dict[str, Any]] = [
        {
            "profile_id": made.id, "position": place, "name": each.name, "kind": each.kind, "unit": each.unit,
            "options": json.dumps(each.options, ensure_ascii=False), "low": each.low, "high": each.high, "pattern": each.pattern,
            "required": each.required, "archived": each.archived,
        }
        for place, each in enumerate(rows)
    ]  # fmt: skip
    if stored:
        session.execute(insert(ProfileAttribute), stored)
