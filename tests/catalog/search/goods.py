"""Listings of the search tests, made from compact product facts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from catalog.search.port import Category, SearchDocument

HERE = Path(__file__).parent
SUPPLIERS = ("云采办公", "中原信息", "河洛商贸", "豫东文仪", "嵩山科技", "黄河家具", "大河网络")
REGIONS = (("410000",), ("410100",), ("410100", "410300"), ("410105",))


@cache
def facts() -> dict[str, Any]:
    return json.loads((HERE / "products.json").read_text("utf-8"))


def document(pk: int, at: int, supplier: int, *, price_fen: int | None = None) -> SearchDocument:
    """One supplier's listing of product number `at`; everything follows from the numbers."""
    place, brand, model, spec, low, high = facts()["products"][at]
    code, name, path, energy = facts()["categories"][place]
    steps = {2: code[:1], 3: code[:3], 4: code[:5], 5: code[:7]}
    title = f"{brand} {model}" if name in model else f"{brand} {model} {name}"
    return SearchDocument(
        pk=pk, product_id=at + 1, title=title, brand=brand, model=model, category_code=code, category_name=name,
        category_path=tuple(Category(steps.get(level, code), step) for level, step in enumerate(path[1:4], start=3)),
        spec=spec, supplier_id=supplier, supplier_name=SUPPLIERS[supplier % len(SUPPLIERS)], regions=REGIONS[pk % len(REGIONS)],
        price_fen=price_fen if price_fen is not None else round(low * 100 + (high - low) * (pk * 37 % 100)),
        stock=pk * 7 % 50, in_stock=pk * 7 % 50 > 0, sales=pk * 13 % 400, created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=pk),
        delivery_days=pk % 7 + 1, energy=energy == "mandatory", env=pk % 3 == 0, sme=supplier % 2 == 0, imported=pk % 29 == 0,
        credit="ABC"[pk % 3], popularity=(pk * 13 % 400) / 400,
    )  # fmt: skip


def one_of_each() -> Iterator[SearchDocument]:
    """One listing of every product."""
    for at in range(len(facts()["products"])):
        yield document(at + 1, at, at % 7)


@cache
def catalogue() -> tuple[SearchDocument, ...]:
    """One listing of every product, made once."""
    return tuple(one_of_each())


def many(listings: int) -> Iterator[SearchDocument]:
    """As many listings as asked: every product again and again, from other suppliers at other prices."""
    products = len(facts()["products"])
    for pk in range(1, listings + 1):
        yield document(pk, pk % products, pk // products % 1_000)
