"""States of an endpoint and of a delivery."""

from enum import StrEnum

from app.kernel.errors import N_


class EndpointState(StrEnum):
    """Whether notices are sent to an endpoint."""

    ACTIVE = "active"
    OFF = "off"
    GIVEN_UP = "given_up"


class DeliveryState(StrEnum):
    """Where a notice stands on its way."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


ENDPOINT_NAMES: dict[EndpointState, str] = {
    EndpointState.ACTIVE: N_("启用"),
    EndpointState.OFF: N_("已停用"),
    EndpointState.GIVEN_UP: N_("连续失败，已自动停用"),
}

DELIVERY_NAMES: dict[DeliveryState, str] = {
    DeliveryState.WAITING: N_("待投递"),
    DeliveryState.DELIVERED: N_("已送达"),
    DeliveryState.GIVEN_UP: N_("未送达，不再重试"),
}
