"""Reads of listings. Price and stock come from here, never from the search index."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.listings.rules import Offer
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from catalog.taxonomy import queries as taxonomy


def offers(session: Session, listing_ids: Iterable[int], region: str, on: date) -> dict[int, Offer]:
    """These listings as they stand now for a buyer of a region, by id; one statement."""
    rows = session.execute(
        select(
            Listing.id,
            Listing.version,
            Listing.price_fen,
            Listing.stock,
            Listing.shelf,
            Listing.regions,
            Listing.delivery_days,
            Listing.title,
            Product.id.label("product_id"),
            Product.category_code,
            Product.brand,
            Product.model,
            Product.unit,
            Supplier.organisation_id.label("supplier_id"),
            Supplier.name.label("supplier_name"),
            Supplier.standing,
            Supplier.standing_until,
        )
        .join(Product, Product.id == Listing.product_id)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
        .where(Listing.id.in_(set(listing_ids)))
    )
    return {
        row.id: Offer(
            listing_id=row.id,
            version=row.version,
            price_fen=row.price_fen,
            stock=row.stock,
            on_shelf=row.shelf is Shelf.ON_SHELF,
            areas=row.regions,
            delivery_days=row.delivery_days,
            product_id=row.product_id,
            category=row.category_code,
            category_name=taxonomy.category(session, row.category_code).name,
            title=row.title,
            brand=row.brand,
            model=row.model,
            unit=row.unit,
            supplier_id=row.supplier_id,
            supplier_name=row.supplier_name,
            may_trade=row.standing is Standing.ACTIVE,
            standing_until=row.standing_until,
            tax_rate=taxonomy.tax_rate_percent(session, row.category_code, on),
            in_mall=taxonomy.in_mall(session, row.category_code, region, on),
            allowed_classes=tuple(sorted(taxonomy.classes_for(session, row.category_code, on))),
        )
        for row in rows
    }
