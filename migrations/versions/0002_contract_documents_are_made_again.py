"""a contract's document needs no path: it is made again from the contract"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_column("contract_documents", "path")


def downgrade() -> None:
    """Take back; the path is what it always was."""
    op.add_column("contract_documents", sa.Column("path", sa.String(), nullable=False, server_default=""))
    op.execute(
        "UPDATE contract_documents SET path = (SELECT number FROM contracts WHERE contracts.id = contract_documents.contract_id) || '.pdf'"
    )
