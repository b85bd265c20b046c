"""When an order must be paid, what an invoice must carry, and what stands between an application and its payment.

Amounts in fen. "No procurement, no payment" is NP1 and NP2: contract filed, goods accepted, invoices in, and the payee is the
contract's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from app.kernel import money, workdays
from app.kernel.errors import N_, Conflict, Invalid
from orders.payments.states import Colour, InvoiceKind

SME_RULE, MALL_RULE = "sme", "mall"

RULE_NAMES: dict[str, str] = {
    SME_RULE: N_("中小企业：自验收合格之日起；拖延验收的，自约定验收期满之日起"),
    MALL_RULE: N_("商城：自验收合格并收到发票之日起"),
}

RETURN_REASONS: dict[str, str] = {
    "treasury_refused": N_("国库审核未通过"),
    "card_declined": N_("付款账户拒绝支付"),
    "insufficient_funds": N_("付款账户余额不足"),
    "canceled": N_("支付通道撤销"),
    "amount_differs": N_("通道金额与申请金额不一致"),
}

PAUSE_AFTER = 5
"""Failures in a row after which nothing more is sent: fewer could be one application's bad luck, more only keep callers waiting."""
PROBE_EVERY = timedelta(seconds=20)
"""How long a silent gateway is left alone; with reconciliation every 20 s all is decided within a minute after it is back."""
LONGEST_PAUSE_S = 20
"""An application that failed by itself is tried again after at most this long."""

STILL_BLOCKED = "payment.still_blocked"
"""The trouble of a returned application whose money the gateway has not let go."""

TROUBLES: dict[str, str] = {
    STILL_BLOCKED: N_("款项仍被支付通道占用，系统自动撤销"),
    "payment.gateway_unavailable": N_("支付通道暂时无法连接，系统自动重试"),
    "payment.outcome_unknown": N_("支付通道尚未给出结果，系统用同一请求号继续核对"),
    "payment.key_reused": N_("请求号冲突，请联系系统管理员"),
    "payment.not_admitted": N_("支付通道不接受本平台的密钥，请系统管理员核对后自动重试"),
}


# ---------------------------------------------------------------- reconciliation


class Difference(StrEnum):
    """How the two sides of a payment differ."""

    NONE = "none"
    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    AMOUNT = "amount_differs"
    DOUBLE = "charged_twice"


SETTLING = timedelta(seconds=60)
"""A charge as young as this may still be on its way into our books: it is not missing here yet."""

DIFFERENCES: dict[Difference, tuple[str, str]] = {
    Difference.MISSING_THERE: (
        N_("国库没有这笔款"),
        N_("凭回单号向国库核实；核实前不要重新申请支付"),
    ),
    Difference.MISSING_HERE: (
        N_("国库已扣款，本系统未记已付"),
        N_("系统每 20 秒自动核对未办结的申请；申请已退回或不存在的，请国库退款或书面说明"),
    ),
    Difference.AMOUNT: (
        N_("金额不一致"),
        N_("以备案合同和验收金额为准，请国库补付或退回差额"),
    ),
    Difference.DOUBLE: (
        N_("同一申请扣款两次"),
        N_("请国库退回未被本系统认领的这一笔，退回后自动消除"),
    ),
}
"""What a difference is, and the way out."""


# ---------------------------------------------------------------- invoices


class BadInvoiceNumber(Invalid):
    """数电票 has a 20-digit number and no code; paper invoices have an 8-digit number and a code of 10 or 12 digits."""

    code = "invoice.bad_number"
    message = N_("发票号码或代码的位数不对：数电发票为 20 位号码、没有代码；其他发票为 8 位号码和 10 或 12 位代码")
    field: str | None = "number"


class InvoiceUsed(Conflict):
    """The invoice has been recorded for some order (rule A03)."""

    code = "invoice.used"
    message = N_("发票 %(number)s 已登记过，不能重复使用")
    field: str | None = "number"
    number: str


class BuyerDiffers(Conflict):
    """The buyer on the invoice is not the unit of the order (rule A03)."""

    code = "invoice.buyer_differs"
    message = N_("购买方应为 %(title)s（%(tax_number)s）")
    way_out = N_("请按订单的开票信息重新开具")
    field: str | None = "buyer_title"
    title: str
    tax_number: str


class SellerDiffers(Conflict):
    """The seller on the invoice is not the supplier of the order (rule A03)."""

    code = "invoice.seller_differs"
    message = N_("销售方纳税人识别号应为 %(tax_number)s")
    field: str | None = "seller_tax_number"
    tax_number: str


class InvoiceTooLarge(Conflict):
    """Invoices may not exceed what was accepted (rule A03)."""

    code = "invoice.too_large"
    message = N_("验收合格 %(accepted)s 元，已开票 %(invoiced)s 元，本张不能超过 %(open)s 元")
    field: str | None = "amount_fen"
    accepted_fen: int
    invoiced_fen: int
    open_fen: int


class BadTax(Invalid):
    """Tax is part of the amount."""

    code = "invoice.bad_tax"
    message = N_("税额应小于价税合计")
    field: str | None = "tax_fen"


class IssuedLater(Invalid):
    """An invoice cannot be dated in the future."""

    code = "invoice.issued_later"
    message = N_("开票日期不能晚于今天")
    field: str | None = "issued_on"


class RedNotLinked(Invalid):
    """A red invoice takes back a blue one of the same order, at most its amount."""

    code = "invoice.red_not_linked"
    message = N_("红字发票须对应本订单的一张蓝字发票，且累计冲红不超过其金额")
    field: str | None = "red_of"


@dataclass(frozen=True, kw_only=True)
class InvoiceInput:
    """An invoice as it was issued; amounts in fen, tax included. `red_of` is the number of the blue one taken back."""

    kind: InvoiceKind
    number: str
    amount_fen: int
    tax_fen: int
    buyer_title: str
    buyer_tax_number: str
    seller_tax_number: str
    issued_on: date
    code: str = ""
    colour: Colour = Colour.BLUE
    red_of: str | None = None


def check_invoice(given: InvoiceInput, *, title: str, tax_number: str, seller: str, today: date) -> None:
    """Form and parties of an invoice. Raises BadInvoiceNumber, BuyerDiffers, SellerDiffers, BadTax, IssuedLater, RedNotLinked."""
    digits = given.number.isascii() and given.number.isdigit()
    if given.kind is InvoiceKind.DIGITAL:
        fits = digits and len(given.number) == 20 and not given.code
    else:
        fits = digits and len(given.number) == 8 and given.code.isascii() and given.code.isdigit() and len(given.code) in (10, 12)
    if not fits:
        raise BadInvoiceNumber()
    if (given.buyer_title.strip(), given.buyer_tax_number.strip().upper()) != (title, tax_number.upper()):
        raise BuyerDiffers(title=title, tax_number=tax_number)
    if given.seller_tax_number.strip().upper() != seller.upper():
        raise SellerDiffers(tax_number=seller)
    if not 0 <= given.tax_fen < given.amount_fen:
        raise BadTax()
    if given.issued_on > today:
        raise IssuedLater()
    if (given.colour is Colour.RED) != bool(given.red_of):
        raise RedNotLinked()


# ---------------------------------------------------------------- the payment clock


@dataclass(frozen=True, kw_only=True)
class Due:
    """When an order must be paid: counted from which day, for how long, by which rule and document."""

    base_on: date
    due_on: date
    days: int
    rule: str
    document_number: str


def due_to_sme(*, accepted_on: date, acceptance_ended_on: date, days: int, document_number: str) -> Due:
    """An SME is paid within the contract's days of acceptance, but never counted from later than the end of the time agreed for it.

    An invoice does not delay it (保障中小企业款项支付条例 9, 10).
    """
    base = min(accepted_on, acceptance_ended_on)
    due = workdays.calendar().add_days(base, days).on
    return Due(base_on=base, due_on=due, days=days, rule=SME_RULE, document_number=document_number)


def due_to_others(*, accepted_on: date, invoiced_on: date, days: int, document_number: str) -> Due:
    """Others are paid within the mall's days of acceptance and invoice, whichever came later."""
    base = max(accepted_on, invoiced_on)
    due = workdays.calendar().add_days(base, days).on
    return Due(base_on=base, due_on=due, days=days, rule=MALL_RULE, document_number=document_number)


# ---------------------------------------------------------------- the checks before a payment


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a payment application: what it looked at, what it needs, whether it is met."""

    rule: str
    title: str
    basis: str
    met: bool
    figure: str
    bound: str
    way_out: str

    def as_dict(self) -> dict[str, Any]:
        """The form that programs get."""
        return {"rule": self.rule, "outcome": "pass" if self.met else "block", "figure": self.figure, "bound": self.bound}


class PaymentRefused(Conflict):
    """At least one check is not met: every failing one comes with it, and nothing was applied for."""

    code = "payment.checks_failed"
    message = N_("支付申请未被接受：%(count)s 项检查未通过")
    way_out = N_("请按每项提示补齐后再次申请")
    status = 422
    count: int
    verdicts: tuple[Check, ...]


class ApplicationOpen(Conflict):
    """The treasury has not decided on an earlier application; a second one could pay twice."""

    code = "payment.application_open"
    message = N_("支付申请 %(application)s 尚未办结，不能重复申请")
    way_out = N_("请等待国库回单或退回")
    application: str


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a payment stands on; amounts in fen."""

    filing_number: str | None
    contract_fen: int
    accepted_fen: int
    acceptance_number: str | None
    open_pieces: int
    invoiced_fen: int
    paid_fen: int
    contract_payee: tuple[str, str, str] | None
    present_payee: tuple[str, str, str]


def check_payment(ground: Ground) -> tuple[Check, ...]:
    """NP1 and NP2 with rules B07, A01, A02 and A03: every check, met or not, in the order people read them."""
    yuan = money.yuan
    return (
        Check(
            rule="B07",
            title=N_("合同已备案"),
            basis=N_("无采购不支付；政府采购法第47条"),
            met=ground.filing_number is not None,
            figure=ground.filing_number or "—",
            bound="",
            way_out=N_("没有备案合同的款项不能支付"),
        ),
        Check(
            rule="A01",
            title=N_("先验收后支付"),
            basis=N_("政府采购法实施条例第45、51条"),
            met=ground.acceptance_number is not None and not ground.open_pieces and ground.accepted_fen > 0,
            figure=ground.acceptance_number or "—",
            bound=yuan(ground.accepted_fen),
            way_out=N_("请先完成全部货物的验收"),
        ),
        Check(
            rule="A03",
            title=N_("发票金额不少于应付金额"),
            basis=N_("蓝字减红字；河南省政府采购网上商城规则第二十条"),
            met=ground.invoiced_fen >= ground.accepted_fen,
            figure=yuan(ground.invoiced_fen),
            bound=yuan(ground.accepted_fen),
            way_out=N_("请供应商补开发票"),
        ),
        Check(
            rule="A02",
            title=N_("收款人与账户和合同一致"),
            basis=N_("付款与合同不符"),
            met=ground.contract_payee is not None and ground.contract_payee == ground.present_payee,
            figure="，".join(ground.present_payee[:2] if ground.present_payee == ground.contract_payee else ground.present_payee),
            bound="" if ground.present_payee == ground.contract_payee else "，".join(ground.contract_payee or ()),
            way_out=N_("供应商账户在签约后变更的，请双方先办理书面补充并恢复一致"),
        ),
        Check(
            rule="A02",
            title=N_("累计支付不超过合同金额"),
            basis=N_("政府采购法第49条"),
            met=ground.paid_fen + ground.accepted_fen <= ground.contract_fen,
            figure=yuan(ground.paid_fen + ground.accepted_fen),
            bound=yuan(ground.contract_fen),
            way_out=N_("超过合同金额的部分不能支付"),
        ),
    )


def failing(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Those that are not met."""
    return tuple(check for check in checks if not check.met)
