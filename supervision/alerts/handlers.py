"""When the rules run: on each step of an order, and by the clock for deadlines that nobody kept."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Event, Timer
from app.policy import SYSTEM
from catalog.qualifications import queries as qualifications
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import CategoryKind, TermName, What
from orders.contracts import queries as contracts
from orders.payments import queries as payments
from orders.purchases import queries as purchases
from orders.purchases.queries import KIND_OF, Order
from orders.purchases.rules import Past
from orders.purchases.service import deadline
from orders.purchases.states import State
from orders.purchases.verdicts import Outcome
from supervision.alerts import queries, rules, service
from supervision.alerts.rules import Finding, Overdue

SCAN_EVERY_S = 60.0
DEEMED = "deemed"
AT_ONCE = timedelta(minutes=1)
"""How far apart two submissions can be that did not see each other: no transaction stays open longer."""

PAGE = 200

Sessions = Callable[[], Session]


# ---------------------------------------------------------------- on events


def watch(session: Session, events: Sequence[Event], _result: None) -> None:
    """Run the rules that each event may trip."""
    for event in events:
        for finding in _findings(session, event, json.loads(event.body)):
            service.raise_alert(session, finding)


def _findings(session: Session, event: Event, body: dict[str, Any]) -> Iterator[Finding]:
    day = clock.local(event.at).date()
    match event.type:
        case "order.submitted" | "submission.refused":
            yield from _splits(event, body, body["verdicts"], day)
            if event.type == "order.submitted":
                yield from _splits(event, body, _split_at_once(session, event, body, day), day)
                yield from _near(session, event, body, day)
        case "order.withdrawn" | "order.terminated":
            yield from _given_up(session, event, body, day)
        case "order.refused":
            yield from _refuses(session, event, body, day)
        case "order.lapsed" if body["previous"] == State.PLACED.value:
            yield from _missed(session, "T01", event)
            yield from _refuses(session, event, body, day)
        case "order.accepted" if (body["details"] or {}).get("kind") == DEEMED:
            yield from _missed(session, "T03", event)


def _splits(event: Event, body: dict[str, Any], verdicts: Sequence[Mapping[str, Any]], day: date) -> Iterator[Finding]:
    """S02 as the gate judged it: its verdicts stand in the event."""
    if event.region is None:
        return
    suppliers = [body["supplier_id"]] if "supplier_id" in body else list(body["supplier_ids"])
    this = {
        "number": event.stream,
        "at": event.at.isoformat(timespec="seconds"),
        "amount_fen": body["total_fen"],
        "supplier_id": suppliers[0] if len(suppliers) == 1 else None,
    }
    for verdict in verdicts:
        if verdict["rule"] == "S02" and verdict["outcome"] in {"hold", "block", "watch"}:
            yield rules.split_found(verdict, region=event.region, unit_id=body["unit_id"], this=this, year=day.year)


def _split_at_once(session: Session, event: Event, body: dict[str, Any], day: date) -> list[dict[str, Any]]:
    """S02 once more where the gate found nothing: another order may have been submitted at the same moment."""
    figures = taxonomy.parameters(session, "S02", day)
    judged = any(verdict["rule"] == "S02" for verdict in body["verdicts"])  # passed ones are not in the event
    if judged or event.region is None or not {"d", "n", "L"} <= figures.keys():
        return []
    since = event.at - timedelta(days=figures["d"])
    past = [each for each in purchases.past_orders(session, body["unit_id"], None, since) if each.at <= event.at + AT_ONCE]
    verdicts = []
    for category in sorted({rules.prefix(code, figures["L"]) for code in body["categories"] if code[0] in KIND_OF}):
        limit = taxonomy.limit(session, What.MALL_CEILING, event.region, CategoryKind(KIND_OF[category[0]]), day).amount_fen
        verdict = rules.together(past, category, this=event.stream, since=since, limit_fen=limit, figures=figures)
        verdicts += [verdict.as_dict()] if verdict.outcome is not Outcome.PASS else []
    return verdicts


def _near(session: Session, event: Event, body: dict[str, Any], day: date) -> Iterator[Finding]:
    """S04 against both limits, when this order itself is near one of them."""
    figures = taxonomy.parameters(session, "S04", day)
    if not {"d", "n", "p_percent"} <= figures.keys() or event.region is None:
        return
    by_kind = {category[0] for category in body["categories"]} & set(KIND_OF)
    for letter in sorted(by_kind):
        past: tuple[Past, ...] | None = None
        for what in (What.DIRECT_CEILING, What.MALL_CEILING):
            limit = taxonomy.limit(session, what, event.region, CategoryKind(KIND_OF[letter]), day).amount_fen
            if limit * (100 - figures["p_percent"]) > body["total_fen"] * 100:
                continue  # no category of this order can be near the limit
            if past is None:
                since = event.at - timedelta(days=figures["d"])
                past = tuple(
                    each
                    for each in purchases.past_orders(session, body["unit_id"], None, since)
                    if each.level3[0] == letter and each.at <= event.at
                )
            found = rules.near_limit(
                past,
                limit_fen=limit,
                name=what.value,
                figures=figures,
                region=event.region,
                unit_id=body["unit_id"],
                year=day.year,
            )
            if found is not None and any(each["number"] == event.stream for each in found.evidence):
                yield found


def _given_up(session: Session, event: Event, body: dict[str, Any], day: date) -> Iterator[Finding]:
    figures = taxonomy.parameters(session, "X02", day)
    if not {"d", "n"} <= figures.keys() or event.region is None:
        return
    lost = purchases.given_up(session, body["unit_id"], event.at - timedelta(days=figures["d"]))
    found = rules.cancelled_without_cause(lost, figures=figures, region=event.region, unit_id=body["unit_id"], year=day.year)
    if found is not None:
        yield found


def _refuses(session: Session, event: Event, body: dict[str, Any], day: date) -> Iterator[Finding]:
    """X03 counts a supplier's orders everywhere; the finding goes to the region that hosts it."""
    figures = taxonomy.parameters(session, "X03", day)
    if not {"d", "n", "t_percent"} <= figures.keys():
        return
    lost, reached = purchases.turned_down(session, body["supplier_id"], event.at - timedelta(days=figures["d"]))
    home = organisations.by_id(session, body["supplier_id"]).region
    found = rules.refuses_orders(lost, reached, figures=figures, region=home, supplier_id=body["supplier_id"], year=day.year)
    if found is not None:
        yield found


def _missed(session: Session, rule: str, event: Event) -> Iterator[Finding]:
    """The system acted because a deadline ran out: the deadline was yesterday at the latest."""
    order = purchases.by_number(session, SYSTEM, event.stream)
    due = clock.local(event.at).date() - timedelta(days=1)
    start = _entered(session, event)
    if start is not None:
        due_at, _provisional = deadline(session, State.PLACED if rule == "T01" else State.DELIVERED, order.region, start)
        due = clock.local(due_at).date() if due_at is not None else due
    yield rules.late(rule, _overdue(order, due), today=clock.today(), figures=taxonomy.parameters(session, rule, clock.today()))


def _entered(session: Session, event: Event) -> date | None:
    """The day on which the order had entered the state that ran out; steps that it took inside that state do not count."""
    query = select(Event.at, Event.body).where(Event.stream == event.stream, Event.version < event.version)
    for at, text in session.execute(query.order_by(Event.version.desc())):
        told = json.loads(text)
        if told["previous"] != told["state"]:
            return clock.local(at).date()
    return None


def _overdue(order: Order, due: date, amount_fen: int | None = None) -> Overdue:
    return Overdue(
        number=order.number,
        region=order.region,
        unit_id=order.unit_id,
        supplier_id=order.supplier_id,
        amount_fen=order.total_fen if amount_fen is None else amount_fen,
        due=due,
        at=order.submitted_at,
    )


# ---------------------------------------------------------------- by the clock


def scan(sessions: Sessions) -> int:
    """Raise an alert for every missed deadline that has none yet; returns how many were raised."""
    return sum(_raise_new(sessions, page) for scanner in (_states_overdue, _undelivered, _unpaid, _licences) for page in scanner(sessions))


def _raise_new(sessions: Sessions, findings: Sequence[Finding]) -> int:
    with sessions() as session:
        known = queries.known_keys(session, [each.key for each in findings])
        new = [each for each in findings if each.key not in known]
        if not new:
            return 0
        with commit(session):
            return sum(service.raise_alert(session, each) is not None for each in new)


def _states_overdue(sessions: Sessions) -> Iterator[list[Finding]]:
    """T01, T02, T03: the order still stands where its own deadline is over."""
    rule_of = {State.PLACED: "T01", State.CONFIRMED: "T02", State.DELIVERED: "T03"}
    after, today = 0, clock.today()
    while True:
        with sessions() as session:
            orders = purchases.standing_in(session, rule_of, due_before=clock.now(), after=after, most=PAGE)
            figures = {rule: taxonomy.parameters(session, rule, today) for rule in rule_of.values()}
            yield [
                rules.late(rule, _overdue(each, clock.local(each.due_at).date()), today=today, figures=figures[rule])
                for each in orders
                if each.due_at is not None and (rule := rule_of[each.state])
            ]
        if len(orders) < PAGE:
            return
        after = orders[-1].id


def _undelivered(sessions: Sessions) -> Iterator[list[Finding]]:
    """T02 for what is under way: sent, in part perhaps, but not all arrived when the contract's delivery period is over."""
    after, today = 0, clock.today()
    while True:
        with sessions() as session:
            orders = purchases.standing_in(session, (State.SHIPPED,), after=after, most=PAGE)
            concluded = contracts.concluded_on(session, [each.id for each in orders])
            figures = taxonomy.parameters(session, "T02", today)
            found = []
            for each in orders:
                start = concluded.get(each.id)
                if start is None:
                    continue
                due = taxonomy.term(session, TermName.DELIVER, each.region, start).after(start).on
                if due < today:
                    found.append(rules.late("T02", _overdue(each, due), today=today, figures=figures))
            yield found
        if len(orders) < PAGE:
            return
        after = orders[-1].id


def _unpaid(sessions: Sessions) -> Iterator[list[Finding]]:
    """T04: the payment clock has run out."""
    cursor: str | None = None
    today = clock.today()
    while True:
        with sessions() as session:
            page = payments.owed(session, SYSTEM, band="overdue", cursor=cursor, limit=PAGE)
            figures = taxonomy.parameters(session, "T04", today)
            yield [
                rules.late("T04", _overdue(row.order, row.clock.due_on, row.owed_fen), today=today, figures=figures) for row in page.rows
            ]
        cursor = page.next
        if cursor is None:
            return


def _licences(sessions: Sessions) -> Iterator[list[Finding]]:
    """K05: a supplier's document ends soon or has ended."""
    with sessions() as session:
        figures = taxonomy.parameters(session, "K05", clock.today())
        if "d" not in figures:
            return
        for page in qualifications.all_ending(session, days=figures["d"]):
            homes = organisations.homes(session, [each.organisation_id for each in page])
            yield [
                rules.licence_ends(
                    each.id,
                    title=each.title,
                    number=each.number,
                    valid_to=each.valid_to,
                    supplier_id=each.organisation_id,
                    region=homes[each.organisation_id],
                    figures=figures,
                )
                for each in page
                if each.valid_to is not None
            ]


WATCHED = (
    "order.submitted",
    "submission.refused",
    "order.withdrawn",
    "order.terminated",
    "order.refused",
    "order.lapsed",
    "order.accepted",
)


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return (Consumer(name="alerts.rules", types=WATCHED, inside=watch, lane="fast"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("alerts.deadlines", SCAN_EVERY_S, scan),)
