"""What an offer is to whoever buys, and why stock is refused. Amounts in fen."""

from dataclasses import dataclass
from datetime import datetime

from app.kernel import regions
from app.kernel.errors import N_, Conflict


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A listing as it stands now, with its product and its supplier."""

    listing_id: int
    version: int
    price_fen: int
    stock: int
    on_shelf: bool
    areas: str
    delivery_days: int
    product_id: int
    category: str
    category_name: str
    title: str
    brand: str
    model: str
    unit: str
    supplier_id: int
    supplier_name: str
    may_trade: bool
    standing_until: datetime | None
    tax_rate: int
    in_mall: bool
    allowed_classes: tuple[str, ...]

    def serves(self, region: str) -> bool:
        """Whether the supplier delivers to this region."""
        return any(regions.within(region, area) for area in self.areas.split(","))


class OutOfStock(Conflict):
    """Another buyer took the last pieces between the check and the update."""

    code = "listing.out_of_stock"
    message = N_("刚刚有商品库存不足或已下架")
    way_out = N_("请刷新购物车，减少数量或改选其他供应商的同款商品")
