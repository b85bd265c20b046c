"""What the simulated treasury must remember: the payments of the year that the province was given."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.payments.simulator.intents import Past
from orders.payments.states import ApplicationState
from orders.payments.tables import PaymentApplication
from orders.purchases.tables import Order

PORTION: Final = 2_000


def paid(session: Session) -> Iterator[Past]:
    """Every payment with a receipt, as the treasury took it."""
    query = (
        select(PaymentApplication, Order.number)
        .join(Order, Order.id == PaymentApplication.order_id)
        .where(PaymentApplication.state == ApplicationState.PAID)
        .order_by(PaymentApplication.id)
        .limit(PORTION)
    )
    last = 0
    while portion := session.execute(query.where(PaymentApplication.id > last)).all():
        for application, order in portion:
            last = application.id
            if application.intent is None or application.receipt_number is None:
                continue
            yield Past(
                intent=application.intent,
                receipt=application.receipt_number,
                amount_fen=application.amount_fen,
                destination=application.payee_account,
                metadata={"application": application.number, "order": order},
                at=application.applied_at,
            )
