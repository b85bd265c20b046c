"""Public notices: what everybody may read, corrected only by another notice."""

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from supervision.disclosure.states import NoticeKind


class Notice(Base):
    """A published notice, self-contained: it keeps what it said even when names change later."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("kind", "contract_number"),
        Index("ix_notices_region_at", "region", "published_at"),
        Index("ix_notices_at", "published_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[NoticeKind] = enum_column(NoticeKind)
    region: Mapped[str]
    title: Mapped[str]
    contract_number: Mapped[str] = mapped_column(index=True)
    order_number: Mapped[str] = mapped_column(index=True)
    unit_name: Mapped[str]
    supplier_name: Mapped[str]
    amount_fen: Mapped[int]
    is_sme: Mapped[bool]
    body: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    published_at: Mapped[datetime]
