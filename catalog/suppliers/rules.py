"""Why a change of a supplier's standing is refused, and how long a ban may be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from app.kernel import clock, credit_codes
from app.kernel.errors import N_, Conflict, Invalid
from app.kernel.sheets import BadCell, Column
from catalog.suppliers.states import DecisionKind, Scale, Standing

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

KINDS = (N_("电商"), N_("协议供货商"), N_("经销商"), N_("服务商"))
"""What a supplier is to the mall, as it is stored."""


LAPSED = N_("期限届满")
"""Why a decision ended by itself, as it is stored."""


def is_sme(scale: Scale) -> bool:
    """Whether an enterprise of this size is a micro, small or medium one (政府采购促进中小企业发展管理办法 2)."""
    return scale is not Scale.LARGE


@dataclass(frozen=True, kw_only=True)
class Decree:
    """A decision to be recorded; `document_no` is the paper's own number."""

    kind: DecisionKind
    reason: str
    basis: str = ""
    document_no: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class AlreadyEntered(Conflict):
    """The library holds this organisation already."""

    code = "supplier.already_entered"
    message = N_("%(name)s 已在供应商库中")
    way_out = N_("请直接维护该供应商的资料")
    name: str


class NotActive(Conflict):
    """A decision of this kind holds for this region already."""

    code = "supplier.not_active"
    message = N_("%(name)s 当前不是正常状态，不能再次暂停")
    way_out = N_("请刷新页面查看该供应商的最新状态")
    name: str


class NotSuspended(Conflict):
    """Only a decision that stands, and that the actor's region may lift, can be lifted."""

    code = "supplier.not_suspended"
    message = N_("%(name)s 没有可由您解除的暂停或禁止决定，无需恢复")
    way_out = N_("请刷新页面查看该供应商的最新状态；上级作出的决定由上级解除")
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


class EndsBeforeStart(Invalid):
    """A decision ends after it begins."""

    code = "supplier.ends_before_start"
    message = N_("截止日期须在生效日期之后")
    field: str | None = "until"


class BanNeedsItsTerm(Invalid):
    """A ban has a last day, within the years that the law gives (政府采购法 77)."""

    code = "supplier.ban_term"
    message = N_("禁止参加政府采购的期限为 %(least)s 至 %(most)s 个月，请填写截止日期")
    way_out = N_("按处罚决定书写明的期限填写")
    basis = N_("政府采购法第七十七条")
    field: str | None = "until"
    least: int
    most: int


class BanNeedsItsDecision(Invalid):
    """A ban rests on a written decision and on the law."""

    code = "supplier.ban_decision"
    message = N_("禁止参加政府采购须写明处罚决定文号和法律依据")
    way_out = N_("按处罚决定书填写文号和依据")
    field: str | None = "document_no"


class UnknownArea(Invalid):
    """Not a region of the province."""

    code = "supplier.unknown_area"
    message = N_("没有这个供货区域：%(area)s")
    way_out = N_("从列表中选择全省、市或县")
    field: str | None = "areas"
    area: str


class NoArea(Invalid):
    """A supplier delivers somewhere."""

    code = "supplier.no_area"
    message = N_("至少选择一个供货区域")
    field: str | None = "areas"


class Dishonest(Conflict):
    """The firm stands on a list of dishonest firms that is in force (rule K01)."""

    code = "supplier.dishonest"
    message = N_("%(name)s 在“%(list_name)s”内（%(document_no)s），列入期间不得参加政府采购活动")
    way_out = N_("已移出名单的，请名单发布机关更正后再办理")
    basis = N_("政府采购法第二十二条；实施条例第六十三条；规则 K01")
    name: str
    list_name: str
    document_no: str


def check_ban(decree: Decree, starts_at: datetime, *, least: int, most: int) -> None:
    """Accept a ban with its papers and a term of so many months. Raises BanNeedsItsDecision or BanNeedsItsTerm."""
    if not decree.document_no or not decree.basis:
        raise BanNeedsItsDecision(field="document_no" if not decree.document_no else "basis")
    first = clock.local(starts_at).date()
    if decree.ends_at is None or not _months_after(first, least) <= clock.local(decree.ends_at).date() <= _months_after(first, most):
        raise BanNeedsItsTerm(least=least, most=most)


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, 28))


def tidy_areas(codes: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """Regions in order, each once. Raises UnknownArea or NoArea."""
    for code in codes:
        if code not in known:
            raise UnknownArea(area=code)
    if not codes:
        raise NoArea()
    return tuple(sorted(set(codes)))


def _credit_code(text: str) -> str:
    credit_codes.check(text)
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadCell(N_("不是日期"), N_("写成 2026-01-31 的样子")) from None


DISHONEST_COLUMNS = (
    Column("credit_code", "统一社会信用代码", parse=_credit_code),
    Column("name", "名称"),
    Column("list_name", "名单"),
    Column("document_no", "文号"),
    Column("source", "来源"),
    Column("valid_from", "列入日期", parse=_day),
    Column("valid_to", "截止日期", required=False, parse=_day),
)
