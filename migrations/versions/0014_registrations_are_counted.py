"""attempts to register as a supplier are counted; which goods need a certificate or a security evaluation follows its documents"""

import datetime as dt
import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

DEFAULT = "平台默认参数"
parameters = sa.table("rule_parameters", *map(sa.column, ("rule", "name", "value", "doc_no")), sa.column("valid_from", sa.Date()))

PRINTERS = ["A02021001", "A02021002", "A02021003", "A02021004", "A02021006"]
ENERGY_BEFORE = ["A02010105", "A02010108", "A02010109", *PRINTERS, "A02021104", "A02061804", "A02061819", "A02091001"]
ENERGY = [
    "A02010105", "A02010108", "A02010109", *PRINTERS, "A02021104", "A02052301", "A02052305", "A02052309", "A02060900", "A02061804",
    "A02061819", "A02091001", "A05020105", "A05020106",
]  # fmt: skip
"""The starred goods of 财库〔2019〕19号 that the catalogue of 2022 tells from others by their code."""
ENERGY_FROM, ENERGY_NO = dt.date(2019, 4, 2), "财库〔2019〕19号"
SECURE_BEFORE, SECURE_BEFORE_FROM, SECURE_BEFORE_NO = ["A02010104", "A02010105", "A02010108"], dt.date(2025, 12, 1), "财库〔2025〕29、30号"
SECURE = ["A02010104", "A02010105", "A02010106", "A02010107", "A02010108"]
SECURE_ROWS = ((dt.date(2023, 12, 27), "财库〔2023〕29—33号"), (dt.date(2025, 3, 11), "财库〔2025〕29、30号，财库〔2023〕32、33号"))


def upgrade() -> None:
    """The counts, and for a mall that has its reference data already the parameters as their documents say them."""
    op.create_table(
        "supplier_join_knocks",
        sa.Column("mark", sa.String(length=24), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_supplier_join_knocks")),
    )
    if not _count():
        return
    if not _count(parameters.c.rule == "JOIN"):
        _add("JOIN", "per_day", 20, dt.date(2020, 1, 1), DEFAULT)
    if not _count(parameters.c.rule == "K05", parameters.c.name == "listing_stage"):
        _add("K05", "listing_stage", "block", dt.date(2020, 1, 1), DEFAULT)
    _say("P08", ENERGY_FROM, ENERGY_BEFORE, ENERGY)
    if _take("P13", SECURE_BEFORE_FROM, SECURE_BEFORE):
        for valid_from, doc_no in SECURE_ROWS:
            _add("P13", "categories", SECURE, valid_from, doc_no)


def downgrade() -> None:
    """Take back; the parameters of the counts and of ended licences stay, nobody reads them."""
    op.drop_table("supplier_join_knocks")
    _say("P08", ENERGY_FROM, ENERGY, ENERGY_BEFORE)
    taken = [_take("P13", valid_from, SECURE) for valid_from, _ in SECURE_ROWS]
    if all(taken):
        _add("P13", "categories", SECURE_BEFORE, SECURE_BEFORE_FROM, SECURE_BEFORE_NO)


def _count(*where: sa.ColumnElement[bool]) -> int:
    return op.get_bind().scalar(sa.select(sa.func.count()).select_from(parameters).where(*where)) or 0


def _add(rule: str, name: str, value: object, valid_from: dt.date, doc_no: str) -> None:
    row = {"rule": rule, "name": name, "value": json.dumps(value, ensure_ascii=False), "valid_from": valid_from, "doc_no": doc_no}
    op.get_bind().execute(sa.insert(parameters), [row])


def _shipped(rule: str, valid_from: dt.date, categories: list[str]) -> list[sa.ColumnElement[bool]]:
    """The row of a list as the product shipped it; one that somebody has set otherwise is left alone."""
    query = sa.select(parameters.c.value).where(*(there := _row(rule, valid_from)))
    found = op.get_bind().scalar(query)
    return there if found is not None and json.loads(found) == categories else [sa.false()]


def _row(rule: str, valid_from: dt.date) -> list[sa.ColumnElement[bool]]:
    return [parameters.c.rule == rule, parameters.c.name == "categories", parameters.c.valid_from == valid_from]


def _say(rule: str, valid_from: dt.date, before: list[str], after: list[str]) -> None:
    there = _shipped(rule, valid_from, before)
    op.get_bind().execute(sa.update(parameters).where(*there).values(value=json.dumps(after, ensure_ascii=False)))


def _take(rule: str, valid_from: dt.date, categories: list[str]) -> bool:
    return op.get_bind().execute(sa.delete(parameters).where(*_shipped(rule, valid_from, categories))).rowcount > 0
