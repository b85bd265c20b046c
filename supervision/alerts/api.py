"""JSON ways in to the alert queue."""

from datetime import datetime
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Model, PageQuery, Problem, spec, titled
from supervision.alerts import queries, service
from supervision.alerts.queries import Row, Show
from supervision.alerts.rules import TEXTS
from supervision.alerts.states import AlertState, DismissCode, Severity

api = Blueprint("alerts_api", __name__, url_prefix="/api/v1/alerts")
TAG = ("alerts",)


class AlertQuery(PageQuery):
    """Which part of the queue."""

    show: Show = Show.OPEN
    rule: str | None = Field(default=None, max_length=8)
    region: str | None = Field(default=None, pattern=r"^\d{6}$")
    severity: Severity | None = None
    order: str | None = Field(default=None, max_length=40)


class AlertOut(Model):
    """A finding with its owner and clock."""

    number: str
    rule: str
    title: str
    rule_version: str
    severity: Severity
    region: str
    unit_id: int | None
    unit: str
    supplier_id: int | None
    supplier: str
    order: str | None
    amount_fen: int | None
    state: AlertState
    owner: str | None
    raised_at: datetime
    due_at: datetime | None
    handled_at: datetime | None
    close_code: str | None
    note: str | None


class AlertDetail(AlertOut):
    """The same with what the rule looked at, its figures, and the orders that prove it."""

    inputs: dict[str, Any]
    parameters: dict[str, Any]
    evidence: list[dict[str, Any]]


class AlertPage(CursorPage):
    """A page of the queue."""

    items: list[AlertOut]


class Dismissal(Model):
    """Why a finding is none."""

    code: DismissCode
    note: str = Field(default="", max_length=1000)


class Conclusion(Model):
    """What was verified and done."""

    note: str = Field(min_length=1, max_length=2000)


@api.get("")
@titled(N_("预警队列"))
@requires(Permission.ALERT_READ)
@spec.validate(resp=Answers(HTTP_200=AlertPage, HTTP_404=Problem), tags=TAG)
def listing(query: AlertQuery) -> AlertPage:
    """Alerts of the caller's region and below, red first."""
    page = queries.listing(
        db.session(),
        me(),
        query.show,
        rule=query.rule,
        region=query.region,
        severity=query.severity,
        order=query.order,
        cursor=query.cursor,
        limit=query.limit,
    )
    return AlertPage(items=[AlertOut(**_head(row)) for row in page.rows], next=page.next)


@api.get("/<number>")
@titled(N_("一条预警"))
@requires(Permission.ALERT_READ)
@spec.validate(resp=Answers(HTTP_200=AlertDetail, HTTP_404=Problem), tags=TAG)
def one(number: str) -> AlertDetail:
    """One alert with inputs, figures and evidence."""
    return _answer(number)


@api.post("/<number>/claim")
@titled(N_("领取预警"))
@requires(Permission.ALERT_HANDLE)
@spec.validate(resp=Answers(HTTP_200=AlertDetail, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def claim(number: str) -> AlertDetail:
    """Become its one owner."""
    with commit(db.session()) as session:
        service.claim(session, me(), queries.by_number(session, me(), number))
    return _answer(number)


@api.post("/<number>/dismiss")
@titled(N_("预警不成立"))
@requires(Permission.ALERT_HANDLE)
@spec.validate(resp=Answers(HTTP_200=AlertDetail, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def dismiss(number: str, json: Dismissal) -> AlertDetail:
    """Say with a code why the finding is none."""
    with commit(db.session()) as session:
        service.dismiss(session, me(), queries.by_number(session, me(), number), json.code, json.note)
    return _answer(number)


@api.post("/<number>/close")
@titled(N_("办结预警"))
@requires(Permission.ALERT_HANDLE)
@spec.validate(resp=Answers(HTTP_200=AlertDetail, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def close(number: str, json: Conclusion) -> AlertDetail:
    """Say what was verified and done."""
    with commit(db.session()) as session:
        service.close(session, me(), queries.by_number(session, me(), number), json.note)
    return _answer(number)


def _answer(number: str) -> AlertDetail:
    session = db.session()
    (row,) = queries.rows_of(session, [queries.by_number(session, me(), number)])
    return AlertDetail(
        **_head(row),
        inputs=queries.inputs_of(row.alert),
        parameters=queries.parameters_of(row.alert),
        evidence=queries.evidence_of(row.alert),
    )


def _head(row: Row) -> dict[str, Any]:
    alert = row.alert
    return {
        "number": alert.number,
        "rule": alert.rule,
        "title": _(TEXTS[alert.rule].title) if alert.rule in TEXTS else alert.rule,
        "rule_version": alert.rule_version,
        "severity": alert.severity,
        "region": alert.region,
        "unit_id": alert.unit_id,
        "unit": row.unit_name,
        "supplier_id": alert.supplier_id,
        "supplier": row.supplier_name,
        "order": alert.order_number,
        "amount_fen": alert.amount_fen,
        "state": alert.state,
        "owner": row.owner_name or None,
        "raised_at": alert.raised_at,
        "due_at": alert.due_at,
        "handled_at": alert.handled_at,
        "close_code": alert.close_code,
        "note": alert.note,
    }
