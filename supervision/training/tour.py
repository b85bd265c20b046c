"""The tour: who does what next with the tour's own order, and where. Training province only; every change of identity is an event."""

import secrets
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.accounts.people.tables import Person
from app.accounts.sessions import service as sessions
from app.kernel import outbox
from app.kernel.errors import N_
from app.kernel.events import Fact
from app.policy import ROLE_NAMES, Actor, Role
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.deliveries.tables import Shipment
from orders.purchases.states import FINAL, State
from orders.purchases.tables import Hold, Order, OrderLine
from orders.thread import queries as thread
from supervision.disclosure.tables import Notice
from supervision.training import guide

STAGES = 9
WATCHING, AUDITING, PUBLIC, DONE = "watch", "audit", "public", "done"
AFTER = {"": WATCHING, WATCHING: AUDITING, AUDITING: PUBLIC, PUBLIC: DONE, DONE: DONE}
"""What follows when the order itself needs nobody any more."""


@dataclass(frozen=True, kw_only=True)
class IdentityTaken(Fact):
    """Somebody on the tour went on as another person."""

    type: ClassVar[str] = "session.tour_identity"
    person_id: int
    login: str
    role: str
    step: int
    order: str | None


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a browser on the tour carries: its name in the log, the newest order when it began, and how far it watched."""

    name: str
    after: int
    seen: str = ""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One stop of the tour: what is to be done, by whom, and where."""

    step: int
    role: Role | None
    person_id: int | None
    title: str
    what: str
    url: str
    order: str | None = None

    @property
    def role_name(self) -> str:
        """How the role is called; the public has none."""
        return ROLE_NAMES[self.role] if self.role else N_("公众")


def begin(session: Session) -> Ticket:
    """A ticket for a new tour: the next order of the tour's buyer is the tour's own."""
    return Ticket(name=secrets.token_hex(6), after=session.scalar(select(func.max(Order.id))) or 0)


def stop(session: Session, ticket: Ticket) -> Stop:
    """Where the tour stands."""
    buyer = _person(session, Role.BUYER)
    order = session.scalar(select(Order).where(Order.id > ticket.after, Order.buyer_id == buyer).order_by(Order.id).limit(1))
    if order is None:
        return Stop(
            step=1,
            role=Role.BUYER,
            person_id=buyer,
            title=N_("下单"),
            what=N_("搜索“激光打印机”，打开一件商品，加入购物车，到购物车结算；填单页提示先比选的，点“冻结同款比选并引用”，再提交"),
            url=f"/search?q={guide.SEARCH}",
        )
    return _with(session, ticket, order, buyer)


def _with(session: Session, ticket: Ticket, order: Order, buyer: int | None) -> Stop:
    match order.state:
        case State.HELD:
            silent = select(func.count()).select_from(Hold).where(Hold.order_id == order.id, Hold.explanation.is_(None))
            if session.scalar(silent):
                return _act(session, order, 1, Role.BUYER, buyer, N_("说明"), N_("有校验挂起了订单：写一句说明"))
            return _act(session, order, 2, Role.APPROVER, None, N_("放行"), N_("看过说明后放行，订单进入审批"))
        case State.SUBMITTED:
            return _act(session, order, 2, Role.APPROVER, None, N_("审批"), N_("核对明细、预算和校验结果，审批通过"))
        case State.PLACED:
            return _act(session, order, 3, Role.ORDER_CLERK, None, N_("确认成约"), N_("供应商确认订单：合同即时成立、备案、公告"))
        case State.CONFIRMED:
            return _act(session, order, 3, Role.ORDER_CLERK, None, N_("发货"), N_("填写承运和运单号，发出全部货物"))
        case State.SHIPPED:
            waiting = select(func.count()).select_from(Shipment).where(Shipment.order_id == order.id, Shipment.received_at.is_(None))
            if not session.scalar(waiting) and _unsent(session, order):
                return _act(session, order, 3, Role.ORDER_CLERK, None, N_("发货"), N_("还有未发的货物，继续发货"))
            return _act(session, order, 4, Role.ACCEPTOR, None, N_("签收"), N_("包裹到了：签收"))
        case State.DELIVERED:
            return _act(session, order, 4, Role.ACCEPTOR, None, N_("验收"), N_("逐行核对数量和三项验收内容，签署验收"))
        case State.ACCEPTED:
            return _act(session, order, 5, Role.ORDER_CLERK, None, N_("开票"), N_("供应商按验收金额登记发票"))
        case State.INVOICED:
            return _act(session, order, 6, Role.FINANCE, None, N_("支付申请"), N_("核对合同、验收、发票、账户，提交支付申请"))
        case State.PAYING:
            return _act(session, order, 6, Role.FINANCE, None, N_("国库支付"), N_("国库正在支付，几秒后回单到达，请刷新页面"))
        case state if state in FINAL - {State.CLOSED}:
            return _last(session, ticket, order)
    return _after_payment(session, ticket, order)


def _after_payment(session: Session, ticket: Ticket, order: Order) -> Stop:
    card = session.scalar(
        select(AssetCard).where(AssetCard.order_id == order.id, AssetCard.state == CardState.DRAFT).order_by(AssetCard.id).limit(1)
    )
    if card is not None and not ticket.seen:
        manager = guide.holders(session, Role.ASSET_MANAGER, order.unit_id)
        return Stop(
            step=7,
            role=Role.ASSET_MANAGER,
            person_id=manager[0] if manager else None,
            title=N_("资产入库"),
            what=N_("填写保管人和存放地点，资产卡片随付款登记"),
            url=f"/assets/{card.number}",
            order=order.number,
        )
    return _last(session, ticket, order)


def _last(session: Session, ticket: Ticket, order: Order) -> Stop:
    """The watching and the public: nothing to do but to look."""
    supervisor = _person(session, Role.SUPERVISOR)
    if ticket.seen in ("", WATCHING):
        return Stop(
            step=8,
            role=Role.SUPERVISOR,
            person_id=supervisor,
            title=N_("在线监管"),
            what=N_("订单的每一步都在实时订单流中，带日志序号"),
            url="/watch/stream",
            order=order.number,
        )
    if ticket.seen == AUDITING:
        return Stop(
            step=8,
            role=Role.SUPERVISOR,
            person_id=supervisor,
            title=N_("订单审计"),
            what=N_("看校验记录、当时的预算和默克尔证明"),
            url=f"/watch/orders/{order.number}",
            order=order.number,
        )
    notice = session.scalar(select(Notice.number).where(Notice.order_number == order.number).order_by(Notice.id).limit(1))
    return Stop(
        step=STAGES,
        role=None,
        person_id=None,
        title=N_("信息公开"),
        what=N_("不登录也能看到合同公告并核验"),
        url=f"/portal/notices/{notice}" if notice else "/portal",
        order=order.number,
    )


def advanced(current: Stop, ticket: Ticket) -> Ticket:
    """The ticket after the traveller went on from a stop where there is only something to look at."""
    if current.step < STAGES - 1:
        return ticket
    return Ticket(name=ticket.name, after=ticket.after, seen=AFTER[ticket.seen])


def go(session: Session, current: Stop, ticket: Ticket) -> str | None:
    """Open a session for whoever is next and log it; the public has none. Returns the cookie's secret."""
    if current.person_id is None:
        return None
    return take_identity(session, current.person_id, ticket.name, step=current.step, order=current.order)


def take_identity(session: Session, person_id: int, stream: str, *, step: int = 0, order: str | None = None) -> str:
    """Open a session for one of the training province's people; every time leaves an event."""
    actor = people.actor_of(session, person_id)
    login = session.scalar(select(Person.login).where(Person.id == person_id)) or ""
    fact = IdentityTaken(person_id=person_id, login=login, role=",".join(sorted(actor.roles)), step=step, order=order)
    outbox.record(session, actor, fact, stream=f"tour/{stream}", region=actor.region, owner_id=actor.organisation_id)
    return sessions.open_for(session, person_id)


def demo_person(session: Session, login: str) -> int | None:
    """One of the logins that are shown on the sign-in page."""
    if login not in guide.LOGINS.values():
        return None
    return session.scalar(select(Person.id).where(Person.login == login))


def _act(session: Session, order: Order, step: int, role: Role, person_id: int | None, title: str, what: str) -> Stop:
    if person_id is None:
        found = guide.holders(session, role, order.supplier_id if role is Role.ORDER_CLERK else order.unit_id)
        person_id = found[0] if found else None
    actor: Actor | None = people.actor_of(session, person_id) if person_id else None
    links = thread.actions(session, actor, order) if actor else []
    url = next((link.url for link in links if link.primary), f"/orders/{order.number}")
    return Stop(step=step, role=role, person_id=person_id, title=title, what=what, url=url, order=order.number)


def _unsent(session: Session, order: Order) -> bool:
    """Whether anything of the order has not been sent yet."""
    rest = select(func.sum(OrderLine.quantity - OrderLine.rejected - OrderLine.shipped)).where(OrderLine.order_id == order.id)
    return bool(session.scalar(rest))


def _person(session: Session, role: Role) -> int | None:
    return session.scalar(select(Person.id).where(Person.login == guide.LOGINS[role]))
