"""Reads of the price index; it is public."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from supervision.prices.tables import IndexPoint


def points(session: Session, code: str) -> Sequence[IndexPoint]:
    """The index of a category, oldest first."""
    return session.scalars(select(IndexPoint).where(IndexPoint.category_code == code).order_by(IndexPoint.month)).all()


@dataclass(frozen=True, kw_only=True)
class Latest:
    """Where a category stands."""

    point: IndexPoint
    before_bp: int | None
    """The point before; None at the first."""
    months: int


def latest(session: Session) -> list[Latest]:
    """The newest point of every category with the one before, by code."""
    place = func.row_number().over(partition_by=IndexPoint.category_code, order_by=IndexPoint.month.desc())
    ranked = select(
        IndexPoint.category_code.label("code"), IndexPoint.month.label("month"), place.label("place"),
        func.lead(IndexPoint.index_bp).over(partition_by=IndexPoint.category_code, order_by=IndexPoint.month.desc()).label("before"),
        func.count().over(partition_by=IndexPoint.category_code).label("months"),
    ).subquery()  # fmt: skip
    query = (
        select(IndexPoint, ranked.c.before, ranked.c.months)
        .join(ranked, (ranked.c.code == IndexPoint.category_code) & (ranked.c.month == IndexPoint.month))
        .where(ranked.c.place == 1)
        .order_by(IndexPoint.category_code)
    )
    return [Latest(point=point, before_bp=before, months=months) for point, before, months in session.execute(query)]


def everything(session: Session) -> Sequence[IndexPoint]:
    """All points, by category and month."""
    return session.scalars(select(IndexPoint).order_by(IndexPoint.category_code, IndexPoint.month)).all()
