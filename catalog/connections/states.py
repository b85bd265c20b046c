"""States of a connection to a supplier's own shop, and of a good that is drawn from it."""

from enum import StrEnum

from app.kernel.errors import N_


class ConnectionState(StrEnum):
    """Whether the mall calls the shop."""

    ACTIVE = "active"
    OFF = "off"


class Job(StrEnum):
    """What is asked of a shop by the clock."""

    POOL = "pool"
    PRICE = "price"
    STOCK = "stock"


class Payment(StrEnum):
    """How an order will be paid, in the numbers that shops know: by official card (公务卡), or after acceptance (账期)."""

    CARD = "1"
    ACCOUNT_PERIOD = "2"


CONNECTION_NAMES: dict[ConnectionState, str] = {ConnectionState.ACTIVE: N_("启用"), ConnectionState.OFF: N_("已停用")}
JOB_NAMES: dict[Job, str] = {Job.POOL: N_("商品池"), Job.PRICE: N_("价格"), Job.STOCK: N_("库存")}
