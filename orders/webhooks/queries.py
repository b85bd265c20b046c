"""Reads of endpoints and their notices: an organisation sees its own and nobody else's."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.kernel import clock, paging
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.taxonomy import queries as taxonomy
from orders.webhooks.rules import Patience
from orders.webhooks.states import DeliveryState, EndpointState
from orders.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = ["WebhookAttempt", "WebhookDelivery", "WebhookEndpoint"]

RULE = "WH"


def patience(session: Session) -> Patience:
    """How patient the mall is with receivers today."""
    return Patience.of(taxonomy.parameters(session, RULE, clock.today()))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The endpoints of the actor's own organisation."""
    return WebhookEndpoint.organisation_id == actor.organisation_id


def by_id(session: Session, actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    """One of the actor's endpoints. Raises Missing."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, visible_to(actor))
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise Missing()
    return row


def visible(session: Session, actor: Actor) -> list[WebhookEndpoint]:
    """All endpoints of the actor's organisation, the oldest first."""
    return list(session.scalars(select(WebhookEndpoint).where(visible_to(actor)).order_by(WebhookEndpoint.id)))


def given_up(session: Session, actor: Actor) -> int:
    """How many of the organisation's endpoints the mall has switched off."""
    query = select(func.count()).select_from(WebhookEndpoint).where(visible_to(actor), WebhookEndpoint.state == EndpointState.GIVEN_UP)
    return session.scalar(query) or 0


def counts(session: Session, endpoint_ids: Sequence[int]) -> dict[int, dict[DeliveryState, int]]:
    """How many notices of each endpoint stand where."""
    found: dict[int, dict[DeliveryState, int]] = {}
    query = select(WebhookDelivery.endpoint_id, WebhookDelivery.state, func.count()).where(WebhookDelivery.endpoint_id.in_(endpoint_ids))
    for endpoint_id, state, number in session.execute(query.group_by(WebhookDelivery.endpoint_id, WebhookDelivery.state)):
        found.setdefault(endpoint_id, {})[state] = number
    return found


def deliveries(
    session: Session, endpoint: WebhookEndpoint, *, state: DeliveryState | None = None, cursor: str | None = None, limit: int = 30
) -> paging.Page[WebhookDelivery]:
    """One page of an endpoint's notices, the latest first."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    return paging.page(session, query, (paging.Key(WebhookDelivery.id),), cursor=cursor, limit=limit)


def delivery(session: Session, actor: Actor, delivery_id: int) -> tuple[WebhookDelivery, WebhookEndpoint]:
    """One notice with its endpoint. Raises Missing."""
    row = session.execute(
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.id == delivery_id, visible_to(actor))
    ).first()
    if row is None:
        raise Missing()
    return row[0], row[1]


def attempts(session: Session, delivery_id: int) -> list[WebhookAttempt]:
    """Every try of a notice, the latest first."""
    query = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id).order_by(WebhookAttempt.no.desc())
    return list(session.scalars(query))


def listening(session: Session, organisation_ids: Sequence[int]) -> list[WebhookEndpoint]:
    """The endpoints of these organisations that are switched on."""
    of = WebhookEndpoint.organisation_id.in_(set(organisation_ids))
    query = select(WebhookEndpoint).where(of, WebhookEndpoint.state == EndpointState.ACTIVE)
    return list(session.scalars(query.order_by(WebhookEndpoint.id)))


def due(session: Session, at: datetime, *, most: int = 100) -> list[tuple[int, int]]:
    """(endpoint, notice) of what is to be tried now, the oldest first."""
    query = (
        select(WebhookDelivery.endpoint_id, WebhookDelivery.id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.state == DeliveryState.WAITING, WebhookDelivery.next_at <= at, WebhookEndpoint.state == EndpointState.ACTIVE)
        .where(or_(WebhookEndpoint.rest_until.is_(None), WebhookEndpoint.rest_until <= at))
        .order_by(WebhookDelivery.next_at, WebhookDelivery.id)
        .limit(most)
    )
    return [(row.endpoint_id, row.id) for row in session.execute(query)]


def may_keep(actor: Actor) -> bool:
    """Whether the actor looks after his organisation's endpoints."""
    return actor.may(Permission.SUPPLIER_ADMINISTER) or actor.may(Permission.UNIT_ADMINISTER)
