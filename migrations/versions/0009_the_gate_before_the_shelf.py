"""the gate before the shelf: reviews, stored checks, reference prices"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment
from migrations import append_only

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OLD = ("draft", "on_shelf", "off_shelf", "frozen")
NEW = ("draft", "review", "on_shelf", "off_shelf", "suspended", "frozen")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    _allow(NEW, OLD)
    op.add_column("listings", sa.Column("shelf_reason", sa.Text(), nullable=True))
    op.create_table(
        "listing_verdicts",
        sa.Column("listing_id", WHOLE, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("rule_version", sa.String(), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.Column("findings", WHOLE, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id", "version"], ["listing_versions.listing_id", "listing_versions.version"], name=op.f("fk_listing_verdicts_version")
        ),
        sa.PrimaryKeyConstraint("listing_id", "version", name=op.f("pk_listing_verdicts")),
    )
    op.create_table(
        "listing_reviews",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("listing_id", WHOLE, nullable=False),
        sa.Column("listing_version", WHOLE, nullable=False),
        sa.Column("supplier_id", WHOLE, nullable=False),
        sa.Column("price_fen", WHOLE, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "approved", "returned", "withdrawn",
                name="known_reviewstate", native_enum=False, create_constraint=True, length=40,
            ),
            nullable=False,
        ),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.Column("asked_by", WHOLE, nullable=True),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("decided_by", WHOLE, nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_listing_reviews_listing_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_listing_reviews_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_reviews")),
    )
    op.create_index("ix_listing_reviews_state_at", "listing_reviews", ["state", "asked_at"])
    op.create_index("ix_listing_reviews_supplier", "listing_reviews", ["supplier_id", "asked_at"])
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "uq_listing_reviews_waiting", "listing_reviews", ["listing_id"], unique=True, sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "reference_prices",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("product_id", WHOLE, nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("price_fen", WHOLE, nullable=False),
        sa.Column("kept_by", WHOLE, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_reference_prices_positive")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_reference_prices_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_prices")),
        sa.UniqueConstraint("product_id", "source", "day", name=op.f("uq_reference_prices_product_id_source_day")),
    )
    op.create_index("ix_reference_prices_product_day", "reference_prices", ["product_id", "day"])
    _create_questions()
    _create_reports()


def downgrade() -> None:
    """Take back; what waits for review is a draft again, what is suspended is off the shelf."""
    op.drop_table("listing_reports")
    op.drop_table("questions")
    op.drop_table("reference_prices")
    op.drop_table("listing_reviews")
    op.drop_table("listing_verdicts")
    op.drop_column("listings", "shelf_reason")
    bind = op.get_bind()
    append_only.drop(bind, ["listing_versions"])
    for table in ("listings", "listing_versions"):
        for new, old in (("review", "draft"), ("suspended", "off_shelf")):
            op.execute(f"UPDATE {table} SET shelf = '{old}' WHERE shelf = '{new}'")  # nosec B608 - our own names
    append_only.create(bind, ["listing_versions"])
    _allow(OLD, NEW)


def _create_questions() -> None:
    op.create_table(
        "questions",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("listing_id", WHOLE, nullable=False),
        sa.Column("listing_version", WHOLE, nullable=False),
        sa.Column("product_id", WHOLE, nullable=False),
        sa.Column("supplier_id", WHOLE, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("asked_by", WHOLE, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "answered", "hidden", name="known_questionstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", WHOLE, nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("hidden_reason", sa.Text(), nullable=True),
        sa.Column("hidden_by", WHOLE, nullable=True),
        sa.Column("hidden_at", Moment(), nullable=True),
        sa.CheckConstraint("state <> 'answered' OR answer IS NOT NULL", name=op.f("ck_questions_answered_with_words")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_questions_listing_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_questions_product_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_questions_supplier_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("fk_questions_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_product_at", "questions", ["product_id", "asked_at"])
    op.create_index("ix_questions_supplier_state", "questions", ["supplier_id", "state", "asked_at"])
    op.create_index("ix_questions_asker_at", "questions", ["asked_by", "asked_at"])


def _create_reports() -> None:
    kinds = ("price", "description", "label", "counterfeit", "words", "other")
    op.create_table(
        "listing_reports",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("listing_id", WHOLE, nullable=False),
        sa.Column("listing_version", WHOLE, nullable=False),
        sa.Column("question_id", WHOLE, nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("supplier_id", WHOLE, nullable=False),
        sa.Column("kind", sa.Enum(*kinds, name="known_reportkind", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_by", WHOLE, nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "upheld", "dismissed", name="known_reportstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("decided_by", WHOLE, nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_listing_reports_listing_id")),
        sa.ForeignKeyConstraint(["question_id"], ["questions.id"], name=op.f("fk_listing_reports_question_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_listing_reports_supplier_id")),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_listing_reports_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_reports")),
    )
    op.create_index("ix_listing_reports_state_at", "listing_reports", ["state", "made_at"])
    op.create_index("ix_listing_reports_maker_at", "listing_reports", ["made_by", "made_at"])
    op.create_index("ix_listing_reports_listing", "listing_reports", ["listing_id"])
    waiting = sa.text("state = 'open'")
    op.create_index(
        "uq_listing_reports_open", "listing_reports", ["made_by", "subject"], unique=True, sqlite_where=waiting, postgresql_where=waiting
    )


def _allow(states: tuple[str, ...], before: tuple[str, ...]) -> None:
    """Let the shelf be in these states.

    SQLite would copy the whole of two large tables, which many others refer to, for a CHECK: its text is replaced instead, as
    https://www.sqlite.org/lang_altertable.html describes for changes that touch no stored row.
    """
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        for table in ("listings", "listing_versions"):
            op.drop_constraint(op.f(f"ck_{table}_known_shelf"), table, type_="check")
            op.create_check_constraint(op.f(f"ck_{table}_known_shelf"), table, f"shelf IN ({_listed(states)})")
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name IN ('listings', 'listing_versions') AND instr(sql, ?)",
        (f"({_listed(before)})", f"({_listed(states)})", f"({_listed(before)})"),
    )
    if changed.rowcount != 2:
        raise RuntimeError(f"the states of {changed.rowcount} tables were changed instead of 2")
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")


def _listed(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)
