"""The people of the training province at work: whoever is next with an order takes the plain step, through the real services."""

from collections.abc import Callable
from functools import partial
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people import queries as people
from app.kernel import clock
from app.kernel.db import commit
from app.policy import Actor, Role
from orders.approvals import service as approvals
from orders.assets import service as assets
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.contracts import service as contracts
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Judgement, Piece
from orders.deliveries.tables import Shipment
from orders.payments import service as payments
from orders.payments.rules import InvoiceInput
from orders.payments.states import InvoiceKind
from orders.purchases.states import State
from orders.purchases.tables import Hold, Order, OrderLine
from supervision.training import guide

Sessions = Callable[[], Session]


class Hands:
    """Takes one step after another; who acts is looked up once."""

    def __init__(self, sessions: Sessions, rng: Random) -> None:
        self.sessions = sessions
        self.rng = rng
        self._actors: dict[tuple[Role, int], Actor] = {}

    def actor(self, session: Session, role: Role, organisation_id: int) -> Actor:
        """Whoever holds the role there."""
        if (role, organisation_id) not in self._actors:
            found = people.actor_of(session, guide.holders(session, role, organisation_id)[0], stepped_up=True)
            self._actors[role, organisation_id] = found
        return self._actors[role, organisation_id]

    def step(self, order_id: int) -> State | None:
        """Take the next plain step of an order; where it stands then, None when nobody can do anything now."""
        with self.sessions() as session:
            order = session.get_one(Order, order_id)
            take = self._next(session, order)
            if take is None:
                return None
            with commit(session):
                take(session, session.get_one(Order, order_id))
            return session.get_one(Order, order_id, populate_existing=True).state

    def forward(self, session: Session, order: Order) -> bool:
        """Take the next plain step inside the caller's transaction; tells whether there was one."""
        take = self._next(session, order)
        if take is None:
            return False
        take(session, order)
        return True

    def _next(self, session: Session, order: Order) -> Callable[[Session, Order], object] | None:
        """The step that is due."""
        lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.line_no)))
        match order.state:
            case State.HELD:
                return self._held(session, order)
            case State.SUBMITTED:
                return lambda s, o: approvals.approve(s, self.actor(s, Role.APPROVER, o.unit_id), o)
            case State.PLACED:
                return lambda s, o: contracts.confirm(s, self._clerk(s, o), o)
            case State.CONFIRMED:
                return partial(self._ship, lines)
            case State.SHIPPED:
                parcel = session.scalar(select(Shipment.number).where(Shipment.order_id == order.id, Shipment.received_at.is_(None)))
                if parcel is not None:
                    return lambda s, o: deliveries.receive(s, self.actor(s, Role.ACCEPTOR, o.unit_id), o, parcel)
                return partial(self._ship, lines)
            case State.DELIVERED:
                return partial(self._accept, lines)
            case State.ACCEPTED:
                return partial(self._invoice, lines)
            case State.INVOICED:
                return lambda s, o: payments.apply(s, self.actor(s, Role.FINANCE, o.unit_id), o)
            case State.PAID:
                return self._store if self._drafts(session, order) else None
        return None

    def _clerk(self, session: Session, order: Order) -> Actor:
        return self.actor(session, Role.ORDER_CLERK, order.supplier_id)

    def _held(self, session: Session, order: Order) -> Callable[[Session, Order], object]:
        silent = session.scalars(select(Hold.rule).where(Hold.order_id == order.id, Hold.explanation.is_(None))).all()
        if silent:
            words = dict.fromkeys(silent, "确属工作需要，附科室申请单。")
            return lambda s, o: approvals.explain(s, people.actor_of(s, o.buyer_id), o, words)
        return lambda s, o: approvals.clear(s, self.actor(s, Role.APPROVER, o.unit_id), o)

    def _ship(self, lines: list[OrderLine], session: Session, order: Order) -> None:
        pieces = [Piece(line.id, rest) for line in lines if (rest := line.quantity - line.rejected - line.shipped)]
        tracking = f"SF{self.rng.randint(10**11, 10**12 - 1)}"
        deliveries.ship(session, self._clerk(session, order), order, pieces, carrier="顺丰速运", tracking=tracking)

    def _accept(self, lines: list[OrderLine], session: Session, order: Order) -> None:
        judgements = [
            Judgement(line_id=line.id, accepted=waiting) for line in lines if (waiting := line.delivered - line.accepted - line.returned)
        ]
        deliveries.accept(session, self.actor(session, Role.ACCEPTOR, order.unit_id), order, judgements)

    def _invoice(self, lines: list[OrderLine], session: Session, order: Order) -> None:
        seller = session.get_one(Organisation, order.supplier_id).credit_code or ""
        given = InvoiceInput(
            kind=InvoiceKind.DIGITAL,
            number=f"{clock.today():%y}41{self.rng.randint(0, 10**16 - 1):016d}",
            amount_fen=sum(line.price_fen * line.accepted for line in lines),
            tax_fen=sum(line.unit_tax_fen * line.accepted for line in lines),
            buyer_title=order.invoice_title,
            buyer_tax_number=order.invoice_tax_number,
            seller_tax_number=seller,
            issued_on=clock.today(),
        )
        payments.invoice(session, self._clerk(session, order), order, given)

    def _drafts(self, session: Session, order: Order) -> list[AssetCard]:
        return list(session.scalars(select(AssetCard).where(AssetCard.order_id == order.id, AssetCard.state == CardState.DRAFT)))

    def _store(self, session: Session, order: Order) -> None:
        keeper = self.actor(session, Role.ASSET_MANAGER, order.unit_id)
        for card in self._drafts(session, order):
            assets.store(session, keeper, card, order, keeper=keeper.name, place="综合办公室")
