"""imports count the rows that wait for somebody's decision"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Imports of before counted none of them."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("bulk_jobs", sa.Column("waiting", whole, nullable=False, server_default="0"))


def downgrade() -> None:
    """The counter alone."""
    op.drop_column("bulk_jobs", "waiting")
