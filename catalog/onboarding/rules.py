"""What an application must hold before it is submitted, and why a step is refused."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from app.kernel.errors import N_, Conflict, Invalid
from catalog.onboarding.states import PART_NAMES, Part
from catalog.qualifications.rules import Wanted

LONGEST_REASON = 300
PAPER = "paper:"
"""What the subject of a remark on a required document begins with; its code follows."""

FIELD_NAMES: dict[Part, dict[str, str]] = {
    Part.COMPANY: {
        "kind": N_("供应商类型"),
        "scale": N_("企业规模"),
        "legal_representative": N_("法定代表人"),
        "founded_on": N_("成立日期"),
        "capital_fen": N_("注册资本"),
        "address": N_("住所"),
        "business": N_("经营范围"),
    },
    Part.SCOPE: {"classes": N_("经营品类"), "areas": N_("供货区域")},
    Part.CONTACT: {
        "contact": N_("联系人"),
        "phone": N_("联系电话"),
        "email": N_("电子邮箱"),
        "bank_name": N_("开户银行"),
        "bank_account": N_("银行账号"),
        "payee_account": N_("国库支付收款账户"),
    },
}
"""The fields of each part of the form, all of them needed before it is submitted."""


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What a firm says to register itself."""

    name: str
    credit_code: str
    region: str
    person: str
    phone: str
    login: str


class AlreadyRegistered(Conflict):
    """The credit code belongs to an organisation that is registered."""

    code = "onboarding.already_registered"
    message = N_("统一社会信用代码 %(credit_code)s 已经登记")
    way_out = N_("请用已有账号登录；不知道账号的，联系本企业管理员或平台运营机构")
    field: str | None = "credit_code"
    credit_code: str


class TooManyKnocks(Conflict):
    """So many attempts to register from one network address a day; the figure is a dated parameter (JOIN per_day)."""

    code = "onboarding.too_many_knocks"
    message = N_("今天从您的网络地址登记已超过 %(most)s 次，暂不受理")
    way_out = N_("请明天再试；确需今天办理的，请联系平台运营机构")
    status = 429
    most: int


class NotAFirm(Invalid):
    """The credit code is that of an organ or a public institution."""

    code = "onboarding.not_a_firm"
    message = N_("这个统一社会信用代码属于机关或群团组织，不能以供应商身份入驻")
    way_out = N_("采购单位由平台运营机构登记，请与其联系")
    field: str | None = "credit_code"


class PasswordsDiffer(Invalid):
    """The password was typed differently the second time."""

    code = "onboarding.passwords_differ"
    message = N_("两次输入的密码不一致")
    field: str | None = "again"


class NotOpen(Conflict):
    """Only a draft or a returned application is written in."""

    code = "onboarding.not_open"
    message = N_("申请已提交，审核期间不能修改")
    way_out = N_("需要修改的，先在入驻页撤回")


class NotNow(Conflict):
    """The application does not stand where this step begins."""

    code = "onboarding.not_now"
    message = N_("申请的状态已经变化，不能办理这一步")
    way_out = N_("请刷新页面查看最新状态")


class Incomplete(Conflict):
    """Parts of the application are missing."""

    code = "onboarding.incomplete"
    message = N_("还不能提交，缺少：%(missing)s")
    way_out = N_("逐项补齐后再提交，已填的内容都已保存")
    status = 422
    missing: str


class AgreementChanged(Conflict):
    """Another version of the agreement is in force than the one that was shown."""

    code = "onboarding.agreement_changed"
    message = N_("入驻协议已有新版本 %(version)s，请阅读后重新接受")
    version: str


class NotAccepted(Invalid):
    """The tick is missing."""

    code = "onboarding.agreement_not_accepted"
    message = N_("须接受入驻协议才能继续")
    field: str | None = "accepted"


class NoReason(Invalid):
    """Whoever returns an application says why, for each part that is to be mended."""

    code = "onboarding.no_reason"
    message = N_("请至少对一项写明退回理由")
    way_out = N_("在需要补正的项目下写明缺什么、怎样改")


class UnknownSubject(Invalid):
    """A reason for something that the application does not hold."""

    code = "onboarding.unknown_subject"
    message = N_("申请中没有“%(subject)s”这一项")
    way_out = N_("请刷新页面后重新填写")
    subject: str


class BadEmail(Invalid):
    """Not an address of electronic mail."""

    code = "onboarding.bad_email"
    message = N_("电子邮箱格式不正确，应为 name@example.cn 的样子")
    field: str | None = "email"


class BadAccount(Invalid):
    """Not the number of a bank account."""

    code = "onboarding.bad_account"
    message = N_("银行账号应为 8 到 30 位数字")
    field: str | None = "bank_account"


class BadPayeeAccount(Invalid):
    """Not an account of the treasury's gateway."""

    code = "onboarding.bad_payee_account"
    message = N_("收款账户应为 6 到 60 位字母、数字或下划线")
    way_out = N_("按国库支付平台开户通知书填写，例如 acct_1A2b3C")
    field: str | None = "payee_account"


class FoundedLater(Invalid):
    """A firm is founded before it applies."""

    code = "onboarding.founded_later"
    message = N_("成立日期不能晚于今天")
    field: str | None = "founded_on"


def mark(secret: str, on: date, address: str) -> str:
    """Tells one network address from another on one day; without the secret nobody finds the address by it."""
    return hashlib.blake2b(f"{on}|{address}".encode(), key=secret.encode()[:64], digest_size=12).hexdigest()


def check_email(text: str) -> str:
    """An address of electronic mail. Raises BadEmail."""
    if not re.fullmatch(r"[A-Za-z0-9._%+-]{1,40}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text) or len(text) > 80:
        raise BadEmail()
    return text


def check_account(text: str) -> str:
    """The number of a bank account, typed with spaces or without. Raises BadAccount."""
    plain = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{8,30}", plain):
        raise BadAccount()
    return plain


def check_payee_account(text: str) -> str:
    """An account of the treasury's gateway. Raises BadPayeeAccount."""
    if not re.fullmatch(r"[A-Za-z0-9_]{6,60}", text):
        raise BadPayeeAccount()
    return text


def check_founded(day: date, today: date) -> date:
    """The day on which a firm was founded. Raises FoundedLater."""
    if day > today:
        raise FoundedLater()
    return day


def missing(
    written: Mapping[str, object], wanted: Collection[Wanted], handed_in: Collection[str], *, agreed: str | None, agreement: str
) -> dict[Part, tuple[str, ...]]:
    """What each part still lacks, in the order of the form; empty when the application can be submitted.

    `handed_in` are the codes of documents that are there and in force, `agreed` the accepted version of the agreement.
    """
    found: dict[Part, tuple[str, ...]] = {}
    for part, names in FIELD_NAMES.items():
        found[part] = tuple(label for name, label in names.items() if written.get(name) in (None, ""))
    found[Part.PAPERS] = tuple(each.title for each in wanted if each.required and each.code not in handed_in)
    found[Part.AGREEMENT] = () if agreed == agreement else (PART_NAMES[Part.AGREEMENT],)
    return {part: lacking for part, lacking in found.items() if lacking}
