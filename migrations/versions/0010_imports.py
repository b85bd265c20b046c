"""imports: the file as it came, how far it is, what is wrong with its cells"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = ("uploaded", "checking", "checked", "writing", "done", "cancelled", "failed")


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("organisation_id", WHOLE, nullable=True),
        sa.Column("person_id", WHOLE, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_size", WHOLE, nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("head_line", WHOLE, nullable=False),
        sa.Column("headings", sa.Text(), nullable=False),
        sa.Column("samples", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="known_jobstate", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("done_line", WHOLE, nullable=False),
        sa.Column("total_rows", WHOLE, nullable=True),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("rows", "added", "changed", "unchanged", "failed", "problems")),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_bulk_jobs_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_jobs")),
        sa.UniqueConstraint("token", name=op.f("uq_bulk_jobs_token")),
    )
    op.create_index("ix_bulk_jobs_owner", "bulk_jobs", ["organisation_id", "id"])
    op.create_index("ix_bulk_jobs_state", "bulk_jobs", ["state", "id"])
    op.create_table(
        "bulk_pieces",
        sa.Column("job_id", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_jobs.id"], name=op.f("fk_bulk_pieces_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_bulk_pieces")),
    )
    op.create_table(
        "bulk_problems",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("job_id", WHOLE, nullable=False),
        sa.Column("line", WHOLE, nullable=False),
        sa.Column("place", WHOLE, nullable=True),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("way_out", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_jobs.id"], name=op.f("fk_bulk_problems_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_problems")),
    )
    op.create_index("ix_bulk_problems_job", "bulk_problems", ["job_id", "line", "id"])


def downgrade() -> None:
    op.drop_table("bulk_problems")
    op.drop_table("bulk_pieces")
    op.drop_table("bulk_jobs")
