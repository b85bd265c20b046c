"""The journal's rows: leaves and checkpoints are append-only; salts may be erased field by field."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.outbox import Event


class Leaf(Base):
    """One event in its place in the tree. The index is the only commit-ordered number of the product."""

    __tablename__ = "journal_leaves"
    __table_args__ = (CheckConstraint("idx >= 0", name="counted"),)

    idx: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id), unique=True)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class Checkpoint(Base):
    """A signed promise: this root at this size; never two roots for one size."""

    __tablename__ = "journal_checkpoints"

    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class FieldSalts(Base):
    """The salts of an event's commitments, 16 bytes each in slot order, that of the padding last."""

    __tablename__ = "journal_salts"

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id), primary_key=True, autoincrement=False)
    salts: Mapped[bytes] = mapped_column(LargeBinary)


class FieldErasure(Base):
    """A field whose salt was erased; the commitment is kept so that the tree stays provable."""

    __tablename__ = "journal_erasures"

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id), primary_key=True, autoincrement=False)
    field: Mapped[str] = mapped_column(primary_key=True)
    commitment: Mapped[bytes] = mapped_column(LargeBinary(32))
    actor_id: Mapped[int | None]
    at: Mapped[datetime]
