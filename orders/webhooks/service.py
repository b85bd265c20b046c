"""Commands on endpoints and notices. Nothing here sends; the handlers do, between two of these commands.

What is done to an endpoint leaves an event. A notice leaves none: it only repeats one, and its tries are its record.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.kernel.outgoing import Door
from app.kernel.rows import is_first
from app.kernel.sealed import Seal
from app.policy import SYSTEM, Actor
from orders.webhooks import events, queries, rules
from orders.webhooks.rules import Outcome, Parcel
from orders.webhooks.states import DeliveryState, EndpointState
from orders.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

LEASE = timedelta(minutes=2)
"""For so long a notice belongs to whoever took it to send; well above the time that one call may take."""
KEPT_CHARACTERS = 4_000


# ---------------------------------------------------------------- endpoints


def add(session: Session, actor: Actor, door: Door, seal: Seal, *, url: str, types: Sequence[str]) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which is shown this once.

    Raises Forbidden, BadAddress, AddressClosed, NoTypes, UnknownType, AddressTaken, TooManyEndpoints.
    """
    organisation_id = _of(actor)
    said, allowed = door.check(url.strip()), allowed_for(actor)
    kept = rules.chosen(types, allowed)
    mine = queries.visible(session, actor)
    if len(mine) >= (most := queries.patience(session).endpoints_most):
        raise rules.TooManyEndpoints(most=most)
    if any(each.url == said for each in mine):
        raise rules.AddressTaken(url=said)
    secret = _new_secret()
    row = WebhookEndpoint(
        number=numbers.new("HD", at=clock.today()), organisation_id=organisation_id, url=said, types=kept, secret=seal.close(secret),
        created_by=actor.person_id or 0, created_at=clock.now(),
    )  # fmt: skip
    if not is_first(session, row):
        raise rules.AddressTaken(url=said)
    _record(session, actor, row, events.EndpointAdded(**_head(row), types=tuple(kept.split())))
    return row, secret


def change(session: Session, actor: Actor, endpoint: WebhookEndpoint, door: Door, *, url: str, types: Sequence[str]) -> None:
    """Another address, or other kinds of events. Raises as `add` does."""
    _of(actor)
    said, kept = door.check(url.strip()), rules.chosen(types, allowed_for(actor))
    if any(each.url == said for each in queries.visible(session, actor) if each.id != endpoint.id):
        raise rules.AddressTaken(url=said)
    if (endpoint.url, endpoint.types) == (said, kept):
        return
    endpoint.url, endpoint.types = said, kept
    if not is_first(session, endpoint):
        raise rules.AddressTaken(url=said)
    _record(session, actor, endpoint, events.EndpointChanged(**_head(endpoint), types=tuple(kept.split())))


def rotate(session: Session, actor: Actor, endpoint: WebhookEndpoint, seal: Seal) -> str:
    """Another secret, shown this once; the one before signs along for some hours, so that nothing is lost meanwhile."""
    _of(actor)
    secret, until = _new_secret(), clock.now() + timedelta(hours=queries.patience(session).overlap_h)
    endpoint.old_secret, endpoint.old_until, endpoint.secret = endpoint.secret, until, seal.close(secret)
    _record(session, actor, endpoint, events.EndpointRotated(**_head(endpoint), until=until.isoformat()))
    return secret


def switch(session: Session, actor: Actor, endpoint: WebhookEndpoint, *, on: bool) -> None:
    """Send again, or send nothing more; what waited is tried again at once."""
    _of(actor)
    wanted = EndpointState.ACTIVE if on else EndpointState.OFF
    if endpoint.state is wanted:
        return
    endpoint.state, endpoint.failing_since, endpoint.failures, endpoint.rest_until = wanted, None, 0, None
    if on:
        waits = WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.WAITING
        session.execute(update(WebhookDelivery).where(*waits).values(next_at=clock.now()))
    _record(session, actor, endpoint, events.EndpointSwitched(**_head(endpoint), state=wanted.value))


def allowed_for(actor: Actor) -> tuple[str, ...]:
    """The kinds of events that the actor's organisation may be told of."""
    return rules.FOR_SUPPLIERS if actor.is_supplier else rules.FOR_UNITS


def _of(actor: Actor) -> int:
    if actor.organisation_id is None or not queries.may_keep(actor) or not (actor.is_supplier or actor.is_unit):
        raise Forbidden()
    return actor.organisation_id


def _new_secret() -> str:
    return rules.SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _head(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"endpoint": endpoint.number, "organisation_id": endpoint.organisation_id, "url": endpoint.url}


def _record(session: Session, actor: Actor, endpoint: WebhookEndpoint, fact: events.EndpointFact) -> None:
    session.flush()
    outbox.record(session, actor, fact, stream=endpoint.number, region=actor.region, owner_id=endpoint.organisation_id)


# ---------------------------------------------------------------- notices


def write(session: Session, told: Sequence[Event], address: str) -> int:
    """A notice for every endpoint that wants to hear of these events; once each, however often it is asked."""
    bodies = {event.id: json.loads(event.body) for event in told}
    to = {event.id: rules.receivers(event.type, bodies[event.id]) for event in told}
    endpoints = queries.listening(session, [each for found in to.values() for each in found])
    written_before = select(WebhookDelivery.endpoint_id, WebhookDelivery.event_id).where(WebhookDelivery.event_id.in_(list(to)))
    known = {(row.endpoint_id, row.event_id) for row in session.execute(written_before)}
    written = 0
    for event in told:
        for endpoint in endpoints:
            wants = endpoint.organisation_id in to[event.id] and event.type in endpoint.types.split()
            if not wants or event.at < endpoint.created_at or (endpoint.id, event.id) in known:
                continue
            data = rules.data_of(event.type, bodies[event.id], event.version, address)
            session.add(_notice(endpoint, event.type, event.stream, event.at, data, address, event_id=event.id))
            written += 1
    return written


def test(session: Session, actor: Actor, endpoint: WebhookEndpoint, address: str) -> WebhookDelivery:
    """A notice that tells nothing, to try the receiver out. Raises EndpointOff."""
    _of(actor)
    if endpoint.state is not EndpointState.ACTIVE:
        raise rules.EndpointOff()
    endpoint.rest_until = None
    row = _notice(endpoint, rules.TEST, endpoint.number, clock.now(), {"endpoint": endpoint.number}, address)
    session.add(row)
    session.flush()
    return row


def resend(_session: Session, actor: Actor, delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> None:
    """Try a notice once more now, under the number it always had. Raises EndpointOff."""
    _of(actor)
    if endpoint.state is not EndpointState.ACTIVE:
        raise rules.EndpointOff()
    endpoint.rest_until = None
    delivery.state, delivery.next_at, delivery.done_at = DeliveryState.WAITING, clock.now(), None


def _notice(
    endpoint: WebhookEndpoint, type_: str, subject: str, at: datetime, data: dict[str, object], address: str, *, event_id: int | None = None
) -> WebhookDelivery:
    message_id = f"msg_{secrets.token_urlsafe(18)}"
    body = rules.envelope(message_id=message_id, type_=type_, subject=subject, at=at, source=address, data=data)
    now = clock.now()
    return WebhookDelivery(
        endpoint_id=endpoint.id, event_id=event_id, message_id=message_id, type=type_, subject=subject, body=body, next_at=now,
        created_at=now,
    )  # fmt: skip


# ---------------------------------------------------------------- sending


def take(session: Session, delivery_id: int) -> Parcel | None:
    """Take a notice to send it; None when another worker has it, or it is done."""
    at = clock.now()
    taken = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == DeliveryState.WAITING, WebhookDelivery.next_at <= at)
        .values(next_at=at + LEASE, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery.endpoint_id, WebhookDelivery.message_id, WebhookDelivery.body),
        execution_options={"synchronize_session": False},
    ).first()
    if taken is None:
        return None
    endpoint = session.get_one(WebhookEndpoint, taken.endpoint_id)
    if endpoint.state is not EndpointState.ACTIVE:
        return None
    old = endpoint.old_secret if endpoint.old_until is not None and endpoint.old_until > at else None
    sealed = (endpoint.secret, *([old] if old else []))
    return Parcel(endpoint.url, taken.message_id, taken.body, sealed, queries.patience(session).timeout_s)


def settle(session: Session, delivery_id: int, outcome: Outcome) -> None:
    """Keep what came of a try; after failures for too long without a break the endpoint is switched off."""
    delivery = session.get_one(WebhookDelivery, delivery_id)
    endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    patience, at = queries.patience(session), clock.now()
    no = (session.scalar(select(func.max(WebhookAttempt.no)).where(WebhookAttempt.delivery_id == delivery_id)) or 0) + 1
    session.add(
        WebhookAttempt(
            delivery_id=delivery_id, no=no, at=at, took_ms=outcome.took_ms, status=outcome.status, trouble=outcome.trouble,
            request=outcome.request[:KEPT_CHARACTERS], response=outcome.response[:KEPT_CHARACTERS],
        )
    )  # fmt: skip
    if outcome.is_taken:
        delivery.state, delivery.done_at = DeliveryState.DELIVERED, at
        endpoint.failing_since, endpoint.failures, endpoint.rest_until = None, 0, None
        return
    again = patience.next_try(delivery.attempts, at)
    if again is None:
        delivery.state, delivery.done_at = DeliveryState.GIVEN_UP, at
    else:
        delivery.next_at = again
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or at
    endpoint.rest_until = at + patience.rest(endpoint.failures)
    too_long = at - endpoint.failing_since >= timedelta(hours=patience.disable_after_h)
    if endpoint.state is EndpointState.ACTIVE and (too_long or outcome.status == 410):
        endpoint.state = EndpointState.GIVEN_UP
        _record(session, SYSTEM, endpoint, events.EndpointGivenUp(**_head(endpoint), failing_since=endpoint.failing_since.isoformat()))
