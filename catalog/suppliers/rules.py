"""Why a change of a supplier's standing is refused."""

from app.kernel.errors import N_, Conflict, Invalid
from catalog.suppliers.states import Scale, Standing

STANDING_NAMES: dict[Standing, str] = {
    Standing.ACTIVE: N_("正常"),
    Standing.SUSPENDED: N_("暂停交易"),
    Standing.BANNED: N_("禁止参加政府采购"),
    Standing.REMOVED: N_("已清退"),
}

SCALE_NAMES: dict[Scale, str] = {
    Scale.MICRO: N_("微型企业"),
    Scale.SMALL: N_("小型企业"),
    Scale.MEDIUM: N_("中型企业"),
    Scale.LARGE: N_("大型企业"),
}


def is_sme(scale: Scale) -> bool:
    """Whether an enterprise of this size is a micro, small or medium one (政府采购促进中小企业发展管理办法 2)."""
    return scale is not Scale.LARGE


class AlreadyEntered(Conflict):
    """The library holds this organisation already."""

    code = "supplier.already_entered"
    message = N_("%(name)s 已在供应商库中")
    way_out = N_("请直接维护该供应商的资料")
    name: str


class NotActive(Conflict):
    """Only a supplier that trades can be suspended."""

    code = "supplier.not_active"
    message = N_("%(name)s 当前不是正常状态，不能再次暂停")
    way_out = N_("请刷新页面查看该供应商的最新状态")
    name: str


class NotSuspended(Conflict):
    """Only a suspended supplier can be let trade again."""

    code = "supplier.not_suspended"
    message = N_("%(name)s 没有被暂停交易，无需恢复")
    way_out = N_("请刷新页面查看该供应商的最新状态")
    name: str


class ReasonMissing(Invalid):
    """A decision on a supplier's standing states its reason."""

    code = "supplier.reason_missing"
    message = N_("请写明理由，供应商和公众都会看到")
    field: str | None = "reason"


class EndsBeforeNow(Invalid):
    """A suspension cannot end in the past."""

    code = "supplier.ends_before_now"
    message = N_("截止日期须在今天之后")
    field: str | None = "until"
