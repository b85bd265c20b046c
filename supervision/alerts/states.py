"""How bad a finding is, where its handling stands, and why one is dismissed."""

from enum import StrEnum

from app.kernel.errors import N_


class Severity(StrEnum):
    """Colour = response time."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


SEVERITY_NAMES: dict[Severity, str] = {
    Severity.RED: N_("红"),
    Severity.ORANGE: N_("橙"),
    Severity.YELLOW: N_("黄"),
    Severity.BLUE: N_("蓝"),
}


class AlertState(StrEnum):
    """Where an alert stands."""

    NEW = "new"
    CLAIMED = "claimed"
    DISMISSED = "dismissed"
    CLOSED = "closed"


ALERT_STATE_NAMES: dict[AlertState, str] = {
    AlertState.NEW: N_("未领取"),
    AlertState.CLAIMED: N_("处置中"),
    AlertState.DISMISSED: N_("不成立"),
    AlertState.CLOSED: N_("办结"),
}

OPEN = (AlertState.NEW, AlertState.CLAIMED)
HANDLED = (AlertState.DISMISSED, AlertState.CLOSED)


class DismissCode(StrEnum):
    """Why a finding was none; counted to tune the rules."""

    FALSE_POSITIVE = "false_positive"
    LAWFUL = "lawful"
    DUPLICATE = "duplicate"
    BAD_INPUT = "bad_input"


DISMISS_NAMES: dict[DismissCode, str] = {
    DismissCode.FALSE_POSITIVE: N_("误报：事实不符合规则本意"),
    DismissCode.LAWFUL: N_("情况属实，但有依据、合规"),
    DismissCode.DUPLICATE: N_("与另一条预警重复"),
    DismissCode.BAD_INPUT: N_("输入数据有误"),
}
