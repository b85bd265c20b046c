"""JSON ways in for a supplier's own offers."""

from datetime import date, datetime
from typing import Any, Literal

from flask import Blueprint
from flask_babel import gettext
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_, Missing
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Id, Model, PageQuery, Problem, spec, titled
from catalog.listings import desk, gate, prices, queries, service, told
from catalog.listings.queries import Shown
from catalog.listings.rules import ProductNotSaid
from catalog.listings.states import ReviewState, Shelf
from catalog.listings.verdicts import Outcome, Verdict
from catalog.products import service as products
from catalog.products.rules import FactInput
from catalog.products.states import FactKind, Origin
from catalog.suppliers.states import Standing

api = Blueprint("listings_api", __name__, url_prefix="/api/v1/listings")
TAG = ("listings",)


class FactIn(Model):
    """A document that proves something of a product; without a number it is a mere claim and does not count."""

    kind: FactKind
    number: str = Field(default="", max_length=60)
    issuer: str = Field(default="", max_length=80)
    valid_from: date | None = None
    valid_to: date | None = None


class ProductIn(Model):
    """What is offered; a product of this category, brand and model that is known already is taken as it stands."""

    category_code: str = Field(pattern=r"^[ABC]\d{8}$", description=N_("最末级品目编码"))
    brand: str = Field(min_length=1, max_length=60)
    model: str = Field(min_length=1, max_length=80)
    title: str = Field(min_length=1, max_length=120)
    unit: str = Field(min_length=1, max_length=8)
    attributes: dict[str, str | int | float | bool] = Field(default_factory=dict)
    origin: Origin = Origin.DOMESTIC
    gtin: str = Field(default="", max_length=20, description=N_("商品条码，8、12、13 或 14 位数字"))
    facts: list[FactIn] = Field(default_factory=list, max_length=20, description=N_("证明政策功能的证书"))
    energy_saving: bool = False
    environment: bool = False

    def definition(self) -> products.Definition:
        """The same for the service."""
        plain = self.model_dump(exclude={"facts"})
        return products.Definition(**plain, facts=[FactInput(**each.model_dump()) for each in self.facts])


class ListingIn(Model):
    """A new offer; either a known product or the definition of one."""

    product_id: Id | None = None
    product: ProductIn | None = None
    sku: str = Field(min_length=1, max_length=40)
    title: str | None = Field(default=None, min_length=1, max_length=120, description=N_("缺省用产品名称"))
    price_fen: Fen
    stock: int = Field(ge=0, le=10_000_000)
    delivery_days: int = Field(default=5, ge=1, le=365)
    warranty_months: int = Field(default=12, ge=0, le=240)
    regions: list[str] = Field(default_factory=list, max_length=200, description=N_("供货区域代码；空为全省"))
    shelf: Literal["on_shelf", "draft"] = "on_shelf"


class ListingOut(Model):
    """An offer as it stands; `version` grows with every change but those of stock."""

    listing_id: int
    version: int
    sku: str
    title: str
    price_fen: int
    stock: int
    shelf: Shelf
    areas: list[str]
    delivery_days: int
    warranty_months: int
    sold: int
    created_at: datetime
    updated_at: datetime
    product_id: int
    category_code: str
    brand: str
    model: str
    unit: str
    origin: Origin
    energy_saving: bool
    environment: bool
    supplier_id: int
    supplier_name: str
    standing: Standing
    product_found_by: products.How | None = Field(default=None, description=N_("新增时告知：产品是新定义的（new），还是按型号、条码找到的"))


class ListingPage(CursorPage):
    """One page of the supplier's offers."""

    items: list[ListingOut]


class ListingQuery(PageQuery):
    """Which of the supplier's offers."""

    shelf: Shelf | None = None
    q: str = Field(default="", max_length=60)


class PriceIn(Model):
    """Another price."""

    price_fen: Fen
    version: int | None = Field(default=None, description=N_("读到的版本；已有更新时拒绝"))


class StockIn(Model):
    """Another stock."""

    stock: int = Field(ge=0, le=10_000_000)
    seen: int | None = Field(default=None, ge=0, description=N_("读到的库存；期间售出的件数照减"))


class ShelfIn(Model):
    """On the shelf or off it."""

    shelf: Literal["on_shelf", "off_shelf"]
    version: int | None = None


class VersionOut(Model):
    """What an offer said from a moment on."""

    version: int
    title: str
    price_fen: int
    shelf: Shelf
    delivery_days: int
    at: datetime


class VersionList(Model):
    """Versions of the last 90 days, the oldest first."""

    items: list[VersionOut]


class CheckOut(Model):
    """One check of the gate: codes and figures (amounts in fen), and the sentence in the reader's language."""

    rule: str
    outcome: Outcome
    judged: bool
    version: str
    facts: dict[str, Any]
    sentence: str
    way_out: str


class VerdictsOut(Model):
    """What the gate says of an offer now, what it said of the version that stands, and the price or offer that waits for the keeper."""

    shelf: Shelf
    reason: str | None = Field(description=N_("退回、下架、暂停或冻结的理由"))
    now: list[CheckOut]
    kept: list[CheckOut]
    kept_version: int = Field(description=N_("留存判定所属的版本；从未判定为 0"))
    waiting_fen: int | None = Field(description=N_("等待审核的价格，没有则为空"))
    waiting_rules: list[str]


@api.get("")
@titled(N_("本供应商的商品"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=ListingPage, HTTP_422=Problem), tags=TAG)
def listings(query: ListingQuery) -> ListingPage:
    """The supplier's offers, the latest change first."""
    page = queries.own_page(db.session(), me(), shelf=query.shelf, q=query.q, cursor=query.cursor, limit=query.limit)
    return ListingPage(items=[out(row) for row in page.rows], next=page.next)


@api.post("")
@titled(N_("新增商品"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_201=ListingOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def create(json: ListingIn) -> tuple[ListingOut, int]:
    """Make an offer; buyers find it within seconds."""
    how = products.How.MODEL
    with commit(db.session()) as session:
        if json.product is not None:
            (found,) = products.find_or_define_all(session, me(), [json.product.definition()])
            product_id, title, how = found.product_id, json.title or json.product.title, found.how
        elif json.product_id is not None and json.title:
            product_id, title = json.product_id, json.title
        else:
            raise ProductNotSaid()
        facts = json.model_dump(exclude={"product", "product_id", "title", "shelf"})
        made = service.create(session, me(), service.NewListing(product_id=product_id, title=title, shelf=Shelf(json.shelf), **facts))
        listing_id = made.id
    return _own(listing_id).model_copy(update={"product_found_by": how}), 201


@api.get("/<int:listing_id>")
@titled(N_("一件商品"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=ListingOut, HTTP_404=Problem), tags=TAG)
def listing(listing_id: int) -> ListingOut:
    """One of the supplier's offers."""
    return _own(listing_id)


@api.get("/<int:listing_id>/versions")
@titled(N_("价格与说明的历次版本"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=VersionList, HTTP_404=Problem), tags=TAG)
def versions(listing_id: int) -> VersionList:
    """What the offer said in the last 90 days."""
    _own(listing_id)
    return VersionList(items=[VersionOut.model_validate(row) for row in prices.versions_of(db.session(), listing_id)])


@api.get("/<int:listing_id>/verdicts")
@titled(N_("闸门对一件商品的判定"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=VerdictsOut, HTTP_404=Problem), tags=TAG)
def verdicts(listing_id: int) -> VerdictsOut:
    """Every check of the gate on the offer as it stands, as the editor shows them."""
    session, offer = db.session(), _own(listing_id)
    (now,) = gate.judge_all(session, offer.supplier_id, [gate.Wish(product_id=offer.product_id, price_fen=offer.price_fen)], but=listing_id)
    version, kept = desk.verdicts_of(session, listing_id)
    reviews = desk.reviews_of(session, me(), listing_id)
    waiting = next((each for each in reviews if each.state is ReviewState.WAITING), None)
    return VerdictsOut(
        shelf=offer.shelf, reason=told.reason(desk.reason_of(session, listing_id)), now=[_check(each) for each in now],
        kept=[_check(each) for each in kept], kept_version=version,
        waiting_fen=waiting.price_fen if waiting else None, waiting_rules=list(waiting.rules) if waiting else [],
    )  # fmt: skip


def _check(verdict: Verdict) -> CheckOut:
    return CheckOut(
        rule=verdict.rule, outcome=verdict.outcome, judged=verdict.judged, version=verdict.version, facts=verdict.facts,
        sentence=told.sentence(verdict),
        way_out="" if verdict.outcome is Outcome.PASS else gettext(verdict.words.way_out),
    )  # fmt: skip


@api.put("/<int:listing_id>/price")
@titled(N_("改价"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=ListingOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def reprice(listing_id: int, json: PriceIn) -> ListingOut:
    """Set another price."""
    with commit(db.session()) as session:
        service.reprice(session, me(), listing_id, price_fen=json.price_fen, version=json.version)
    return _own(listing_id)


@api.put("/<int:listing_id>/stock")
@titled(N_("改库存"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=ListingOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def restock(listing_id: int, json: StockIn) -> ListingOut:
    """Set another stock."""
    with commit(db.session()) as session:
        service.restock(session, me(), listing_id, stock=json.stock, seen=json.seen)
    return _own(listing_id)


@api.put("/<int:listing_id>/shelf")
@titled(N_("上架、下架"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=ListingOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def shelve(listing_id: int, json: ShelfIn) -> ListingOut:
    """Put the offer on the shelf or take it off."""
    move = service.put_on_shelf if json.shelf == "on_shelf" else service.take_off_shelf
    with commit(db.session()) as session:
        move(session, me(), listing_id, version=json.version)
    return _own(listing_id)


def out(row: Shown) -> ListingOut:
    """An offer as the API tells it."""
    return ListingOut.model_validate(row)


def _own(listing_id: int) -> ListingOut:
    row = queries.by_id(db.session(), me(), listing_id)
    if row.supplier_id != me().organisation_id:
        raise Missing()
    return out(row)
