"""endpoints that are told of events, with the log of every notice"""

import json

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0011"
down_revision = "0005"
branch_labels = None
depends_on = None

PARAMETERS = (
    ("WH", "retry_s", [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]),
    ("WH", "disable_after_h", 120),
    ("WH", "overlap_h", 24),
    ("WH", "timeout_s", 15),
)
"""What a mall that has its reference data already would otherwise lack until it is begun anew."""


def upgrade() -> None:
    """Apply."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", whole, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("organisation_id", whole, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_until", Moment(), nullable=True),
        sa.Column("failing_since", Moment(), nullable=True),
        sa.Column("failures", whole, nullable=False),
        sa.Column("rest_until", Moment(), nullable=True),
        sa.Column("created_by", whole, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'off', 'given_up')", name=op.f("ck_webhook_endpoints_known_endpointstate")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_webhook_endpoints_organisation_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("number", name=op.f("uq_webhook_endpoints_number")),
        sa.UniqueConstraint("organisation_id", "url", name=op.f("uq_webhook_endpoints_organisation_id_url")),
    )
    op.create_index("ix_webhook_endpoints_organisation_id", "webhook_endpoints", ["organisation_id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", whole, nullable=False),
        sa.Column("endpoint_id", whole, nullable=False),
        sa.Column("event_id", whole, nullable=True),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name=op.f("ck_webhook_deliveries_known_deliverystate")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id_webhook_endpoints"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_deliveries_message_id")),
        sa.UniqueConstraint("endpoint_id", "event_id", name=op.f("uq_webhook_deliveries_endpoint_id_event_id")),
    )
    op.create_index("ix_webhook_deliveries_state_next_at", "webhook_deliveries", ["state", "next_at"])
    op.create_index("ix_webhook_deliveries_endpoint_id_id", "webhook_deliveries", ["endpoint_id", "id"])
    op.create_table(
        "webhook_attempts",
        sa.Column("id", whole, nullable=False),
        sa.Column("delivery_id", whole, nullable=False),
        sa.Column("no", whole, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("took_ms", whole, nullable=False),
        sa.Column("status", whole, nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id_webhook_deliveries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
        sa.UniqueConstraint("delivery_id", "no", name=op.f("uq_webhook_attempts_delivery_id_no")),
    )
    _add_parameters()


def downgrade() -> None:
    """Take back."""
    op.execute(sa.text("DELETE FROM rule_parameters WHERE rule = 'WH'"))
    op.drop_table("webhook_attempts")
    op.drop_index("ix_webhook_deliveries_endpoint_id_id", "webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_state_next_at", "webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index("ix_webhook_endpoints_organisation_id", "webhook_endpoints")
    op.drop_table("webhook_endpoints")


def _add_parameters() -> None:
    """Only where there are parameters at all: an empty mall gets them with the rest of its reference data."""
    bind = op.get_bind()
    if not bind.scalar(sa.text("SELECT count(*) FROM rule_parameters")):
        return
    insert = sa.text(
        "INSERT INTO rule_parameters (rule, name, value, valid_from, doc_no) VALUES (:rule, :name, :value, '2020-01-01', '平台默认参数')"
    )
    known = {(row.rule, row.name) for row in bind.execute(sa.text("SELECT rule, name FROM rule_parameters"))}
    for rule, name, value in PARAMETERS:
        if (rule, name) not in known:
            bind.execute(insert, {"rule": rule, "name": name, "value": json.dumps(value)})
