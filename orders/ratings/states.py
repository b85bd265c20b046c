"""The two sides of an order, and when each may rate the other."""

from enum import StrEnum

from app.kernel.errors import N_
from orders.purchases.states import State


class Side(StrEnum):
    """Who rates."""

    UNIT = "unit"
    SUPPLIER = "supplier"


SIDE_NAMES: dict[Side, str] = {Side.UNIT: N_("采购单位"), Side.SUPPLIER: N_("供应商")}

RATEABLE = frozenset({State.ACCEPTED, State.INVOICED, State.PAYING, State.PAID, State.CLOSED})
"""An order is rated once its goods are accepted."""
