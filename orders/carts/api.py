"""JSON ways in: the cart, judging lines without sending them off, and sending them off."""

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, Response, current_app
from flask_babel import gettext as _
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.errors import problem, sentence, way_out
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Fen, Id, Model, Problem, idempotency_key, spec, titled
from orders.carts import queries, service
from orders.carts.queries import Row
from orders.carts.service import KEEP, Sending
from orders.comparisons import queries as comparisons
from orders.comparisons.rules import check_reasons
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import Gate, SubmissionRefused
from orders.purchases.views import spoken

api = Blueprint("carts_api", __name__, url_prefix="/api/v1")
CART, SUBMIT = ("cart",), ("submissions",)


class ItemIn(Model):
    """A line to be put into the cart; without a plan line the best one is taken."""

    listing_id: Id
    quantity: int = Field(ge=1, le=100_000)
    seen_price_fen: Fen | None = None
    plan_line_id: Id | None = None
    address_id: Id | None = None


class ItemChange(Model):
    """What is to change; fields left out stay as they are, null clears plan line or address."""

    quantity: int | None = Field(default=None, ge=1, le=100_000)
    plan_line_id: Id | None = None
    address_id: Id | None = None
    chosen: bool | None = None
    accept_price: bool = False


class PieceCount(Model):
    """How many pieces go into a line of their own; half when left out."""

    pieces: int | None = Field(default=None, ge=1, le=100_000)


class PlanOnSpot(Model):
    """A plan for a cart line; everything left out is taken from the line."""

    budget_line_id: Id | None = None
    amount_fen: Fen | None = None
    quantity: int | None = Field(default=None, ge=1, le=100_000)
    name: str | None = Field(default=None, max_length=100)


class ItemOut(Model):
    """A line of the cart with the offer as it stands now."""

    id: int
    listing_id: int
    product_id: int
    title: str
    category: str
    supplier_id: int
    supplier_name: str
    quantity: int
    seen_price_fen: int
    price_fen: int
    stock: int
    on_shelf: bool
    amount_fen: int
    plan_line_id: int | None
    address_id: int | None
    chosen: bool


class ItemList(Model):
    """The whole cart."""

    items: list[ItemOut]
    total_fen: int = Field(description=N_("勾选行按现价合计，单位：分"))


class PlanOut(Model):
    """A filed plan."""

    number: str
    plan_line_id: int | None


class LineIn(Model):
    """A line as the buyer sends it off."""

    listing_id: Id
    quantity: int = Field(ge=1, le=1_000_000)
    seen_price_fen: Fen
    plan_line_id: Id | None = None
    address_id: Id | None = None
    why: str | None = Field(default=None, max_length=40, description=N_("未选同款最低价的理由代码"))
    words: str | None = Field(default=None, max_length=200, description=N_("未选同款最低价的理由"))

    @property
    def wish(self) -> Wish:
        """For the service."""
        return Wish(**self.model_dump())


class SubmissionIn(Model):
    """Lines to be judged or sent off; `cart_item_ids` leave the cart when the submission is accepted."""

    lines: list[LineIn] = Field(min_length=1, max_length=200)
    invoice_title_id: Id | None = None
    reason: str | None = Field(default=None, max_length=300)
    cart_item_ids: list[Id] = Field(default_factory=list, max_length=200)
    comparison: str | None = Field(default=None, max_length=40, description=N_("所引比选单的编号"))

    def sending(self, key: str) -> Sending:
        """For the service."""
        return Sending(
            wishes=tuple(line.wish for line in self.lines),
            key=key,
            invoice_title_id=self.invoice_title_id,
            reason=self.reason or None,
            items=tuple(self.cart_item_ids),
            comparison=self.comparison or None,
        )


class VerdictOut(Model):
    """One check: codes and figures, and the words in the reader's language."""

    rule: str
    version: str
    outcome: str
    subject: str
    inputs: dict[str, Any]
    threshold: dict[str, Any]
    facts: dict[str, Any]
    title: str
    basis: str
    sentence: str
    way_out: str


class AssessmentOut(Model):
    """What a submission would meet now."""

    would: str = Field(description="submitted | held | refused")
    total_fen: int
    verdicts: list[VerdictOut]


class OrderMade(Model):
    """One of the orders a submission was split into."""

    number: str
    supplier_id: int
    state: str
    total_fen: int


class SubmissionOut(Model):
    """An accepted submission."""

    number: str
    orders: list[OrderMade]


def gates() -> Sequence[Gate]:
    """The rules that the supervision plugged in."""
    return cast(Sequence[Gate], current_app.extensions.get("mall.gates", ()))


# ---------------------------------------------------------------- cart


@api.get("/cart/items")
@titled(N_("购物车"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=ItemList), tags=CART)
def items() -> ItemList:
    """The caller's own cart."""
    return _cart()


@api.post("/cart/items")
@titled(N_("加入购物车"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=ItemList, HTTP_404=Problem, HTTP_422=Problem), tags=CART)
def add(json: ItemIn) -> tuple[ItemList, int]:
    """Put pieces of a listing into the cart; the same listing on the same plan line and place is merged."""
    with commit(db.session()) as session:
        service.add(session, me(), **json.model_dump())
    return _cart(), 201


@api.patch("/cart/items/<int:item_id>")
@titled(N_("修改购物车的一行"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=ItemList, HTTP_404=Problem, HTTP_422=Problem), tags=CART)
def change(item_id: int, json: ItemChange) -> ItemList:
    """Quantity, plan line, address, choice; `accept_price` takes the price of now as seen."""
    given = json.model_fields_set
    with commit(db.session()) as session:
        service.change(
            session,
            me(),
            item_id,
            quantity=json.quantity,
            plan_line_id=json.plan_line_id if "plan_line_id" in given else KEEP,
            address_id=json.address_id if "address_id" in given else KEEP,
            chosen=json.chosen,
        )
        if json.accept_price:
            service.accept_prices(session, me(), [item_id])
    return _cart()


@api.post("/cart/items/<int:item_id>/split")
@titled(N_("把一行拆成两行"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=ItemList, HTTP_404=Problem, HTTP_422=Problem), tags=CART)
def split(item_id: int, json: PieceCount) -> tuple[ItemList, int]:
    """For a listing that goes to two plan lines or two addresses."""
    with commit(db.session()) as session:
        service.split(session, me(), item_id, json.pieces)
    return _cart(), 201


@api.post("/cart/items/<int:item_id>/plan")
@titled(N_("就地备案采购计划"))
@requires(Permission.PLAN_FILE)
@spec.validate(resp=Answers(HTTP_201=PlanOut, HTTP_404=Problem, HTTP_422=Problem), tags=CART)
def file_plan(item_id: int, json: PlanOnSpot) -> tuple[PlanOut, int]:
    """File a plan for a line of the cart and draw on it."""
    with commit(db.session()) as session:
        filed = service.file_plan(session, me(), item_id, **json.model_dump())
        made = PlanOut(number=filed.number, plan_line_id=queries.item(session, me(), item_id).plan_line_id)
    return made, 201


@api.delete("/cart/items/<int:item_id>")
@titled(N_("移出购物车"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=CART)
def remove(item_id: int) -> tuple[str, int]:
    """Take a line out of the cart."""
    with commit(db.session()) as session:
        service.remove(session, me(), item_id)
    return "", 204


@api.delete("/cart/items")
@titled(N_("清空购物车"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204"), tags=CART)
def clear() -> tuple[str, int]:
    """Empty the cart."""
    with commit(db.session()) as session:
        service.clear(session, me())
    return "", 204


def _cart() -> ItemList:
    session, actor = db.session(), me()
    rows = queries.rows(session, actor, queries.entries_of(session, actor))
    return ItemList(items=[_item(row) for row in rows], total_fen=sum(row.amount_fen for row in rows if row.chosen))


def _item(row: Row) -> ItemOut:
    return ItemOut(
        id=row.item_id,
        listing_id=row.offer.listing_id,
        product_id=row.offer.product_id,
        title=row.offer.title,
        category=row.offer.category,
        supplier_id=row.offer.supplier_id,
        supplier_name=row.offer.supplier_name,
        quantity=row.wish.quantity,
        seen_price_fen=row.wish.seen_price_fen,
        price_fen=row.offer.price_fen,
        stock=row.offer.stock,
        on_shelf=row.offer.on_shelf,
        amount_fen=row.amount_fen,
        plan_line_id=row.wish.plan_line_id,
        address_id=row.wish.address_id,
        chosen=row.chosen,
    )


# ---------------------------------------------------------------- judging and sending off


@api.post("/assessments")
@titled(N_("预检：不提交，只给出全部校验结果"))
@requires(Permission.ORDER_SUBMIT)
@spec.validate(resp=Answers(HTTP_200=AssessmentOut, HTTP_404=Problem, HTTP_422=Problem), tags=SUBMIT)
def assess(json: SubmissionIn) -> AssessmentOut:
    """Every verdict on these lines as things stand now. Nothing moves, nothing is recorded."""
    wishes = [line.wish for line in json.lines]
    check_reasons([(wish.why, wish.words) for wish in wishes])
    cited = comparisons.cited(db.session(), me(), json.comparison)
    found = submission.assess(db.session(), me(), wishes, invoice_title_id=json.invoice_title_id, gates=gates(), cited=cited)
    would = "refused" if found.blocks else "held" if found.holds else "submitted"
    verdicts = [VerdictOut.model_validate(spoken(verdict)) for verdict in found.verdicts]
    return AssessmentOut(would=would, total_fen=found.total_fen, verdicts=verdicts)


@api.post("/submissions")
@titled(N_("提交订单"))
@requires(Permission.ORDER_SUBMIT)
@spec.validate(resp=Answers(HTTP_201=SubmissionOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=SUBMIT)
def submit(json: SubmissionIn) -> tuple[SubmissionOut, int] | Response:
    """Send lines off under an `Idempotency-Key`: one order per supplier, or every verdict that stands against them."""
    sending = json.sending(idempotency_key())
    try:
        with commit(db.session()) as session:
            made = service.send_off(session, me(), sending, gates())
    except (SubmissionRefused, *service.OVERTAKEN) as refused:
        with commit(db.session()) as session:
            return _refused(service.remember_refusal(session, me(), refused, sending, gates()))
    orders = [
        OrderMade(number=order.number, supplier_id=order.supplier_id, state=order.state.value, total_fen=order.total_fen)
        for order in made.orders
    ]
    return SubmissionOut(number=made.number, orders=orders), 201


def _refused(refusal: SubmissionRefused) -> Response:
    """The refusal with every verdict in codes and in words."""
    return problem(
        refusal.status,
        refusal.code,
        sentence(refusal),
        way_out=way_out(refusal),
        facts={"count": refusal.count, "attempt": refusal.attempt},
        verdicts=[spoken(verdict) for verdict in refusal.verdicts],
        detail=_("没有任何余额、库存、购物车或订单发生变化"),
    )
