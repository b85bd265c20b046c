"""Reads of alerts: the queue of a region, one alert with its evidence, how many wait."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy import false as never
from sqlalchemy import true as always
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.kernel import clock, paging, regions
from app.kernel.errors import N_, Missing
from app.policy import Actor, Reach, scope_of
from supervision.alerts.states import HANDLED, OPEN, AlertState, Severity
from supervision.alerts.tables import Alert

__all__ = ["Alert"]

RANKS = case({Severity.RED.value: 0, Severity.ORANGE.value: 1, Severity.YELLOW.value: 2}, value=Alert.severity, else_=3)


class Show(StrEnum):
    """What part of the queue is shown."""

    OPEN = "open"
    UNOWNED = "unowned"
    MINE = "mine"
    TODAY = "today"
    LATE = "late"
    DONE = "done"


SHOW_NAMES: dict[Show, str] = {
    Show.OPEN: N_("未结"),
    Show.UNOWNED: N_("未领取"),
    Show.MINE: N_("我承办"),
    Show.TODAY: N_("今日到期"),
    Show.LATE: N_("已超时"),
    Show.DONE: N_("已有结论"),
}


@dataclass(frozen=True)
class Row:
    """An alert with the names that people know."""

    alert: Alert
    unit_name: str
    supplier_name: str
    owner_name: str

    @property
    def subject(self) -> str:
        """Whom it is about."""
        return self.unit_name or self.supplier_name

    @property
    def used(self) -> float | None:
        """The share of the response time that is gone; more than 1 when it is over, None without a clock."""
        if self.alert.due_at is None:
            return None
        whole = (self.alert.due_at - self.alert.raised_at).total_seconds()
        return (clock.now() - self.alert.raised_at).total_seconds() / max(whole, 1.0)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The alerts of the actor's own region and below; nothing for units and suppliers."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return always()
    if scope.reach is Reach.REGION and scope.region is not None:
        return Alert.region.in_(regions.below(scope.region))
    return never()


def shown(actor: Actor, show: Show) -> ColumnElement[bool]:
    """The condition of one part of the queue."""
    unsettled = Alert.state.in_(OPEN)
    match show:
        case Show.OPEN:
            return unsettled
        case Show.UNOWNED:
            return Alert.state == AlertState.NEW
        case Show.MINE:
            return and_(unsettled, Alert.owner_id == actor.person_id)
        case Show.TODAY:
            return and_(unsettled, Alert.due_at >= clock.now(), Alert.due_at <= clock.end_of_day(clock.today()))
        case Show.LATE:
            return and_(unsettled, Alert.due_at < clock.now())
        case Show.DONE:
            return Alert.state.in_(HANDLED)


def listing(
    session: Session,
    actor: Actor,
    show: Show = Show.OPEN,
    *,
    rule: str | None = None,
    region: str | None = None,
    severity: Severity | None = None,
    order: str | None = None,
    cursor: str | None = None,
    limit: int = 30,
) -> paging.Page[Row]:
    """The queue: red first, the oldest first within a colour; conclusions the latest first."""
    query = select(Alert).where(visible_to(actor), shown(actor, show))
    if rule:
        query = query.where(Alert.rule == rule)
    if region:
        query = query.where(Alert.region.in_(regions.below(regions.by_code(region).code)))
    if severity is not None:
        query = query.where(Alert.severity == severity)
    if order:
        query = query.where(Alert.order_number == order)
    keys = (paging.Key(Alert.id),) if show is Show.DONE else (paging.Key(RANKS, descending=False), paging.Key(Alert.id, descending=False))
    page = paging.page(session, query, keys, cursor=cursor, limit=limit)
    return paging.Page(rows=rows_of(session, page.rows), next=page.next, prev=page.prev)


def rows_of(session: Session, alerts: Iterable[Alert]) -> list[Row]:
    """Alerts with names; two statements however many."""
    found = list(alerts)
    parties = organisations.names(session, {each for row in found for each in (row.unit_id, row.supplier_id) if each is not None})
    owners = people.names(session, {row.owner_id for row in found if row.owner_id is not None})
    return [
        Row(row, parties.get(row.unit_id or 0, ""), parties.get(row.supplier_id or 0, ""), owners.get(row.owner_id or 0, ""))
        for row in found
    ]


def counts(session: Session, actor: Actor) -> dict[Show, int]:
    """How many stand in each open part of the queue; one statement, and nothing for the settled part."""
    parts = [show for show in Show if show is not Show.DONE]
    columns = [func.coalesce(func.sum(case((shown(actor, show), 1), else_=0)), 0) for show in parts]
    row = session.execute(select(*columns).where(visible_to(actor), Alert.state.in_(OPEN))).one()
    return {show: int(row[place]) for place, show in enumerate(parts)}


def by_number(session: Session, actor: Actor, number: str) -> Alert:
    """The alert with this number, if the actor may see it. Raises Missing."""
    found = session.scalar(select(Alert).where(Alert.number == number, visible_to(actor)))
    if found is None:
        raise Missing()
    return found


def of_order(session: Session, actor: Actor, number: str, *, unit_id: int, supplier_id: int) -> list[Row]:
    """The alerts that an order of these parties set off or helps to prove, the latest first."""
    about = or_(Alert.order_number == number, Alert.evidence.contains(number, autoescape=True))
    parties = or_(Alert.unit_id == unit_id, Alert.supplier_id == supplier_id)
    return rows_of(session, session.scalars(select(Alert).where(visible_to(actor), parties, about).order_by(Alert.id.desc()).limit(20)))


def next_unowned(session: Session, region: str) -> Alert | None:
    """The most urgent alert of one region that nobody owns."""
    query = select(Alert).where(Alert.region == region, Alert.state == AlertState.NEW).order_by(RANKS, Alert.id).limit(1)
    return session.scalar(query)


def latest(session: Session, key: str) -> Alert | None:
    """The last alert under this key, or under the key with the mark of an earlier conclusion."""
    query = select(Alert).where(or_(Alert.key == key, Alert.key.startswith(f"{key}#", autoescape=True)))
    return session.scalar(query.order_by(Alert.id.desc()).limit(1))


def known_keys(session: Session, keys: Iterable[str]) -> set[str]:
    """Which of these keys have an alert already, whatever became of it."""
    return set(session.scalars(select(Alert.key).where(Alert.key.in_(tuple(keys)))))


def evidence_of(alert: Alert) -> list[dict[str, Any]]:
    """The orders that prove it."""
    found: list[dict[str, Any]] = json.loads(alert.evidence)
    return found


def inputs_of(alert: Alert) -> dict[str, Any]:
    """What the rule looked at."""
    found: dict[str, Any] = json.loads(alert.inputs)
    return found


def parameters_of(alert: Alert) -> dict[str, Any]:
    """The figures the rule was run with."""
    found: dict[str, Any] = json.loads(alert.parameters)
    return found


def waiting(session: Session, actor: Actor) -> int:
    """How many open alerts the actor owns or could claim, for the badge; one statement."""
    mine_or_free = or_(Alert.owner_id == actor.person_id, and_(Alert.owner_id.is_(None), Alert.region == actor.region))
    return session.scalar(select(func.count()).select_from(Alert).where(visible_to(actor), Alert.state.in_(OPEN), mine_or_free)) or 0


def open_by_region(session: Session, actor: Actor) -> dict[str, int]:
    """Open alerts by region of those the actor may see."""
    query = select(Alert.region, func.count().label("n")).where(visible_to(actor), Alert.state.in_(OPEN)).group_by(Alert.region)
    return {row.region: row.n for row in session.execute(query)}
