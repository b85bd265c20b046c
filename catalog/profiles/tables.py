"""Profiles: by which attributes the products of a category are described, from a day on. A version never changes."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.profiles.states import AttributeKind


class Profile(Base):
    """One version of a category's own attributes; the latest that has begun holds, for the categories below too."""

    __tablename__ = "profiles"
    __table_args__ = (UniqueConstraint("category_code", "version"), CheckConstraint("version > 0", name="counted_from_one"))

    id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    version: Mapped[int]
    valid_from: Mapped[date]
    note: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[int | None]
    made_at: Mapped[datetime]


class ProfileAttribute(Base):
    """One attribute of a version; an archived one is not asked for any more and still names what old products say.

    Bounds are decimal figures as text, empty where there is none; options are a JSON list.
    """

    __tablename__ = "profile_attributes"
    __table_args__ = (UniqueConstraint("profile_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    profile_id: Mapped[int] = mapped_column(ForeignKey("profiles.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[AttributeKind] = enum_column(AttributeKind)
    unit: Mapped[str] = mapped_column(String(20), default="")
    options: Mapped[str] = mapped_column(Text, default="[]")
    low: Mapped[str] = mapped_column(String(20), default="")
    high: Mapped[str] = mapped_column(String(20), default="")
    pattern: Mapped[str] = mapped_column(String(120), default="")
    required: Mapped[bool] = mapped_column(default=False)
    archived: Mapped[bool] = mapped_column(default=False)
