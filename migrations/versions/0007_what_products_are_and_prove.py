"""profiles of categories, brands with their other names, and what policy says of a product by which document"""

import re
import unicodedata
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.kernel.db import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("energy", "environment", "safe_reliable", "domestic_2026", "poverty_area")
ATTRIBUTE_KINDS = ("list", "number", "range", "text", "yes_no")
CLAIMS = {"energy_saving": "energy", "environment": "environment"}
BETWEEN = re.compile(r"[\s\-‐‑‒–—―_·•・'’\"“”()（）\[\]【】]+")
BATCH = 5_000

products = sa.table("products", *map(sa.column, ("id", "brand", "model", "brand_key", "model_key", "energy_saving", "environment")))
PLAIN = ("product_id", "kind", "number", "issuer", "withdrawn_at")
facts = sa.table("product_facts", *map(sa.column, PLAIN), sa.column("recorded_at", Moment()))


def upgrade() -> None:
    """Apply; what suppliers had claimed stays a claim until its certificate is given."""
    op.create_table(
        "brands",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("stands_for_id", WHOLE, nullable=True),
        sa.Column("archived_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint("stands_for_id IS NULL OR stands_for_id <> id", name=op.f("ck_brands_not_its_own_alias")),
        sa.ForeignKeyConstraint(["stands_for_id"], ["brands.id"], name=op.f("fk_brands_stands_for_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
        sa.UniqueConstraint("key", name=op.f("uq_brands_key")),
    )
    op.create_index("ix_brands_stands_for_id", "brands", ["stands_for_id"])
    op.create_table(
        "profiles",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("category_code", sa.String(9), nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("made_by", WHOLE, nullable=True),
        sa.Column("made_at", Moment(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_profiles_counted_from_one")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_profiles_category_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("category_code", "version", name=op.f("uq_profiles_category_code_version")),
    )
    op.create_table(
        "profile_attributes",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("profile_id", WHOLE, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("kind", _one_of("attributekind", ATTRIBUTE_KINDS), nullable=False),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("low", sa.String(20), nullable=False),
        sa.Column("high", sa.String(20), nullable=False),
        sa.Column("pattern", sa.String(120), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["profile_id"], ["profiles.id"], name=op.f("fk_profile_attributes_profile_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_attributes")),
        sa.UniqueConstraint("profile_id", "name", name=op.f("uq_profile_attributes_profile_id_name")),
    )
    op.create_table(
        "product_facts",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("product_id", WHOLE, nullable=False),
        sa.Column("kind", _one_of("factkind", KINDS), nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", WHOLE, nullable=True),
        sa.Column("recorded_for", WHOLE, nullable=True),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("checked_by", WHOLE, nullable=True),
        sa.Column("checked_at", Moment(), nullable=True),
        sa.Column("expired_at", Moment(), nullable=True),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(200), nullable=True),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name=op.f("ck_product_facts_one_period")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_product_facts_product_id")),
        sa.ForeignKeyConstraint(["recorded_for"], ["organisations.id"], name=op.f("fk_product_facts_recorded_for")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_facts")),
    )
    op.create_index("ix_product_facts_product_id", "product_facts", ["product_id"])
    op.create_index("ix_product_facts_valid_to", "product_facts", ["valid_to"])
    for name in ("brand_key", "model_key"):
        op.add_column("products", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("products", sa.Column("gtin", sa.String(14), nullable=True))
    op.add_column("products", sa.Column("proven", sa.Text(), nullable=False, server_default="{}"))
    # Said in SQL: SQLite takes a reference with a new column only in this form, which PostgreSQL takes too.
    op.execute("ALTER TABLE products ADD COLUMN merged_into_id BIGINT CONSTRAINT fk_products_merged_into_id REFERENCES products (id)")
    _write_keys(op.get_bind())
    now = datetime.now(UTC)
    for column, kind in CLAIMS.items():
        claimed = sa.select(products.c.id, sa.literal(kind), sa.literal(""), sa.literal(""), sa.literal(now, Moment())).where(
            sa.column(column).is_(sa.true())
        )
        op.get_bind().execute(sa.insert(facts).from_select(["product_id", "kind", "number", "issuer", "recorded_at"], claimed))
        op.drop_column("products", column)
    op.create_index("ix_products_same", "products", ["brand_key", "model_key"])
    op.create_index("ix_products_gtin", "products", ["gtin"], unique=True)
    op.create_index("ix_products_merged_into_id", "products", ["merged_into_id"])


def downgrade() -> None:
    """Take back; what is claimed or proven is a plain yes again."""
    for column, kind in CLAIMS.items():
        op.add_column("products", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
        said = sa.select(facts.c.product_id).where(facts.c.kind == kind, facts.c.withdrawn_at.is_(None))
        op.get_bind().execute(sa.update(products).where(products.c.id.in_(said)).values({column: True}))
    for name in ("merged_into_id", "gtin", "same"):
        op.drop_index(f"ix_products_{name}", "products")
    for name in ("merged_into_id", "gtin", "proven", "model_key", "brand_key"):
        op.drop_column("products", name)
    for name in ("product_facts", "profile_attributes", "profiles", "brands"):
        op.drop_table(name)


def _one_of(kind: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=f"known_{kind}", native_enum=False, create_constraint=True, length=40)


def _write_keys(bind: sa.Connection) -> None:
    """The keys by which two ways of writing a product are found alike."""
    store = sa.update(products).where(products.c.id == sa.bindparam("row")).values(brand_key=sa.bindparam("b"), model_key=sa.bindparam("m"))
    last, some = 0, sa.select(products.c.id, products.c.brand, products.c.model).order_by(products.c.id).limit(BATCH)
    while rows := bind.execute(some.where(products.c.id > last)).all():
        bind.execute(store, [{"row": row.id, "b": _key(row.brand), "m": _key(row.model)} for row in rows])
        last = rows[-1].id


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return BETWEEN.sub("", plain) or plain.strip()
