"""how much buyers keep, and how patient the mall is with shops and receivers, are dated rows"""

import datetime as dt
import json

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PARAMETERS = {
    ("CN", "pause_most_s"): 600, ("CN", "pool_most"): 50_000, ("FV", "every_s"): 300, ("FV", "hits"): 100, ("FV", "most"): 200,
    ("RL", "lists_most"): 100, ("WH", "endpoints_most"): 10, ("WH", "rest_most_s"): 300,
}  # fmt: skip
parameters = sa.table("rule_parameters", *map(sa.column, ("rule", "name", "value", "doc_no")), sa.column("valid_from", sa.Date()))


def upgrade() -> None:
    """When a saved search was looked through last, and for a mall that has its reference data already the new parameters."""
    op.add_column("saved_searches", sa.Column("refreshed_at", Moment(), nullable=True))
    op.create_index("ix_saved_searches_refreshed_at", "saved_searches", ["refreshed_at"])
    bind = op.get_bind()
    known = {(row.rule, row.name) for row in bind.execute(sa.select(parameters.c.rule, parameters.c.name))}
    rows = [
        {"rule": rule, "name": name, "value": json.dumps(value), "valid_from": dt.date(2020, 1, 1), "doc_no": "平台默认参数"}
        for (rule, name), value in PARAMETERS.items()
        if known and (rule, name) not in known
    ]
    if rows:
        bind.execute(sa.insert(parameters), rows)


def downgrade() -> None:
    """Take back; the parameters stay, nobody reads them."""
    op.drop_index("ix_saved_searches_refreshed_at", "saved_searches")
    op.drop_column("saved_searches", "refreshed_at")
