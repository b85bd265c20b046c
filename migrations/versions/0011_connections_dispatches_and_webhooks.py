"""suppliers' own shops and what is drawn from them, orders on their way to these, and endpoints that are told of events"""

import json

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PARAMETERS = (
    ("CN", "pool_every_s", 3600),
    ("CN", "price_every_s", 300),
    ("CN", "stock_every_s", 300),
    ("CN", "track_every_s", 600),
    ("CN", "timeout_s", 10),
    ("CN", "failures", 5),
    ("CN", "rest_s", 60),
    ("CN", "token_margin_s", 600),
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
    _create_connections(whole)
    _create_dispatches(whole)
    _add_parameters()


def _create_connections(whole: sa.types.TypeEngine[int]) -> None:
    op.create_table(
        "connections",
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("token_until", Moment(), nullable=True),
        sa.Column("failures", whole, nullable=False),
        sa.Column("rest_until", Moment(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        *(sa.Column(f"{job}_due_at", Moment(), nullable=False) for job in ("pool", "price", "stock")),
        *(sa.Column(f"{job}_done_at", Moment(), nullable=True) for job in ("pool", "price", "stock")),
        sa.Column("connected_by", whole, nullable=False),
        sa.Column("connected_at", Moment(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'off')", name=op.f("ck_connections_known_connectionstate")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_connections_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("supplier_id", name=op.f("pk_connections")),
    )
    op.create_table(
        "connected_goods",
        sa.Column("id", whole, nullable=False),
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("listing_id", whole, nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["connections.supplier_id"], name=op.f("fk_connected_goods_supplier_id_connections")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_connected_goods_listing_id_listings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connected_goods")),
        sa.UniqueConstraint("supplier_id", "sku", name=op.f("uq_connected_goods_supplier_id_sku")),
    )
    op.create_index("ix_connected_goods_listing_id", "connected_goods", ["listing_id"])


def _create_dispatches(whole: sa.types.TypeEngine[int]) -> None:
    states = "'sent', 'taken', 'confirmed', 'refused', 'cancelling', 'cancelled'"
    op.create_table(
        "dispatches",
        sa.Column("order_id", whole, nullable=False),
        sa.Column("trade_no", sa.String(), nullable=False),
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("shop_order", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("first_sent_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_dispatches_known_dispatchstate")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_dispatches_order_id_orders")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_dispatches_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_dispatches")),
        sa.UniqueConstraint("trade_no", name=op.f("uq_dispatches_trade_no")),
    )
    op.create_index("ix_dispatches_state_next_at", "dispatches", ["state", "next_at"])
    op.create_index("ix_dispatches_supplier_id_order_id", "dispatches", ["supplier_id", "order_id"])
    op.create_table(
        "dispatch_parcels",
        sa.Column("order_id", whole, nullable=False),
        sa.Column("parcel", sa.String(), nullable=False),
        sa.Column("shipment", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["dispatches.order_id"], name=op.f("fk_dispatch_parcels_order_id_dispatches")),
        sa.PrimaryKeyConstraint("order_id", "parcel", name=op.f("pk_dispatch_parcels")),
    )


def downgrade() -> None:
    """Take back."""
    op.execute(sa.text("DELETE FROM rule_parameters WHERE rule IN ('WH', 'CN')"))
    op.drop_table("dispatch_parcels")
    op.drop_index("ix_dispatches_supplier_id_order_id", "dispatches")
    op.drop_index("ix_dispatches_state_next_at", "dispatches")
    op.drop_table("dispatches")
    op.drop_index("ix_connected_goods_listing_id", "connected_goods")
    op.drop_table("connected_goods")
    op.drop_table("connections")
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
