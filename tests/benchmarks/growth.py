"""A larger catalogue: everything on the shelves again and again, under model names and numbers of its own."""

from typing import Any

from sqlalchemy import Connection, Table, func, insert, literal, select, text

from app.kernel.db import make_engine
from catalog.listings.tables import Listing, ListingVersion, PriceSpread
from catalog.products.tables import Product

products: Any = Product.__table__
listings: Any = Listing.__table__
versions: Any = ListingVersion.__table__
spreads: Any = PriceSpread.__table__


def multiply(url: str, times: int) -> None:
    """Let the catalogue hold so many times the products and offers, prices and price history included."""
    engine = make_engine(url)
    with engine.begin() as connection:
        steps = [(connection.scalar(select(func.max(table.c.id))) or 0) for table in (products, listings)]
        for copy in range(1, times):
            of_products, of_listings = (step * copy for step in steps)
            again = {"id": products.c.id + of_products, "model": _named(products.c.model, copy), "title": _named(products.c.title, copy)}
            _copy(connection, products, again, products.c.id <= steps[0])
            again = {
                "id": listings.c.id + of_listings, "product_id": listings.c.product_id + of_products,
                "sku": _named(listings.c.sku, copy), "title": _named(listings.c.title, copy),
            }  # fmt: skip
            _copy(connection, listings, again, listings.c.id <= steps[1])
            again = {"listing_id": versions.c.listing_id + of_listings, "title": _named(versions.c.title, copy)}
            _copy(connection, versions, again, versions.c.listing_id <= steps[1])
            _copy(connection, spreads, {"product_id": spreads.c.product_id + of_products}, spreads.c.product_id <= steps[0])
        if engine.dialect.name == "postgresql":
            for name in ("products", "listings"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"))
    engine.dispose()


def _named(column: Any, copy: int) -> Any:
    """The same text with a mark behind it: LJ2205 becomes LJ2205 K3."""
    return column + literal(f" K{copy}")


def _copy(connection: Connection, table: Table, again: dict[str, Any], originals: Any) -> None:
    """Insert the original rows once more, with other values in some columns."""
    columns = [again.get(column.name, column) for column in table.c]
    connection.execute(insert(table).from_select([column.name for column in table.c], select(*columns).where(originals)))
