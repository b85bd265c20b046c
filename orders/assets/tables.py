"""Asset cards: drafted at acceptance, registered after payment."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.assets.states import CardState


class AssetCard(Base):
    """A fixed or intangible asset bought by an order line; the class code is the category code (GB/T 14885)."""

    __tablename__ = "asset_cards"
    __table_args__ = (CheckConstraint("quantity > 0 AND value_fen >= 0", name="amounts"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    class_code: Mapped[str]
    name: Mapped[str]
    brand: Mapped[str]
    model: Mapped[str]
    serial: Mapped[str | None]
    quantity: Mapped[int]
    value_fen: Mapped[int]
    state: Mapped[CardState] = enum_column(CardState, default=CardState.DRAFT)
    keeper: Mapped[str | None]
    place: Mapped[str | None]
    voucher: Mapped[str | None]
    acquired_on: Mapped[date]
    registered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
