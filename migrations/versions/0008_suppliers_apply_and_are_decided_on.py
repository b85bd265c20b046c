"""suppliers apply to enter the library, hand in documents, and are decided on"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "dishonest_firms",
        sa.Column("id", whole, nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("list_name", sa.String(length=60), nullable=False),
        sa.Column("document_no", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_dishonest_firms_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dishonest_firms")),
        sa.UniqueConstraint("credit_code", "list_name", "document_no", name=op.f("uq_dishonest_firms_credit_code_list_name_document_no")),
    )
    op.create_table(
        "supplier_agreements",
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_supplier_agreements")),
    )
    op.create_table(
        "supplier_requirements",
        sa.Column("id", whole, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("supplier_kind", sa.String(length=20), nullable=True),
        sa.Column("prefix", sa.String(length=9), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.String(length=120), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("doc_no", sa.String(length=120), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_supplier_requirements_one_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_requirements")),
    )
    with op.batch_alter_table("supplier_requirements") as batch_op:
        batch_op.create_index("ix_supplier_requirements_code", ["code"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", whole, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "kind", sa.Enum("pdf", "jpeg", "png", name="known_kind", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("size_bytes", whole, nullable=False),
        sa.Column("width", whole, nullable=True),
        sa.Column("height", whole, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", whole, nullable=False),
        sa.Column("uploaded_by", whole, nullable=True),
        sa.Column("uploaded_at", Moment(), nullable=False),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_uploads_not_empty")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_uploads_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("name", name=op.f("uq_uploads_name")),
    )
    with op.batch_alter_table("uploads") as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_organisation_id"), ["organisation_id"], unique=False)
    op.create_table(
        "qualifications",
        sa.Column("id", whole, nullable=False),
        sa.Column("organisation_id", whole, nullable=False),
        sa.Column("requirement", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("upload_id", whole, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "accepted", "returned", "replaced", name="known_paperstate", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("return_reason", sa.String(length=300), nullable=True),
        sa.Column("handed_in_at", Moment(), nullable=False),
        sa.Column("handed_over_at", Moment(), nullable=True),
        sa.Column("decided_by", whole, nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.CheckConstraint("(state = 'returned') = (return_reason IS NOT NULL)", name=op.f("ck_qualifications_returned_with_a_reason")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_qualifications_one_period")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_qualifications_organisation_id")),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name=op.f("fk_qualifications_upload_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualifications")),
    )
    with op.batch_alter_table("qualifications") as batch_op:
        batch_op.create_index("ix_qualifications_organisation_id_state", ["organisation_id", "state"], unique=False)
        batch_op.create_index("ix_qualifications_valid_to", ["valid_to"], unique=False)
    op.create_table(
        "standing_decisions",
        sa.Column("id", whole, nullable=False),
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("suspension", "ban", name="known_decisionkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "ordered", "in_force", "lapsed", "lifted", name="known_decisionstate", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("region", sa.String(length=6), nullable=True),
        sa.Column("document_no", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=True),
        sa.Column("decided_by", whole, nullable=True),
        sa.Column("decided_for", sa.String(length=60), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(state IN ('lapsed', 'lifted')) = (ended_at IS NOT NULL)", name=op.f("ck_standing_decisions_ended_when_over")),
        sa.CheckConstraint(
            "kind <> 'ban' OR (ends_at IS NOT NULL AND region IS NULL)", name=op.f("ck_standing_decisions_bans_end_and_hold_everywhere")
        ),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_standing_decisions_one_period")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_standing_decisions_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_decisions")),
    )
    with op.batch_alter_table("standing_decisions") as batch_op:
        batch_op.create_index("ix_standing_decisions_supplier_id_state", ["supplier_id", "state"], unique=False)
    op.create_table(
        "supplier_applications",
        sa.Column("id", whole, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", whole, nullable=False),
        sa.Column("applicant_id", whole, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "returned",
                "admitted",
                "lapsed",
                name="known_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", whole, nullable=False),
        sa.Column("round", whole, nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=True),
        sa.Column(
            "scale",
            sa.Enum("micro", "small", "medium", "large", name="known_scale", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("legal_representative", sa.String(length=40), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("capital_fen", whole, nullable=True),
        sa.Column("address", sa.String(length=120), nullable=True),
        sa.Column("business", sa.String(length=500), nullable=True),
        sa.Column("classes", sa.String(length=400), nullable=True),
        sa.Column("areas", sa.String(length=1600), nullable=True),
        sa.Column("contact", sa.String(length=40), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=80), nullable=True),
        sa.Column("bank_name", sa.String(length=80), nullable=True),
        sa.Column("bank_account", sa.String(length=40), nullable=True),
        sa.Column("payee_account", sa.String(length=60), nullable=True),
        sa.Column("agreement_version", sa.String(length=20), nullable=True),
        sa.Column("agreed_by", whole, nullable=True),
        sa.Column("agreed_at", Moment(), nullable=True),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("saved_at", Moment(), nullable=False),
        sa.Column("submitted_at", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", whole, nullable=True),
        sa.CheckConstraint(
            "(agreement_version IS NULL) = (agreed_at IS NULL) AND (agreed_by IS NULL) = (agreed_at IS NULL)",
            name=op.f("ck_supplier_applications_agreed_by_somebody"),
        ),
        sa.CheckConstraint("capital_fen IS NULL OR capital_fen > 0", name=op.f("ck_supplier_applications_capital_positive")),
        sa.ForeignKeyConstraint(["agreed_by"], ["people.id"], name=op.f("fk_supplier_applications_agreed_by")),
        sa.ForeignKeyConstraint(
            ["agreement_version"], ["supplier_agreements.version"], name=op.f("fk_supplier_applications_agreement_version")
        ),
        sa.ForeignKeyConstraint(["applicant_id"], ["people.id"], name=op.f("fk_supplier_applications_applicant_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_supplier_applications_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_applications")),
        sa.UniqueConstraint("number", name=op.f("uq_supplier_applications_number")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_supplier_applications_organisation_id")),
    )
    with op.batch_alter_table("supplier_applications") as batch_op:
        batch_op.create_index("ix_supplier_applications_region_state", ["region", "state"], unique=False)
    op.create_table(
        "supplier_areas",
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_supplier_areas_supplier_id")),
        sa.PrimaryKeyConstraint("supplier_id", "region", name=op.f("pk_supplier_areas")),
    )
    with op.batch_alter_table("supplier_areas") as batch_op:
        batch_op.create_index("ix_supplier_areas_region", ["region"], unique=False)
    op.create_table(
        "supplier_classes",
        sa.Column("supplier_id", whole, nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.organisation_id"], name=op.f("fk_supplier_classes_supplier_id")),
        sa.PrimaryKeyConstraint("supplier_id", "code", name=op.f("pk_supplier_classes")),
    )
    with op.batch_alter_table("supplier_classes") as batch_op:
        batch_op.create_index("ix_supplier_classes_code", ["code"], unique=False)
    op.create_table(
        "supplier_application_remarks",
        sa.Column("id", whole, nullable=False),
        sa.Column("application_id", whole, nullable=False),
        sa.Column("round", whole, nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["supplier_applications.id"], name=op.f("fk_supplier_application_remarks_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_application_remarks")),
        sa.UniqueConstraint(
            "application_id", "round", "subject", name=op.f("uq_supplier_application_remarks_application_id_round_subject")
        ),
    )
    with op.batch_alter_table("api_tokens") as batch_op:
        batch_op.add_column(sa.Column("used_at", Moment(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("api_tokens") as batch_op:
        batch_op.drop_column("used_at")
    op.drop_table("supplier_application_remarks")
    with op.batch_alter_table("supplier_classes") as batch_op:
        batch_op.drop_index("ix_supplier_classes_code")
    op.drop_table("supplier_classes")
    with op.batch_alter_table("supplier_areas") as batch_op:
        batch_op.drop_index("ix_supplier_areas_region")
    op.drop_table("supplier_areas")
    with op.batch_alter_table("supplier_applications") as batch_op:
        batch_op.drop_index("ix_supplier_applications_region_state")
    op.drop_table("supplier_applications")
    with op.batch_alter_table("standing_decisions") as batch_op:
        batch_op.drop_index("ix_standing_decisions_supplier_id_state")
    op.drop_table("standing_decisions")
    with op.batch_alter_table("qualifications") as batch_op:
        batch_op.drop_index("ix_qualifications_valid_to")
        batch_op.drop_index("ix_qualifications_organisation_id_state")
    op.drop_table("qualifications")
    with op.batch_alter_table("uploads") as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_organisation_id"))
    op.drop_table("uploads")
    with op.batch_alter_table("supplier_requirements") as batch_op:
        batch_op.drop_index("ix_supplier_requirements_code")
    op.drop_table("supplier_requirements")
    op.drop_table("supplier_agreements")
    op.drop_table("dishonest_firms")
