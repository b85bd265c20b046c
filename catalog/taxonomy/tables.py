"""The catalogue and everything that is set by document: a figure never changes, a new row follows it."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from app.kernel.regions import Level
from app.kernel.workdays import Unit
from catalog.taxonomy.rules import CategoryKind

ONE_PERIOD = "valid_to IS NULL OR valid_to >= valid_from"


class Category(Base):
    """One row of the procurement catalogue (财库〔2022〕31号)."""

    __tablename__ = "categories"
    __table_args__ = (CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),)

    code: Mapped[str] = mapped_column(String(9), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    level: Mapped[int]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"), index=True)
    leaf: Mapped[bool]
    kind: Mapped[CategoryKind] = enum_column(CategoryKind)


class MallCategory(Base):
    """A category, with all below it, that the mall sells; for the whole province when no region is named."""

    __tablename__ = "mall_categories"
    __table_args__ = (
        CheckConstraint(ONE_PERIOD, name="one_period"),
        Index("ix_mall_categories_category_code", "category_code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    region_code: Mapped[str | None] = mapped_column(String(6))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))
    listed_as: Mapped[str] = mapped_column(String(120))
    supplement: Mapped[bool] = mapped_column(default=False)


class Limit(Base):
    """An amount that decides how something may be bought, by region, kind and date."""

    __tablename__ = "limits"
    __table_args__ = (
        CheckConstraint(ONE_PERIOD, name="one_period"),
        CheckConstraint("amount_fen > 0", name="positive"),
        Index("ix_limits_what", "what"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(40))
    kind: Mapped[CategoryKind] = enum_column(CategoryKind)
    region_level: Mapped[Level | None] = enum_column(Level, nullable=True)
    region_code: Mapped[str | None] = mapped_column(String(6))
    amount_fen: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))


class Term(Base):
    """A period in working or calendar days, by region and date."""

    __tablename__ = "terms"
    __table_args__ = (
        CheckConstraint(ONE_PERIOD, name="one_period"),
        CheckConstraint("days > 0", name="positive"),
        Index("ix_terms_name", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    days: Mapped[int]
    unit: Mapped[Unit] = enum_column(Unit)
    region_level: Mapped[Level | None] = enum_column(Level, nullable=True)
    region_code: Mapped[str | None] = mapped_column(String(6))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))


class ClassRule(Base):
    """One departmental economic class that may pay for the categories under a prefix (rule B11)."""

    __tablename__ = "class_rules"
    __table_args__ = (CheckConstraint(ONE_PERIOD, name="one_period"), Index("ix_class_rules_prefix", "prefix"))

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(9))
    economic_class: Mapped[str] = mapped_column(String(5))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))


class RuleParameter(Base):
    """One parameter of a warning rule, as JSON text, by date."""

    __tablename__ = "rule_parameters"
    __table_args__ = (CheckConstraint(ONE_PERIOD, name="one_period"), Index("ix_rule_parameters_rule", "rule"))

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))
