"""Commands of alerts: raise (the worker), claim, dismiss and close (supervisors of the own region)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.kernel import clock, numbers, outbox, regions
from app.kernel.events import Fact
from app.policy import SYSTEM, Actor, Permission
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.purchases.verdicts import RULESET
from supervision.alerts import events, queries, rules
from supervision.alerts.rules import Finding
from supervision.alerts.states import OPEN, AlertState, DismissCode, Severity
from supervision.alerts.tables import Alert

CLOCKS: dict[Severity, TermName] = {
    Severity.RED: TermName.ALERT_RED,
    Severity.ORANGE: TermName.ALERT_ORANGE,
    Severity.YELLOW: TermName.ALERT_YELLOW,
}


def raise_alert(session: Session, finding: Finding) -> Alert | None:
    """Make an alert of a finding, or let the hit join the open one; None when nothing of it is new."""
    latest = queries.latest(session, finding.key)
    if latest is None:
        return _new(session, finding, finding.key)
    known = queries.evidence_of(latest)
    fresh = [each for each in finding.evidence if each["number"] not in {one["number"] for one in known}]
    if finding.once or not fresh:
        return None
    if latest.state in OPEN:
        return _join(session, latest, finding, [*known, *fresh])
    return _new(session, finding, f"{finding.key}#{latest.id}")


def _new(session: Session, finding: Finding, key: str) -> Alert:
    today = clock.today()
    severity = Severity(taxonomy.parameters(session, finding.rule, today).get("severity", Severity.YELLOW))
    alert = Alert(
        number=numbers.new("YJ", at=today),
        version=1,
        key=key,
        rule=finding.rule,
        rule_version=RULESET,
        severity=severity,
        region=finding.region,
        unit_id=finding.unit_id,
        supplier_id=finding.supplier_id,
        order_number=finding.order,
        amount_fen=finding.amount_fen,
        parameters=_text(finding.parameters),
        inputs=_text(finding.inputs),
        evidence=_text(list(finding.evidence)),
        state=AlertState.NEW,
        due_at=deadline(session, severity, finding.region),
        raised_at=clock.now(),
    )
    session.add(alert)
    _record(session, SYSTEM, alert, _found(session, events.AlertRaised, alert, finding, finding.evidence))
    session.flush()
    return alert


def _join(session: Session, alert: Alert, finding: Finding, evidence: Sequence[Mapping[str, Any]]) -> Alert:
    alert.version += 1
    alert.inputs, alert.evidence = _text(finding.inputs), _text(list(evidence))
    alert.amount_fen, alert.order_number = finding.amount_fen, finding.order
    _record(session, SYSTEM, alert, _found(session, events.AlertHit, alert, finding, evidence))
    session.flush()
    return alert


def deadline(session: Session, severity: Severity, region: str) -> datetime | None:
    """When an alert raised today must have been answered; blue ones have no clock."""
    name = CLOCKS.get(severity)
    return None if name is None else clock.end_of_day(taxonomy.term(session, name, region, clock.today()).after(clock.today()).on)


def claim(session: Session, actor: Actor, alert: Alert) -> None:
    """Become the one owner. Raises Forbidden, OtherRegion, AlreadyHandled, Taken."""
    _must_act(session, actor, alert)
    taken = session.execute(
        update(Alert)
        .where(Alert.id == alert.id, Alert.state == AlertState.NEW, Alert.owner_id.is_(None), Alert.version == alert.version)
        .values(state=AlertState.CLAIMED, owner_id=actor.person_id, version=Alert.version + 1)
        .returning(Alert.id),
        execution_options={"synchronize_session": False},
    ).first()
    session.refresh(alert)
    if taken is None:
        raise rules.Taken(owner=people.names(session, [alert.owner_id])[alert.owner_id] if alert.owner_id else "—")
    fact = events.AlertClaimed(**_head(alert), owner_id=actor.person_id or 0)
    _record(session, actor, alert, fact)


def claim_next(session: Session, actor: Actor) -> Alert:
    """Claim the most urgent alert of the own region that nobody owns. Raises Forbidden, NothingToClaim, Taken."""
    actor.must(Permission.ALERT_HANDLE)
    alert = queries.next_unowned(session, actor.region)
    if alert is None:
        raise rules.NothingToClaim()
    claim(session, actor, alert)
    return alert


def dismiss(session: Session, actor: Actor, alert: Alert, code: str, note: str = "") -> None:
    """Say with a code why the finding is none. Raises Forbidden, OtherRegion, NotOwner, AlreadyHandled, UnknownDismissCode."""
    _must_decide(session, actor, alert)
    if code not in set(DismissCode):
        raise rules.UnknownDismissCode()
    _end(alert, AlertState.DISMISSED, code=code, note=note.strip())
    _record(session, actor, alert, events.AlertDismissed(**_head(alert), code=code, note=note.strip()))
    session.flush()


def close(session: Session, actor: Actor, alert: Alert, note: str) -> None:
    """Say what was verified and done. Raises Forbidden, OtherRegion, NotOwner, AlreadyHandled, ConclusionMissing."""
    _must_decide(session, actor, alert)
    if not note.strip():
        raise rules.ConclusionMissing()
    _end(alert, AlertState.CLOSED, code=None, note=note.strip())
    _record(session, actor, alert, events.AlertClosed(**_head(alert), note=note.strip()))
    session.flush()


def _must_act(session: Session, actor: Actor, alert: Alert) -> None:
    """Hold the alert's row and judge it as it stands now: of two conclusions at once the second finds the first."""
    session.refresh(alert, with_for_update={"key_share": True})
    actor.must(Permission.ALERT_HANDLE)
    if actor.region != alert.region:
        raise rules.OtherRegion(region=regions.full_name(alert.region))
    if alert.state not in OPEN:
        raise rules.AlreadyHandled()


def _must_decide(session: Session, actor: Actor, alert: Alert) -> None:
    _must_act(session, actor, alert)
    if alert.owner_id is None or alert.owner_id != actor.person_id:
        raise rules.NotOwner()


def _end(alert: Alert, state: AlertState, *, code: str | None, note: str) -> None:
    alert.state, alert.close_code, alert.note = state, code, note or None
    alert.handled_at = clock.now()
    alert.version += 1


def _record(session: Session, actor: Actor, alert: Alert, fact: Fact) -> None:
    outbox.record(
        session, actor, fact, stream=alert.number, version=alert.version, region=alert.region, owner_id=alert.unit_id or alert.supplier_id
    )


def _head(alert: Alert) -> dict[str, str]:
    return {"alert": alert.number, "rule": alert.rule, "severity": alert.severity.value}


def _found(
    session: Session, kind: type[events.AlertFound], alert: Alert, finding: Finding, evidence: Sequence[Mapping[str, Any]]
) -> events.AlertFound:
    names = organisations.names(session, [each for each in (finding.unit_id, finding.supplier_id) if each is not None])
    return kind(
        alert=alert.number,
        rule=alert.rule,
        severity=alert.severity.value,
        rule_version=alert.rule_version,
        key=alert.key,
        unit_id=finding.unit_id,
        unit_name=names.get(finding.unit_id or 0, ""),
        supplier_id=finding.supplier_id,
        supplier_name=names.get(finding.supplier_id or 0, ""),
        order=finding.order,
        amount_fen=finding.amount_fen,
        inputs=dict(finding.inputs),
        parameters=dict(finding.parameters),
        evidence=tuple(dict(each) for each in evidence),
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
