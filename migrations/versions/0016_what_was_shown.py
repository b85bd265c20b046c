"""a sample of what searches show, and the prices of concluded orders month by month"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PARAMETERS = {
    "Q02": {"high_percent": "200", "keep_days": "180", "least_shown": "200", "share_bp": "100"},
    "PI": {"gap_months": "6", "least_products": "3", "open_days": "10"},
}
parameters = sa.table("rule_parameters", *map(sa.column, ("rule", "name", "value", "doc_no")), sa.column("valid_from", sa.Date()))


def upgrade() -> None:
    """Tables, and for a mall that has its reference data already the parameters."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "search_samples",
        sa.Column("id", whole, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("question", sa.String(length=60), nullable=True),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("sort", sa.String(length=20), nullable=False),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("generation", whole, nullable=False),
        sa.Column("rules", sa.String(length=20), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("total", whole, nullable=False),
        sa.Column("hits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_samples")),
        sa.UniqueConstraint("key", name=op.f("uq_search_samples_key")),
    )
    op.create_index("ix_search_samples_day_id", "search_samples", ["day", "id"])
    op.create_index("ix_search_samples_region_id", "search_samples", ["region", "id"])
    op.create_table(
        "exposure_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("shown", whole, nullable=False),
        sa.Column("weight", whole, nullable=False),
        sa.CheckConstraint("shown > 0 AND weight > 0", name=op.f("ck_exposure_days_counted")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_exposure_days_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("day", "region", "category_code", "supplier_id", name=op.f("pk_exposure_days")),
    )
    op.create_table(
        "traded_months",
        sa.Column("product_id", whole, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("median_fen", whole, nullable=False),
        sa.Column("lines", whole, nullable=False),
        sa.CheckConstraint("median_fen > 0 AND lines > 0", name=op.f("ck_traded_months_traded")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_traded_months_product_id_products")),
        sa.PrimaryKeyConstraint("product_id", "month", name=op.f("pk_traded_months")),
    )
    op.create_index("ix_traded_months_category_month", "traded_months", ["category_code", "month"])
    op.create_table(
        "price_index",
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("index_bp", whole, nullable=False),
        sa.Column("matched", whole, nullable=False),
        sa.Column("products", whole, nullable=False),
        sa.Column("lines", whole, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("index_bp > 0", name=op.f("ck_price_index_positive")),
        sa.PrimaryKeyConstraint("category_code", "month", name=op.f("pk_price_index")),
    )
    bind = op.get_bind()
    there = bind.scalar(sa.select(sa.func.count()).select_from(parameters))
    for rule, values in PARAMETERS.items():
        known = bind.scalar(sa.select(sa.func.count()).select_from(parameters).where(parameters.c.rule == rule))
        if there and not known:
            rows = [
                {"rule": rule, "name": name, "value": value, "valid_from": dt.date(2020, 1, 1), "doc_no": "平台默认参数"}
                for name, value in values.items()
            ]
            bind.execute(sa.insert(parameters), rows)


def downgrade() -> None:
    """Take back; the parameters stay, nobody reads them."""
    op.drop_table("price_index")
    op.drop_index("ix_traded_months_category_month", "traded_months")
    op.drop_table("traded_months")
    op.drop_table("exposure_days")
    op.drop_index("ix_search_samples_region_id", "search_samples")
    op.drop_index("ix_search_samples_day_id", "search_samples")
    op.drop_table("search_samples")
