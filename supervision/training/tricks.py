"""Ten tricks that the product must refuse: who tries what, by which rule it fails, and who gets to see it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.kernel import numbers
from app.kernel.errors import N_, Missing
from app.policy import Actor, Role
from orders.approvals import service as approvals
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Judgement
from orders.payments import service as payments
from orders.purchases import queries as purchases
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import State
from orders.purchases.tables import Order
from supervision.training import forgery
from supervision.training.props import NoProps, Props, wish_for

DUTIES: Final = N_("政府采购法第61条：经办采购的人员与负责合同审核、验收的人员，职责权限明确、相互分离")
BY_SUPERVISORS: Final = N_("经办人在填单页当场看到全部判定；审批人的工作台不出现这一单；监管人员在实时订单流看到一行“阻断”并可打开全档")
BY_HIMSELF: Final = N_("办理人当场看到拒绝；订单一步未动，别人的工作台没有变化；这次尝试以演示事件记入监督日志，任何人可核验")


@dataclass(frozen=True, kw_only=True)
class Play:
    """A trick ready to be tried: who, what he does, and what must not move by it."""

    actor: Actor
    act: Callable[[], object]
    wishes: tuple[Wish, ...] = ()
    order: Order | None = None
    entry: int | None = None
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Trick:
    """One trick: the refusal's code is the one that must come, with this rule among its blocks when there is one."""

    name: str
    title: str
    what: str
    article: str
    seen_by: str
    code: str
    play: Callable[[Props], Play]
    rule: str = ""
    before: Callable[[Props], None] | None = None
    """What is prepared once and stays."""


def _cart(props: Props, *wishes: Wish) -> Play:
    key = numbers.new("SY")
    return Play(
        actor=props.buyer,
        act=lambda: submission.submit(props.session, props.buyer, wishes, key=key, gates=props.gates),
        wishes=wishes,
        key=key,
    )


def one_fen_over(props: Props) -> Play:
    """One piece on a plan line that is one fen short of it."""
    found = props.short_line()
    if found is None:
        raise AssertionError("the short plan was filed just before")
    line, listing = found
    return _cart(props, wish_for(listing, plan_line_id=line))


def split(props: Props) -> Play:
    """Two lines that together reach the direct ceiling."""
    return _cart(props, *props.split_wishes())


def without_plan(props: Props) -> Play:
    """A piece without any plan line."""
    return _cart(props, replace(props.plain_wish(), plan_line_id=None))


def wrong_category(props: Props) -> Play:
    """A piece on a plan line of another category."""
    wish, lines = props.plain_wish(), props.plan_lines()
    own = next(line["category"] for line in lines if line["plan_line_id"] == wish.plan_line_id)
    other = next((line["plan_line_id"] for line in lines if line["category"][:5] != own[:5]), None)
    if other is None:
        raise NoProps(what=N_("另一品目的计划"))
    return _cart(props, replace(wish, plan_line_id=other))


def old_price(props: Props) -> Play:
    """A cart that still says what the offer cost before its supplier raised the price."""
    listing, seen_fen = props.raised()
    line = next((line["plan_line_id"] for line in props.plan_lines(props.category_of(listing))), None)
    return _cart(props, replace(wish_for(listing, plan_line_id=line), seen_price_fen=seen_fen))


def own_approval(props: Props) -> Play:
    """A buyer who was made an approver as well approves his own order."""
    order = props.order(State.SUBMITTED)
    actor = props.also(props.buyer, Role.APPROVER)
    return Play(actor=actor, act=lambda: approvals.approve(props.session, actor, order), order=order)


def own_acceptance(props: Props) -> Play:
    """A buyer who was made an acceptor as well accepts what he ordered."""
    order = props.order(State.DELIVERED)
    actor = props.also(props.buyer, Role.ACCEPTOR)
    judgements = [Judgement(line_id=line.id, accepted=line.delivered) for line in purchases.lines_of(props.session, order)]
    return Play(actor=actor, act=lambda: deliveries.accept(props.session, actor, order, judgements), order=order)


def early_payment(props: Props) -> Play:
    """The finance officer applies for payment of goods that arrived and were not accepted."""
    order, actor = props.order(State.DELIVERED), props.someone(Role.FINANCE)
    return Play(actor=actor, act=lambda: payments.apply(props.session, actor, order), order=order)


def one_byte(props: Props) -> Play:
    """Whoever runs the machine changes one byte of the log."""
    index = props.rng.randrange(props.log.newest().size)
    return Play(actor=props.someone(Role.SYSTEM_ADMIN), act=lambda: forgery.forge(props.log, index, props.rng), entry=index)


def strange_order(props: Props) -> Play:
    """A buyer opens an order of another unit; the answer must be that for a number that nobody has."""
    number, session, actor = props.elsewhere(), props.session, props.buyer

    def look() -> object:
        try:
            purchases.by_number(session, actor, numbers.new("DD"))
        except Missing as nobodys:
            try:
                return purchases.by_number(session, actor, number)
            except Missing as refused:
                if (refused.code, refused.message, refused.facts) == (nobodys.code, nobodys.message, nobodys.facts):
                    raise
        return number

    return Play(actor=actor, act=look)


TRICKS: Final = (
    Trick(
        name="one-fen",
        title=N_("超预算一分钱"),
        what=N_("经办人用一条只差 0.01 元的采购计划提交一件商品"),
        article=N_("政府采购法第6条；预算法第13条：未列入预算的不得支出"),
        seen_by=BY_SUPERVISORS,
        code="submission.refused",
        rule="B02",
        play=one_fen_over,
        before=lambda props: props.file_short_plan(),
    ),
    Trick(
        name="split",
        title=N_("化整为零"),
        what=N_("经办人把六万元的采购拆成两行、两个地址，向同一供应商直接订购"),
        article=N_("政府采购法第28条、实施条例第28条：不得将采购化整为零"),
        seen_by=BY_SUPERVISORS,
        code="submission.refused",
        rule="P02",
        play=split,
    ),
    Trick(
        name="no-plan",
        title=N_("没有计划就买"),
        what=N_("经办人不选任何已备案的采购计划，直接提交"),
        article=N_("政府采购法第6、33条；实施条例第29条"),
        seen_by=BY_SUPERVISORS,
        code="submission.refused",
        rule="B01",
        play=without_plan,
    ),
    Trick(
        name="wrong-category",
        title=N_("挪用别的品目的计划"),
        what=N_("经办人用另一品目的计划额度买这件商品"),
        article=N_("河南省政府采购在线监管工作方案（2018）：品目与预算一致"),
        seen_by=BY_SUPERVISORS,
        code="submission.refused",
        rule="B03",
        play=wrong_category,
    ),
    Trick(
        name="old-price",
        title=N_("下单前悄悄涨价"),
        what=N_("供应商在商品进入购物车之后涨价，经办人的提交里仍是涨价前的价格"),
        article=N_("民法典第488条：变更价款是实质性变更，即为新要约"),
        seen_by=BY_SUPERVISORS,
        code="submission.refused",
        rule="PRICE",
        play=old_price,
    ),
    Trick(
        name="own-approval",
        title=N_("自己批自己的单"),
        what=N_("经办人被加授审批岗后，审批自己刚提交的订单"),
        article=DUTIES,
        seen_by=BY_HIMSELF,
        code="order.same_person",
        play=own_approval,
    ),
    Trick(
        name="own-acceptance",
        title=N_("谁买谁验"),
        what=N_("经办人被加授验收岗后，验收自己订购、刚送到的货"),
        article=DUTIES,
        seen_by=BY_HIMSELF,
        code="order.same_person",
        play=own_acceptance,
    ),
    Trick(
        name="early-payment",
        title=N_("没验收先付款"),
        what=N_("财务人员对已送达、尚未验收的订单提交支付申请"),
        article=N_("实施条例第45、51条：先验收，后支付"),
        seen_by=BY_HIMSELF,
        code="order.not_now",
        play=early_payment,
    ),
    Trick(
        name="one-byte",
        title=N_("偷改一个字节"),
        what=N_("系统管理员在监督日志的副本里改动一个字节，再按签名核验；真实日志只读不写"),
        article=N_("政府采购法第42条：采购文件不得伪造、变造、隐匿或者销毁"),
        seen_by=N_("任何人凭公钥和公开文件重算即可发现；审计命令会指出是哪一条"),
        code="journal.forged",
        play=one_byte,
    ),
    Trick(
        name="strange-order",
        title=N_("偷看别家的订单"),
        what=N_("经办人输入另一家单位真实存在的订单号；回答须与不存在的订单号一字不差"),
        article=N_("网络安全等级保护基本要求（GB/T 22239—2019）8.1.4.2 访问控制"),
        seen_by=BY_HIMSELF,
        code="missing",
        play=strange_order,
    ),
)
BY_NAME: Final = {trick.name: trick for trick in TRICKS}
