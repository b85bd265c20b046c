"""Where an asset card stands."""

from enum import StrEnum

from app.kernel.errors import N_


class CardState(StrEnum):
    """Where a card stands."""

    DRAFT = "draft"
    STORED = "stored"
    REGISTERED = "registered"
    VOID = "void"


STATE_NAMES: dict[CardState, str] = {
    CardState.DRAFT: N_("待完善"),
    CardState.STORED: N_("已入库，待支付"),
    CardState.REGISTERED: N_("已登记"),
    CardState.VOID: N_("作废"),
}
