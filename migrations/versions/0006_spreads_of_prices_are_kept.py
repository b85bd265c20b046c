"""how the prices of a product are spread is kept beside its offers"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FIGURES = ("n", "min_fen", "q1_fen", "median_fen", "q3_fen", "max_fen")

GATHER = """
INSERT INTO price_spreads (product_id, n, min_fen, q1_fen, median_fen, q3_fen, max_fen, at)
SELECT product_id, max(n), min(price),
       max(CASE WHEN place = (n + 3) / 4 THEN price END),
       (max(CASE WHEN place = (n + 1) / 2 THEN price END) + max(CASE WHEN place = n / 2 + 1 THEN price END)) / 2,
       max(CASE WHEN place = (3 * n + 3) / 4 THEN price END), max(price), :at
FROM (
    SELECT listings.product_id, listings.price_fen AS price,
           row_number() OVER (PARTITION BY listings.product_id ORDER BY listings.price_fen, listings.id) AS place,
           count(*) OVER (PARTITION BY listings.product_id) AS n
    FROM listings JOIN suppliers ON suppliers.organisation_id = listings.supplier_id
    WHERE listings.shelf = 'on_shelf' AND suppliers.standing = 'active'
) AS offers
GROUP BY product_id
"""

REST = """
INSERT INTO price_spreads (product_id, n, min_fen, q1_fen, median_fen, q3_fen, max_fen, at)
SELECT DISTINCT product_id, 0, 0, 0, 0, 0, 0, :at FROM listings WHERE product_id NOT IN (SELECT product_id FROM price_spreads)
"""


def upgrade() -> None:
    """Apply, and count the offers that are there."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "price_spreads",
        sa.Column("product_id", whole, nullable=False),
        *(sa.Column(name, whole, nullable=False) for name in FIGURES),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_price_spreads_product_id_products")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_price_spreads")),
    )
    now = datetime.now(UTC)
    for statement in (GATHER, REST):
        op.get_bind().execute(sa.text(statement).bindparams(sa.bindparam("at", now, type_=Moment())))


def downgrade() -> None:
    """Take back."""
    op.drop_table("price_spreads")
