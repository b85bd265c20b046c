"""Kinds of invoices, and where a payment application stands."""

from enum import StrEnum

from app.kernel.errors import N_


class InvoiceKind(StrEnum):
    """Kind of invoice; a fully digital one (数电票) has a 20-digit number and no code."""

    DIGITAL = "digital"
    SPECIAL = "special"
    PLAIN = "plain"


class Colour(StrEnum):
    """Blue invoices charge, red ones (红字) take back."""

    BLUE = "blue"
    RED = "red"


class ApplicationState(StrEnum):
    """Where a payment application stands (支付申请)."""

    SENT = "sent"
    RETURNED = "returned"
    PASSED = "passed"
    PAID = "paid"


KIND_NAMES: dict[InvoiceKind, str] = {
    InvoiceKind.DIGITAL: N_("数电发票"),
    InvoiceKind.SPECIAL: N_("增值税专用发票"),
    InvoiceKind.PLAIN: N_("增值税普通发票"),
}

COLOUR_NAMES: dict[Colour, str] = {Colour.BLUE: N_("蓝字"), Colour.RED: N_("红字")}

STATE_NAMES: dict[ApplicationState, str] = {
    ApplicationState.SENT: N_("已提交，待国库受理"),
    ApplicationState.RETURNED: N_("国库退回"),
    ApplicationState.PASSED: N_("国库已受理，待回单"),
    ApplicationState.PAID: N_("已支付"),
}

OPEN = (ApplicationState.SENT, ApplicationState.PASSED)
"""An application that the treasury has not decided on; an order has at most one."""
