"""a person's language is known only once chosen"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("people", sa.Column("language", sa.String(), nullable=True))
    op.drop_column("people", "locale")


def downgrade() -> None:
    """Take back; there was only Chinese."""
    op.add_column("people", sa.Column("locale", sa.String(), nullable=False, server_default="zh"))
    op.drop_column("people", "language")
