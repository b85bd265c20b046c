"""create tables"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment
from migrations import append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "categories",
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_code", sa.String(length=9), nullable=True),
        sa.Column("leaf", sa.Boolean(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("goods", "works", "services", name="known_categorykind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_categories_level_known")),
        sa.ForeignKeyConstraint(["parent_code"], ["categories.code"], name=op.f("fk_categories_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    with op.batch_alter_table("categories", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_categories_parent_code"), ["parent_code"], unique=False)

    op.create_table(
        "class_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prefix", sa.String(length=9), nullable=False),
        sa.Column("economic_class", sa.String(length=5), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_class_rules_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_rules")),
    )
    with op.batch_alter_table("class_rules", schema=None) as batch_op:
        batch_op.create_index("ix_class_rules_prefix", ["prefix"], unique=False)

    op.create_table(
        "consumer_floors",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_consumer_floors")),
    )
    op.create_table(
        "decision_records",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submission", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rule_version", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("pass", "watch", "hold", "block", name="known_outcome", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_records")),
    )
    with op.batch_alter_table("decision_records", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_records_submission"), ["submission"], unique=False)

    op.create_table(
        "event_leases",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_event_leases")),
    )
    op.create_table(
        "event_receipts",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_event_receipts")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prev_version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["stream", "prev_version"], ["events.stream", "events.version"], name="fk_events_prev"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("stream", "version", name=op.f("uq_events_stream_version")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_type_id", ["type", "id"], unique=False)

    op.create_table(
        "gateway_notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("intent", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_notices")),
    )
    with op.batch_alter_table("gateway_notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gateway_notices_intent"), ["intent"], unique=False)

    op.create_table(
        "journal_checkpoints",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_journal_checkpoints")),
    )
    op.create_table(
        "limits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("goods", "works", "services", name="known_categorykind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "region_level",
            sa.Enum("province", "city", "county", name="known_level", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("region_code", sa.String(length=6), nullable=True),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_limits_positive")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_limits_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
    )
    with op.batch_alter_table("limits", schema=None) as batch_op:
        batch_op.create_index("ix_limits_what", ["what"], unique=False)

    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("contract", "termination", name="known_noticekind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("contract_number", sa.String(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("unit_name", sa.String(), nullable=False),
        sa.Column("supplier_name", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_sme", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("kind", "contract_number", name=op.f("uq_notices_kind_contract_number")),
        sa.UniqueConstraint("number", name=op.f("uq_notices_number")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index("ix_notices_at", ["published_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notices_contract_number"), ["contract_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_notices_order_number"), ["order_number"], unique=False)
        batch_op.create_index("ix_notices_region_at", ["region", "published_at"], unique=False)

    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "unit",
                "supplier",
                "finance_department",
                "central_agency",
                "audit_office",
                "operator",
                name="known_organisationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_name", sa.String(), nullable=False),
        sa.Column("credit_code", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_kind", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["organisations.id"], name=op.f("fk_organisations_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_organisations_credit_code")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index("ix_organisations_kind_region", ["kind", "region"], unique=False)
        batch_op.create_index(batch_op.f("ix_organisations_name"), ["name"], unique=False)

    op.create_table(
        "region_days",
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("submitted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submitted_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("refused", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("confirmed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("confirmed_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paid_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alerts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("region", "day", name=op.f("pk_region_days")),
    )
    op.create_table(
        "rule_parameters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_rule_parameters_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_parameters")),
    )
    with op.batch_alter_table("rule_parameters", schema=None) as batch_op:
        batch_op.create_index("ix_rule_parameters_rule", ["rule"], unique=False)

    op.create_table(
        "stream_cursors",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stream_cursors")),
    )
    op.create_table(
        "stream_entries",
        sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unit_name", sa.String(), nullable=False),
        sa.Column("supplier_name", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_stream_entries")),
        sa.UniqueConstraint("event_id", name=op.f("uq_stream_entries_event_id")),
    )
    with op.batch_alter_table("stream_entries", schema=None) as batch_op:
        batch_op.create_index("ix_stream_entries_number", ["number"], unique=False)
        batch_op.create_index("ix_stream_entries_region", ["region", "leaf_index"], unique=False)
        batch_op.create_index("ix_stream_entries_region_at", ["region", "at"], unique=False)

    op.create_table(
        "terms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit", sa.Enum("wd", "d", name="known_unit", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column(
            "region_level",
            sa.Enum("province", "city", "county", name="known_level", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("region_code", sa.String(length=6), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.CheckConstraint("days > 0", name=op.f("ck_terms_positive")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_terms_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms")),
    )
    with op.batch_alter_table("terms", schema=None) as batch_op:
        batch_op.create_index("ix_terms_name", ["name"], unique=False)

    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("street", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_addresses_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
    )
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_addresses_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "budget_projects",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_budget_projects_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_projects")),
        sa.UniqueConstraint("unit_id", "year", "code", name=op.f("uq_budget_projects_unit_id_year_code")),
    )
    op.create_table(
        "controls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("allotment", "plan_line", name="known_controlkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("committed_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("accrued_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paid_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ordered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("ordered >= 0 AND (quantity IS NULL OR ordered <= quantity)", name=op.f("ck_controls_pieces")),
        sa.CheckConstraint("reserved_fen + committed_fen + accrued_fen + paid_fen <= amount_fen", name=op.f("ck_controls_covered")),
        sa.CheckConstraint(
            "reserved_fen >= 0 AND committed_fen >= 0 AND accrued_fen >= 0 AND paid_fen >= 0 AND amount_fen >= 0",
            name=op.f("ck_controls_not_negative"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_controls_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controls")),
    )
    with op.batch_alter_table("controls", schema=None) as batch_op:
        batch_op.create_index("ix_controls_unit_year", ["unit_id", "year", "kind"], unique=False)

    op.create_table(
        "invoice_titles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("tax_number", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_invoice_titles_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_titles")),
    )
    with op.batch_alter_table("invoice_titles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_titles_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "journal_erasures",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_journal_erasures_event_id")),
        sa.PrimaryKeyConstraint("event_id", "field", name=op.f("pk_journal_erasures")),
    )
    op.create_table(
        "journal_leaves",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("idx >= 0", name=op.f("ck_journal_leaves_counted")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_journal_leaves_event_id")),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_journal_leaves")),
        sa.UniqueConstraint("event_id", name=op.f("uq_journal_leaves_event_id")),
    )
    op.create_table(
        "journal_salts",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("salts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_journal_salts_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_journal_salts")),
    )
    op.create_table(
        "mall_categories",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("region_code", sa.String(length=6), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.Column("listed_as", sa.String(length=120), nullable=False),
        sa.Column("supplement", sa.Boolean(), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_mall_categories_one_period")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_mall_categories_category_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mall_categories")),
    )
    with op.batch_alter_table("mall_categories", schema=None) as batch_op:
        batch_op.create_index("ix_mall_categories_category_code", ["category_code"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("failures", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locked_until", Moment(), nullable=True),
        sa.Column("sessions_from", Moment(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("active", "disabled", name="known_personstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_people_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("login", name=op.f("uq_people_login")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "plans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("filed", "returned", "void", "closed", name="known_planstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("filed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("filed_at", Moment(), nullable=False),
        sa.Column("returnable_until", Moment(), nullable=False),
        sa.Column("return_reason", sa.String(), nullable=True),
        sa.Column("returned_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["number", "version"], ["events.stream", "events.version"], name="fk_plans_event", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_plans_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("number", name=op.f("uq_plans_number")),
    )
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.create_index("ix_plans_unit_year", ["unit_id", "year"], unique=False)

    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum("domestic", "imported", name="known_origin", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("energy_saving", sa.Boolean(), nullable=False),
        sa.Column("environment", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_products_category_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("category_code", "brand", "model", name=op.f("uq_products_category_code_brand_model")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_products_category_code"), ["category_code"], unique=False)

    op.create_table(
        "suppliers",
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "scale",
            sa.Enum("micro", "small", "medium", "large", name="known_scale", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "standing",
            sa.Enum(
                "active", "suspended", "banned", "removed", name="known_standing", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("standing_reason", sa.String(), nullable=True),
        sa.Column("standing_until", Moment(), nullable=True),
        sa.Column("legal_representative", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("bank_name", sa.String(), nullable=False),
        sa.Column("bank_account", sa.String(), nullable=False),
        sa.Column("payee_account", sa.String(), nullable=False),
        sa.Column("score", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entered_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_suppliers_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_suppliers")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rule_version", sa.String(), nullable=False),
        sa.Column(
            "severity",
            sa.Enum("red", "orange", "yellow", "blue", name="known_severity", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("order_number", sa.String(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("new", "claimed", "dismissed", "closed", name="known_alertstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.Column("close_code", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["number", "version"], ["events.stream", "events.version"], name="fk_alerts_event", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_alerts_owner_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("fk_alerts_supplier_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_alerts_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("key", name=op.f("uq_alerts_key")),
        sa.UniqueConstraint("number", name=op.f("uq_alerts_number")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alerts_order_number"), ["order_number"], unique=False)
        batch_op.create_index("ix_alerts_owner_state", ["owner_id", "state"], unique=False)
        batch_op.create_index("ix_alerts_region_state", ["region", "state"], unique=False)

    op.create_table(
        "allotments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("control_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("functional_class", sa.String(), nullable=False),
        sa.Column("economic_class", sa.String(), nullable=False),
        sa.Column("fund_nature", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("document_number", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["control_id"], ["controls.id"], name=op.f("fk_allotments_control_id")),
        sa.ForeignKeyConstraint(["project_id"], ["budget_projects.id"], name=op.f("fk_allotments_project_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_allotments_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotments")),
        sa.UniqueConstraint("control_id", name=op.f("uq_allotments_control_id")),
        sa.UniqueConstraint("number", name=op.f("uq_allotments_number")),
    )
    with op.batch_alter_table("allotments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allotments_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_api_tokens_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_person_id"), ["person_id"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["buyer_id"], ["people.id"], name=op.f("fk_attempts_buyer_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_attempts_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("buyer_id", "key", name=op.f("uq_attempts_buyer_id_key")),
        sa.UniqueConstraint("number", name=op.f("uq_attempts_number")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("ix_attempts_unit_at", ["unit_id", "at"], unique=False)

    op.create_table(
        "budget_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("control_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "outside",
                "free",
                "reserved",
                "committed",
                "accrued",
                "paid",
                name="known_source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "target",
            sa.Enum(
                "outside",
                "free",
                "reserved",
                "committed",
                "accrued",
                "paid",
                name="known_target",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budget_moves_positive")),
        sa.CheckConstraint("source <> target", name=op.f("ck_budget_moves_moves")),
        sa.ForeignKeyConstraint(["control_id"], ["controls.id"], name=op.f("fk_budget_moves_control_id")),
        sa.ForeignKeyConstraint(
            ["stream", "version"], ["events.stream", "events.version"], name="fk_budget_moves_event", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_moves")),
        sa.UniqueConstraint("key", name=op.f("uq_budget_moves_key")),
    )
    with op.batch_alter_table("budget_moves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_budget_moves_control_id"), ["control_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_budget_moves_order_line_id"), ["order_line_id"], unique=False)
        batch_op.create_index("ix_budget_moves_stream", ["stream", "control_id"], unique=False)

    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stock", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "shelf",
            sa.Enum("draft", "on_shelf", "off_shelf", "frozen", name="known_shelf", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("delivery_days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("regions", sa.String(), nullable=False),
        sa.Column("warranty_months", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sold", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_listings_priced")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_listings_stock_not_negative")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_listings_product_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_listings_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("supplier_id", "sku", name=op.f("uq_listings_supplier_id_sku")),
    )
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.create_index("ix_listings_product_state", ["product_id", "shelf"], unique=False)

    op.create_table(
        "posts",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "buyer",
                "approver",
                "acceptor",
                "finance",
                "asset_manager",
                "unit_admin",
                "supplier_admin",
                "lister",
                "order_clerk",
                "catalogue_admin",
                "plan_clerk",
                "permit_officer",
                "supervisor",
                "rule_admin",
                "disclosure_editor",
                "auditor",
                "system_admin",
                "security_admin",
                "audit_admin",
                name="known_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("granted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("granted_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_posts_person_id")),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_posts")),
    )
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.create_index(
            "uq_posts_one_administrator",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("role IN ('system_admin', 'security_admin', 'audit_admin')"),
            postgresql_where=sa.text("role IN ('system_admin', 'security_admin', 'audit_admin')"),
        )
        batch_op.create_index(
            "uq_posts_rules_or_cases",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("role IN ('rule_admin', 'supervisor')"),
            postgresql_where=sa.text("role IN ('rule_admin', 'supervisor')"),
        )

    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("stepped_up_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sign_in_sessions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_sessions_token_hash")),
    )
    with op.batch_alter_table("sign_in_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_sessions_person_id"), ["person_id"], unique=False)

    op.create_table(
        "submissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("buyer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["buyer_id"], ["people.id"], name=op.f("fk_submissions_buyer_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_submissions_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("buyer_id", "key", name=op.f("uq_submissions_buyer_id_key")),
        sa.UniqueConstraint("number", name=op.f("uq_submissions_number")),
    )
    op.create_table(
        "budget_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allotment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("planned_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("planned_quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sme_reserved", sa.Boolean(), nullable=False),
        sa.Column("import_allowed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("planned_fen >= 0 AND planned_fen <= amount_fen", name=op.f("ck_budget_lines_planned_within")),
        sa.CheckConstraint("planned_quantity >= 0 AND planned_quantity <= quantity", name=op.f("ck_budget_lines_planned_quantity_within")),
        sa.ForeignKeyConstraint(["allotment_id"], ["allotments.id"], name=op.f("fk_budget_lines_allotment_id")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_budget_lines_category_code")),
        sa.ForeignKeyConstraint(["project_id"], ["budget_projects.id"], name=op.f("fk_budget_lines_project_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_budget_lines_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_lines")),
        sa.UniqueConstraint("unit_id", "year", "code", name=op.f("uq_budget_lines_unit_id_year_code")),
    )
    with op.batch_alter_table("budget_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_budget_lines_allotment_id"), ["allotment_id"], unique=False)

    op.create_table(
        "listing_versions",
        sa.Column("listing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "shelf",
            sa.Enum("draft", "on_shelf", "off_shelf", "frozen", name="known_shelf", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("delivery_days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_listing_versions_listing_id")),
        sa.PrimaryKeyConstraint("listing_id", "version", name=op.f("pk_listing_versions")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("approver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("acceptor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "submitted",
                "placed",
                "confirmed",
                "shipped",
                "delivered",
                "accepted",
                "invoiced",
                "paying",
                "paid",
                "closed",
                "rejected",
                "refused",
                "lapsed",
                "cancelled",
                "terminated",
                name="known_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("total_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("invoice_title", sa.String(), nullable=False),
        sa.Column("invoice_tax_number", sa.String(), nullable=False),
        sa.Column("submitted_at", Moment(), nullable=False),
        sa.Column("state_since", Moment(), nullable=False),
        sa.Column("deliver_by", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.CheckConstraint("total_fen >= 0", name=op.f("ck_orders_total_not_negative")),
        sa.ForeignKeyConstraint(["acceptor_id"], ["people.id"], name=op.f("fk_orders_acceptor_id")),
        sa.ForeignKeyConstraint(["approver_id"], ["people.id"], name=op.f("fk_orders_approver_id")),
        sa.ForeignKeyConstraint(["buyer_id"], ["people.id"], name=op.f("fk_orders_buyer_id")),
        sa.ForeignKeyConstraint(
            ["number", "version"], ["events.stream", "events.version"], name="fk_orders_event", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("fk_orders_submission_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_orders_supplier_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_orders_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_orders_buyer_id"), ["buyer_id"], unique=False)
        batch_op.create_index("ix_orders_region_at", ["region", "submitted_at"], unique=False)
        batch_op.create_index("ix_orders_state_due", ["state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_submission_id"), ["submission_id"], unique=False)
        batch_op.create_index("ix_orders_supplier_at", ["supplier_id", "submitted_at"], unique=False)
        batch_op.create_index("ix_orders_unit_at", ["unit_id", "submitted_at"], unique=False)

    op.create_table(
        "acceptances",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("signed", "deemed", name="known_acceptancekind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_acceptances_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptances")),
        sa.UniqueConstraint("number", name=op.f("uq_acceptances_number")),
    )
    with op.batch_alter_table("acceptances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acceptances_order_id"), ["order_id"], unique=False)

    op.create_table(
        "contracts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("filing_number", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payment_days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_sme", sa.Boolean(), nullable=False),
        sa.Column("payee_name", sa.String(), nullable=False),
        sa.Column("payee_bank", sa.String(), nullable=False),
        sa.Column("payee_bank_account", sa.String(), nullable=False),
        sa.Column("payee_account", sa.String(), nullable=False),
        sa.Column("concluded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("concluded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_contracts_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("filing_number", name=op.f("uq_contracts_filing_number")),
        sa.UniqueConstraint("number", name=op.f("uq_contracts_number")),
        sa.UniqueConstraint("order_id", name=op.f("uq_contracts_order_id")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("explained_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("explained_at", Moment(), nullable=True),
        sa.Column("cleared_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("cleared_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_holds_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("order_id", "rule", name=op.f("uq_holds_order_id_rule")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("digital", "special", "plain", name="known_invoicekind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "colour", sa.Enum("blue", "red", name="known_colour", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tax_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("buyer_title", sa.String(), nullable=False),
        sa.Column("buyer_tax_number", sa.String(), nullable=False),
        sa.Column("seller_tax_number", sa.String(), nullable=False),
        sa.Column("red_of_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.CheckConstraint("(colour = 'red') = (red_of_id IS NOT NULL)", name=op.f("ck_invoices_red_is_linked")),
        sa.CheckConstraint("amount_fen > 0 AND tax_fen >= 0", name=op.f("ck_invoices_amounts")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_invoices_order_id")),
        sa.ForeignKeyConstraint(["red_of_id"], ["invoices.id"], name=op.f("fk_invoices_red_of_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("kind", "code", "number", name=op.f("uq_invoices_kind_code_number")),
    )
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoices_order_id"), ["order_id"], unique=False)

    op.create_table(
        "payment_applications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "sent", "returned", "passed", "paid", name="known_applicationstate", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payee_name", sa.String(), nullable=False),
        sa.Column("payee_bank", sa.String(), nullable=False),
        sa.Column("payee_bank_account", sa.String(), nullable=False),
        sa.Column("payee_account", sa.String(), nullable=False),
        sa.Column("intent", sa.String(), nullable=True),
        sa.Column("receipt_number", sa.String(), nullable=True),
        sa.Column("return_reason", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("applied_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("applied_at", Moment(), nullable=False),
        sa.Column("paid_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payment_applications_order_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_payment_applications_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_applications")),
        sa.UniqueConstraint("intent", name=op.f("uq_payment_applications_intent")),
        sa.UniqueConstraint("number", name=op.f("uq_payment_applications_number")),
    )
    with op.batch_alter_table("payment_applications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_applications_order_id"), ["order_id"], unique=False)

    op.create_table(
        "payment_clocks",
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("base_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("document_number", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payment_clocks_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_payment_clocks")),
    )
    with op.batch_alter_table("payment_clocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_clocks_due_on"), ["due_on"], unique=False)

    op.create_table(
        "plan_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("budget_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allotment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("control_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category_code", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["allotment_id"], ["allotments.id"], name=op.f("fk_plan_lines_allotment_id")),
        sa.ForeignKeyConstraint(["budget_line_id"], ["budget_lines.id"], name=op.f("fk_plan_lines_budget_line_id")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_plan_lines_category_code")),
        sa.ForeignKeyConstraint(["control_id"], ["controls.id"], name=op.f("fk_plan_lines_control_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_lines_plan_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_plan_lines_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_lines")),
        sa.UniqueConstraint("control_id", name=op.f("uq_plan_lines_control_id")),
        sa.UniqueConstraint("plan_id", "line_no", name=op.f("uq_plan_lines_plan_id_line_no")),
    )
    with op.batch_alter_table("plan_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_lines_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "ratings",
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "side", sa.Enum("unit", "supplier", name="known_side", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("score", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_ratings_score")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_ratings_order_id")),
        sa.PrimaryKeyConstraint("order_id", "side", name=op.f("pk_ratings")),
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("tracking", sa.String(), nullable=False),
        sa.Column("shipped_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipped_at", Moment(), nullable=False),
        sa.Column("received_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("number", name=op.f("uq_shipments_number")),
    )
    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shipments_order_id"), ["order_id"], unique=False)

    op.create_table(
        "cart_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_cart_items_quantity")),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_cart_items_address_id")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_cart_items_listing_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_cart_items_person_id")),
        sa.ForeignKeyConstraint(["plan_line_id"], ["plan_lines.id"], name=op.f("fk_cart_items_plan_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_items")),
    )
    with op.batch_alter_table("cart_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cart_items_person_id"), ["person_id"], unique=False)

    op.create_table(
        "contract_documents",
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_contract_documents_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_contract_documents")),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing_version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_tax_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_control_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allotment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allotment_control_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("rejected", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipped", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("accepted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("returned", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("accepted + returned <= delivered", name=op.f("ck_order_lines_accepted_within")),
        sa.CheckConstraint("quantity > 0 AND amount_fen = price_fen * quantity", name=op.f("ck_order_lines_amount")),
        sa.CheckConstraint(
            "rejected >= 0 AND shipped >= 0 AND delivered >= 0 AND accepted >= 0 AND returned >= 0",
            name=op.f("ck_order_lines_not_negative"),
        ),
        sa.CheckConstraint("shipped + rejected <= quantity AND delivered <= shipped", name=op.f("ck_order_lines_shipped_within")),
        sa.ForeignKeyConstraint(["allotment_control_id"], ["controls.id"], name=op.f("fk_order_lines_allotment_control_id")),
        sa.ForeignKeyConstraint(["allotment_id"], ["allotments.id"], name=op.f("fk_order_lines_allotment_id")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_order_lines_listing_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(["plan_control_id"], ["controls.id"], name=op.f("fk_order_lines_plan_control_id")),
        sa.ForeignKeyConstraint(["plan_line_id"], ["plan_lines.id"], name=op.f("fk_order_lines_plan_line_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "line_no", name=op.f("uq_order_lines_order_id_line_no")),
    )
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_lines_plan_line_id"), ["plan_line_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_order_lines_product_id"), ["product_id"], unique=False)

    op.create_table(
        "terminations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_for", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_at", Moment(), nullable=False),
        sa.Column("agreed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agreed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_terminations_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminations")),
        sa.UniqueConstraint("contract_id", name=op.f("uq_terminations_contract_id")),
    )
    op.create_table(
        "acceptance_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("acceptance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("accepted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("returned", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("technical_ok", sa.Boolean(), nullable=False),
        sa.Column("service_ok", sa.Boolean(), nullable=False),
        sa.Column("safety_ok", sa.Boolean(), nullable=False),
        sa.Column("serials", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["acceptance_id"], ["acceptances.id"], name=op.f("fk_acceptance_lines_acceptance_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_acceptance_lines_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance_lines")),
        sa.UniqueConstraint("acceptance_id", "order_line_id", name=op.f("uq_acceptance_lines_acceptance_id_order_line_id")),
    )
    op.create_table(
        "asset_cards",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("class_code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=True),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "stored", "registered", "void", name="known_cardstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("keeper", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("voucher", sa.String(), nullable=True),
        sa.Column("acquired_on", sa.Date(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity > 0 AND value_fen >= 0", name=op.f("ck_asset_cards_amounts")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_asset_cards_order_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_asset_cards_order_line_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisations.id"], name=op.f("fk_asset_cards_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_cards")),
        sa.UniqueConstraint("number", name=op.f("uq_asset_cards_number")),
    )
    with op.batch_alter_table("asset_cards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_cards_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_asset_cards_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "line_decisions",
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "decision",
            sa.Enum("approved", "rejected", name="known_decision", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_line_decisions_order_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_line_decisions_order_line_id")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_line_decisions")),
    )
    with op.batch_alter_table("line_decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_line_decisions_order_id"), ["order_id"], unique=False)

    op.create_table(
        "shipment_lines",
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_lines_quantity")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_shipment_lines_order_line_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_lines_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", "order_line_id", name=op.f("pk_shipment_lines")),
    )
    append_only.create(op.get_bind())


def downgrade() -> None:
    """Take back."""
    append_only.drop(op.get_bind(), function=True)
    op.drop_table("shipment_lines")
    with op.batch_alter_table("line_decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_line_decisions_order_id"))

    op.drop_table("line_decisions")
    with op.batch_alter_table("asset_cards", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_asset_cards_unit_id"))
        batch_op.drop_index(batch_op.f("ix_asset_cards_order_id"))

    op.drop_table("asset_cards")
    op.drop_table("acceptance_lines")
    op.drop_table("terminations")
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_lines_product_id"))
        batch_op.drop_index(batch_op.f("ix_order_lines_plan_line_id"))

    op.drop_table("order_lines")
    op.drop_table("contract_documents")
    with op.batch_alter_table("cart_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cart_items_person_id"))

    op.drop_table("cart_items")
    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shipments_order_id"))

    op.drop_table("shipments")
    op.drop_table("ratings")
    with op.batch_alter_table("plan_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_lines_unit_id"))

    op.drop_table("plan_lines")
    with op.batch_alter_table("payment_clocks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_clocks_due_on"))

    op.drop_table("payment_clocks")
    with op.batch_alter_table("payment_applications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_applications_order_id"))

    op.drop_table("payment_applications")
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoices_order_id"))

    op.drop_table("invoices")
    op.drop_table("holds")
    op.drop_table("contracts")
    with op.batch_alter_table("acceptances", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_acceptances_order_id"))

    op.drop_table("acceptances")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_unit_at")
        batch_op.drop_index("ix_orders_supplier_at")
        batch_op.drop_index(batch_op.f("ix_orders_submission_id"))
        batch_op.drop_index("ix_orders_state_due")
        batch_op.drop_index("ix_orders_region_at")
        batch_op.drop_index(batch_op.f("ix_orders_buyer_id"))

    op.drop_table("orders")
    op.drop_table("listing_versions")
    with op.batch_alter_table("budget_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_budget_lines_allotment_id"))

    op.drop_table("budget_lines")
    op.drop_table("submissions")
    with op.batch_alter_table("sign_in_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_sessions_person_id"))

    op.drop_table("sign_in_sessions")
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_posts_rules_or_cases",
            sqlite_where=sa.text("role IN ('rule_admin', 'supervisor')"),
            postgresql_where=sa.text("role IN ('rule_admin', 'supervisor')"),
        )
        batch_op.drop_index(
            "uq_posts_one_administrator",
            sqlite_where=sa.text("role IN ('system_admin', 'security_admin', 'audit_admin')"),
            postgresql_where=sa.text("role IN ('system_admin', 'security_admin', 'audit_admin')"),
        )

    op.drop_table("posts")
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.drop_index("ix_listings_product_state")

    op.drop_table("listings")
    with op.batch_alter_table("budget_moves", schema=None) as batch_op:
        batch_op.drop_index("ix_budget_moves_stream")
        batch_op.drop_index(batch_op.f("ix_budget_moves_order_line_id"))
        batch_op.drop_index(batch_op.f("ix_budget_moves_control_id"))

    op.drop_table("budget_moves")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_unit_at")

    op.drop_table("attempts")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_person_id"))

    op.drop_table("api_tokens")
    with op.batch_alter_table("allotments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allotments_unit_id"))

    op.drop_table("allotments")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_alerts_region_state")
        batch_op.drop_index("ix_alerts_owner_state")
        batch_op.drop_index(batch_op.f("ix_alerts_order_number"))

    op.drop_table("alerts")
    op.drop_table("suppliers")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_products_category_code"))

    op.drop_table("products")
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.drop_index("ix_plans_unit_year")

    op.drop_table("plans")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_organisation_id"))

    op.drop_table("people")
    with op.batch_alter_table("mall_categories", schema=None) as batch_op:
        batch_op.drop_index("ix_mall_categories_category_code")

    op.drop_table("mall_categories")
    op.drop_table("journal_salts")
    op.drop_table("journal_leaves")
    op.drop_table("journal_erasures")
    with op.batch_alter_table("invoice_titles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_titles_organisation_id"))

    op.drop_table("invoice_titles")
    with op.batch_alter_table("controls", schema=None) as batch_op:
        batch_op.drop_index("ix_controls_unit_year")

    op.drop_table("controls")
    op.drop_table("budget_projects")
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_addresses_organisation_id"))

    op.drop_table("addresses")
    with op.batch_alter_table("terms", schema=None) as batch_op:
        batch_op.drop_index("ix_terms_name")

    op.drop_table("terms")
    with op.batch_alter_table("stream_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_stream_entries_region_at")
        batch_op.drop_index("ix_stream_entries_region")
        batch_op.drop_index("ix_stream_entries_number")

    op.drop_table("stream_entries")
    op.drop_table("stream_cursors")
    with op.batch_alter_table("rule_parameters", schema=None) as batch_op:
        batch_op.drop_index("ix_rule_parameters_rule")

    op.drop_table("rule_parameters")
    op.drop_table("region_days")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisations_name"))
        batch_op.drop_index("ix_organisations_kind_region")

    op.drop_table("organisations")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_region_at")
        batch_op.drop_index(batch_op.f("ix_notices_order_number"))
        batch_op.drop_index(batch_op.f("ix_notices_contract_number"))
        batch_op.drop_index("ix_notices_at")

    op.drop_table("notices")
    with op.batch_alter_table("limits", schema=None) as batch_op:
        batch_op.drop_index("ix_limits_what")

    op.drop_table("limits")
    op.drop_table("journal_checkpoints")
    with op.batch_alter_table("gateway_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gateway_notices_intent"))

    op.drop_table("gateway_notices")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_type_id")

    op.drop_table("events")
    op.drop_table("event_receipts")
    op.drop_table("event_leases")
    with op.batch_alter_table("decision_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_records_submission"))

    op.drop_table("decision_records")
    op.drop_table("consumer_floors")
    with op.batch_alter_table("class_rules", schema=None) as batch_op:
        batch_op.drop_index("ix_class_rules_prefix")

    op.drop_table("class_rules")
    with op.batch_alter_table("categories", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_categories_parent_code"))

    op.drop_table("categories")
