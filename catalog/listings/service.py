"""Commands on listings. Stock moves by one guarded update, however many listings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from app.kernel import clock
from catalog.listings.rules import OutOfStock
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing


def take_stock(session: Session, wanted: Mapping[int, int]) -> None:
    """Take pieces (by listing id) off the shelf, rows locked in id order. Raises OutOfStock: another buyer was faster."""
    amount = case(dict(wanted), value=Listing.id)
    locked = select(Listing.id).where(Listing.id.in_(wanted)).order_by(Listing.id).with_for_update().scalar_subquery()
    taken = session.execute(
        update(Listing)
        .where(Listing.id.in_(locked), Listing.stock >= amount, Listing.shelf == Shelf.ON_SHELF)
        .values(stock=Listing.stock - amount, updated_at=clock.now())
        .returning(Listing.id),
        execution_options={"synchronize_session": False},
    ).all()
    if len(taken) < len(wanted):
        raise OutOfStock()


def give_stock_back(session: Session, pieces: Iterable[tuple[int, int]]) -> None:
    """Put pieces of (listing id, quantity) back on the shelf."""
    returned: dict[int, int] = defaultdict(int)
    for listing_id, quantity in pieces:
        returned[listing_id] += quantity
    if returned:
        session.execute(
            update(Listing)
            .where(Listing.id.in_(returned))
            .values(stock=Listing.stock + case(dict(returned), value=Listing.id), updated_at=clock.now()),
            execution_options={"synchronize_session": False},
        )
