"""Endpoints, the notices for each of them, and every try to deliver one."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.webhooks.states import DeliveryState, EndpointState


class WebhookEndpoint(Base):
    """Where an organisation wants to be told of which events. Secrets are sealed."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (UniqueConstraint("organisation_id", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    url: Mapped[str]
    types: Mapped[str] = mapped_column(Text)
    state: Mapped[EndpointState] = enum_column(EndpointState, default=EndpointState.ACTIVE)
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    """When the first of an unbroken row of failures came."""
    failures: Mapped[int] = mapped_column(default=0)
    rest_until: Mapped[datetime | None]
    """Until then nothing is tried: a receiver that hangs keeps no other one waiting."""
    created_by: Mapped[int]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One notice for one endpoint; its body never changes."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_webhook_deliveries_state_next_at", "state", "next_at"),
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[int | None]
    """The event told of; none for a test."""
    message_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[DeliveryState] = enum_column(DeliveryState, default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    """When it is tried next; while somebody tries it, when another may."""
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One try: what was sent and what came back, cut short."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_deliveries.id"))
    no: Mapped[int]
    at: Mapped[datetime]
    took_ms: Mapped[int]
    status: Mapped[int | None]
    trouble: Mapped[str | None]
    """Why there was no answer: a stable word."""
    request: Mapped[str] = mapped_column(Text)
    response: Mapped[str] = mapped_column(Text)
