"""whether the gateway answers, and its statement, for reconciliation"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "gateway_lines",
        sa.Column("id", whole, nullable=False),
        sa.Column("failures", whole, nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("probe_at", Moment(), nullable=True),
        sa.CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name=op.f("ck_gateway_lines_pause_has_probe")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_lines")),
    )
    op.create_table(
        "gateway_charges",
        sa.Column("intent", sa.String(), nullable=False),
        sa.Column("application", sa.String(), nullable=True),
        sa.Column("captured_fen", whole, nullable=False),
        sa.Column("refunded_fen", whole, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=True),
        sa.Column("destination", sa.String(), nullable=True),
        sa.Column("charged_on", sa.Date(), nullable=False),
        sa.Column("charged_at", Moment(), nullable=False),
        sa.Column("told_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("intent", name=op.f("pk_gateway_charges")),
    )
    with op.batch_alter_table("gateway_charges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gateway_charges_application"), ["application"], unique=False)
        batch_op.create_index(batch_op.f("ix_gateway_charges_charged_on"), ["charged_on"], unique=False)
    op.create_table(
        "gateway_statements",
        sa.Column("id", whole, nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("told_at", Moment(), nullable=False),
        sa.Column("charges", whole, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_statements")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("gateway_statements")
    with op.batch_alter_table("gateway_charges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gateway_charges_charged_on"))
        batch_op.drop_index(batch_op.f("ix_gateway_charges_application"))
    op.drop_table("gateway_charges")
    op.drop_table("gateway_lines")
