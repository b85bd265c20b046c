"""the checks of a submission stand together in one row"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = "decision_records"
BATCH = 500
"""Submissions taken at once: a province has millions of checks."""

GONE = ("rule", "subject", "inputs", "threshold", "facts", "outcome")
records = sa.table(TABLE, *map(sa.column, ("id", "submission", "rule_version", "at", "verdicts", "findings", *GONE)))


def upgrade() -> None:
    """Gather: the first row of a submission takes its checks in their order, the others go."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(TABLE, sa.Column("verdicts", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("findings", whole, nullable=True))
    bind = op.get_bind()
    stored: dict[str, Any] = {"verdicts": sa.bindparam("checks"), "findings": sa.bindparam("found")}
    gather = sa.update(records).where(records.c.id == sa.bindparam("first")).values(stored)
    for some in _submissions(bind):
        bind.execute(gather, list(_gathered(some)))
    bind.execute(sa.delete(records).where(records.c.verdicts.is_(None)))
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_index("ix_decision_records_submission")
        batch.drop_constraint(op.f("ck_decision_records_known_outcome"), type_="check")
        for name in GONE:
            batch.drop_column(name)
        batch.alter_column("verdicts", existing_type=sa.Text(), nullable=False)
        batch.alter_column("findings", existing_type=whole, nullable=False)
        batch.create_unique_constraint("uq_decision_records_submission", ["submission"])


def downgrade() -> None:
    """Take back: a row for each check, in their order."""
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_constraint("uq_decision_records_submission", type_="unique")
        for name in ("rule", "subject", "inputs", "threshold", "facts"):
            batch.add_column(sa.Column(name, sa.String() if name in {"rule", "subject"} else sa.Text(), nullable=True))
        batch.add_column(sa.Column("outcome", sa.String(40), nullable=True))
        batch.alter_column("verdicts", existing_type=sa.Text(), nullable=True)
        batch.alter_column("findings", existing_type=sa.BigInteger(), nullable=True)
    bind = op.get_bind()
    number = bind.scalar(sa.select(sa.func.max(records.c.id))) or 0
    for some in _submissions(bind):
        rows = list(_spread(some, after=number))
        bind.execute(sa.insert(records), rows)
        number = rows[-1]["id"]
    bind.execute(sa.delete(records).where(records.c.verdicts.is_not(None)))
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_column("verdicts")
        batch.drop_column("findings")
        for name in ("rule", "subject", "inputs", "threshold", "facts"):
            batch.alter_column(name, existing_type=sa.Text(), nullable=False)
        batch.alter_column("outcome", existing_type=sa.String(40), nullable=False)
        batch.create_check_constraint(op.f("ck_decision_records_known_outcome"), "outcome IN ('pass', 'watch', 'hold', 'block')")
        batch.create_index("ix_decision_records_submission", ["submission"], unique=False)


def _submissions(bind: sa.Connection) -> Iterator[Sequence[sa.Row[Any]]]:
    """The rows that stand now, some submissions at a time."""
    last = ""
    some = sa.select(records.c.submission).distinct().order_by(records.c.submission).limit(BATCH)
    while names := list(bind.scalars(some.where(records.c.submission > last))):
        within = records.c.submission.between(names[0], names[-1])
        yield bind.execute(sa.select(records).where(within).order_by(records.c.submission, records.c.id)).all()
        last = names[-1]


def _gathered(rows: Sequence[sa.Row[Any]]) -> Iterator[dict[str, Any]]:
    for _, group in groupby(rows, lambda row: row.submission):
        checks = list(group)
        stored = [
            {
                "rule": row.rule,
                "version": row.rule_version,
                "outcome": row.outcome,
                "subject": row.subject,
                "inputs": json.loads(row.inputs),
                "threshold": json.loads(row.threshold),
                "facts": json.loads(row.facts),
            }
            for row in checks
        ]
        yield {"first": checks[0].id, "checks": _encode(stored), "found": sum(row.outcome != "pass" for row in checks)}


def _spread(rows: Sequence[sa.Row[Any]], after: int) -> Iterator[dict[str, Any]]:
    checks = ((row, check) for row in rows for check in json.loads(row.verdicts))
    for number, (row, check) in enumerate(checks, start=after + 1):
        yield {
            "id": number,
            "submission": row.submission,
            "rule": check["rule"],
            "rule_version": check["version"],
            "subject": check["subject"],
            "inputs": _encode(check["inputs"]),
            "threshold": _encode(check["threshold"]),
            "facts": _encode(check["facts"]),
            "outcome": check["outcome"],
            "at": row.at,
        }


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
