"""questions that found nothing are counted, and people teach the search synonyms"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

RULE = "Q01"
PARAMETERS = {"readers": "3", "days": "1"}
parameters = sa.table("rule_parameters", *map(sa.column, ("rule", "name", "value", "doc_no")), sa.column("valid_from", sa.Date()))


def upgrade() -> None:
    """Tables, and for a mall that has its reference data already the parameters of the queue."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    states = sa.Enum("open", "synonym", "dismissed", "goods_missing", native_enum=False, create_constraint=False, length=40)
    op.create_table(
        "search_misses",
        sa.Column("id", whole, nullable=False),
        sa.Column("question", sa.String(length=60), nullable=False),
        sa.Column("readers", whole, nullable=False),
        sa.Column("days", whole, nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("state", states, nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", whole, nullable=True),
        sa.CheckConstraint("state IN ('open', 'synonym', 'dismissed', 'goods_missing')", name=op.f("ck_search_misses_known_missstate")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_search_misses_decided_by_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_misses")),
        sa.UniqueConstraint("question", name=op.f("uq_search_misses_question")),
    )
    op.create_index("ix_search_misses_state_readers", "search_misses", ["state", "readers"])
    op.create_table(
        "search_miss_marks",
        sa.Column("miss_id", whole, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mark", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["miss_id"], ["search_misses.id"], name=op.f("fk_search_miss_marks_miss_id_search_misses")),
        sa.PrimaryKeyConstraint("miss_id", "day", "mark", name=op.f("pk_search_miss_marks")),
    )
    op.create_table(
        "search_synonyms",
        sa.Column("id", whole, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("miss_id", whole, nullable=True),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("added_by", whole, nullable=True),
        sa.Column("removed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["people.id"], name=op.f("fk_search_synonyms_added_by_people")),
        sa.ForeignKeyConstraint(["miss_id"], ["search_misses.id"], name=op.f("fk_search_synonyms_miss_id_search_misses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_synonyms")),
    )
    bind = op.get_bind()
    there = bind.scalar(sa.select(sa.func.count()).select_from(parameters))
    known = bind.scalar(sa.select(sa.func.count()).select_from(parameters).where(parameters.c.rule == RULE))
    if there and not known:
        rows = [
            {"rule": RULE, "name": name, "value": value, "valid_from": dt.date(2020, 1, 1), "doc_no": "平台默认参数"}
            for name, value in PARAMETERS.items()
        ]
        bind.execute(sa.insert(parameters), rows)


def downgrade() -> None:
    """Take back; the parameters stay, nobody reads them."""
    op.drop_table("search_synonyms")
    op.drop_table("search_miss_marks")
    op.drop_index("ix_search_misses_state_readers", "search_misses")
    op.drop_table("search_misses")
