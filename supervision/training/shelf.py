"""What happens at the shelf when the training province opens: prices that wait for the keeper, questions of buyers, reports.

All of it goes through the product's own services, after the year was written in bulk.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.people.tables import Person, Post
from app.kernel.db import commit
from app.policy import Actor, Role
from catalog.listings import decisions, desk, service
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.states import Origin
from catalog.products.tables import Product
from catalog.questions import service as questions
from catalog.reports import service as reports
from catalog.reports.states import ReportKind
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from supervision.training.door import actor_of

KEEPER, BUYER, OTHER_BUYER, LISTER = "catalogue.zz", "buyer.zz01", "buyer.zz02", "lister.s01"
WAITING: Final = 4
"""Offers from abroad whose new price waits for the keeper; the first one is sent back."""

ASKED: Final[tuple[tuple[str, str], ...]] = (
    ("请问到货后是否上门安装？县里的办事点也送吗？", "郑州市区上门安装；县里由当地服务网点安装，送达日数与页面所写一致。"),
    ("质保期内换下来的旧件要寄回吗，运费由谁承担？", "需要寄回，往返运费由我方承担。"),
    ("可以开具与批复名称一致的发票吗？", ""),
    ("批量采购五十件以上，能否分两批送到两个地址？", ""),
)
"""Questions to one supplier and its answers; those without wait for it."""

REPORTED: Final[tuple[tuple[ReportKind, str, str], ...]] = (
    (ReportKind.DESCRIPTION, "页面写双面打印，随机说明书上没有这一功能。", ""),
    (ReportKind.PRICE, "同一型号在厂商官网便宜一成以上，请核对。", ""),
    (ReportKind.LABEL, "标注节能产品，包装上没有看到认证标志。", "已与认证公告核对，证书有效，标注属实；包装标志由厂商自愿加贴。"),
)
"""Reports of buyers and the keeper's answers; those without wait for him."""


def fill(sessions: Callable[[], Session]) -> None:
    """Let suppliers ask for prices, buyers ask and report, and the keeper decide a little of it."""
    with sessions() as session, commit(session):
        _prices(session)
    with sessions() as session, commit(session):
        offers = _live(session, actor_of(session, LISTER).organisation_id or 0, max(len(ASKED), len(REPORTED)))
        _questions(session, offers)
        _reports(session, offers)


def _prices(session: Session) -> None:
    """A lower price of goods from abroad does good, and still waits until the keeper has looked at the offer (rule P07)."""
    first = (
        select(func.min(Listing.id))
        .join(Product, Product.id == Listing.product_id)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
        .where(Listing.shelf == Shelf.ON_SHELF, Product.origin == Origin.IMPORTED, Supplier.standing == Standing.ACTIVE)
        .group_by(Listing.supplier_id)
        .order_by(func.min(Listing.id))
        .limit(WAITING)
    )
    for listing_id in session.scalars(first).all():
        listing = session.get_one(Listing, listing_id)
        service.reprice(session, _lister(session, listing.supplier_id), listing_id, price_fen=max(listing.price_fen * 97 // 100, 1))
    keeper = actor_of(session, KEEPER)
    for each in desk.waiting(session, keeper, limit=1).rows:
        decisions.send_back(session, keeper, each.id, reason="请补充进口机电产品的报关单号后再送审")


def _questions(session: Session, offers: Sequence[Listing]) -> None:
    buyer, lister = actor_of(session, BUYER), actor_of(session, LISTER)
    for offer, (words, answer) in zip(offers, ASKED, strict=False):
        asked = questions.ask(session, buyer, offer.id, words=words)
        if answer:
            questions.answer(session, lister, asked.id, words=answer)


def _reports(session: Session, offers: Sequence[Listing]) -> None:
    buyer, keeper = actor_of(session, OTHER_BUYER), actor_of(session, KEEPER)
    for offer, (kind, words, answer) in zip(offers, REPORTED, strict=False):
        made = reports.report(session, buyer, offer.id, kind=kind, words=words)
        if answer:
            reports.decide(session, keeper, made.id, upheld=False, answer=answer)


def _live(session: Session, supplier_id: int, most: int) -> Sequence[Listing]:
    query = select(Listing).where(Listing.supplier_id == supplier_id, Listing.shelf == Shelf.ON_SHELF)
    return session.scalars(query.order_by(Listing.sold.desc(), Listing.id).limit(most)).all()


def _lister(session: Session, supplier_id: int) -> Actor:
    query = select(Person.login).join(Post, Post.person_id == Person.id)
    login = session.scalars(query.where(Person.organisation_id == supplier_id, Post.role == Role.LISTER).order_by(Person.id)).first()
    assert login is not None
    return actor_of(session, login)
