"""frozen comparisons, the one that a submission cites, and lists of what a unit buys again"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment
from migrations import append_only

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "comparisons",
        sa.Column("id", whole, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("unit_id", whole, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("person_id", whole, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("hits", whole, nullable=False),
        sa.Column("total", whole, nullable=False),
        sa.Column("suppliers", whole, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("hits > 0 AND total >= hits", name=op.f("ck_comparisons_holds_hits")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_comparisons_person_id_people")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_comparisons_unit_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
        sa.UniqueConstraint("number", name=op.f("uq_comparisons_number")),
    )
    op.create_index("ix_comparisons_unit_at", "comparisons", ["unit_id", "at"], unique=False)
    append_only.create(op.get_bind(), ("comparisons",))
    op.add_column("submissions", sa.Column("comparison", sa.String(), nullable=True))
    op.create_index(op.f("ix_submissions_comparison"), "submissions", ["comparison"], unique=False)
    op.create_table(
        "reorder_lists",
        sa.Column("id", whole, nullable=False),
        sa.Column("unit_id", whole, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("person_id", whole, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reorder_lists_person_id_people")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_reorder_lists_unit_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reorder_lists")),
        sa.UniqueConstraint("unit_id", "name", name=op.f("uq_reorder_lists_unit_id_name")),
    )
    op.create_table(
        "reorder_lines",
        sa.Column("id", whole, nullable=False),
        sa.Column("list_id", whole, nullable=False),
        sa.Column("product_id", whole, nullable=False),
        sa.Column("listing_id", whole, nullable=False),
        sa.Column("quantity", whole, nullable=False),
        sa.Column("price_fen", whole, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reorder_lines_quantity")),
        sa.ForeignKeyConstraint(["list_id"], ["reorder_lists.id"], name=op.f("fk_reorder_lines_list_id_reorder_lists"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_reorder_lines_listing_id_listings")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_reorder_lines_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reorder_lines")),
        sa.UniqueConstraint("list_id", "product_id", name=op.f("uq_reorder_lines_list_id_product_id")),
    )
    op.create_index("ix_listings_sku", "listings", ["sku"], unique=False)
    op.create_index("ix_products_model_key", "products", ["model_key"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_products_model_key", table_name="products")
    op.drop_index("ix_listings_sku", table_name="listings")
    op.drop_table("reorder_lines")
    op.drop_table("reorder_lists")
    op.drop_index(op.f("ix_submissions_comparison"), table_name="submissions")
    op.drop_column("submissions", "comparison")
    append_only.drop(op.get_bind(), ("comparisons",))
    op.drop_index("ix_comparisons_unit_at", table_name="comparisons")
    op.drop_table("comparisons")
