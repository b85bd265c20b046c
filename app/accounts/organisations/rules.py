"""What an organisation's figures must look like, and the columns of the import."""

import re
from dataclasses import dataclass

from app.kernel import credit_codes, regions
from app.kernel.errors import N_, Conflict, Invalid
from app.kernel.sheets import BadCell, Column
from app.policy import OrganisationKind

UNIT_KINDS = (N_("机关"), N_("事业单位"), N_("群团组织"), N_("其他"))
DEEPEST = 3
"""Lead unit, second level, base unit."""


class CodeTaken(Conflict):
    """Another organisation has this code or credit code."""

    code = "organisation.code_taken"
    message = N_("编码或统一社会信用代码“%(taken)s”已被登记")
    way_out = N_("核对后改用正确的编码；该机构已在册时不必重复登记")
    taken: str
    field: str | None = None


class BadCode(Invalid):
    """An organisation code has the wrong shape."""

    code = "organisation.bad_code"
    message = N_("单位编码应为 3 到 20 位数字或大写字母，可含连字符")


class WrongParent(Invalid):
    """The unit above is no purchasing unit, unknown, or already at the lowest level."""

    code = "organisation.wrong_parent"
    message = N_("上级单位“%(parent)s”不存在、不是采购单位，或已是第三级")
    way_out = N_("先登记上级单位，再登记下级；最多三级")
    parent: str


class BadPhone(Invalid):
    """A telephone number has the wrong shape."""

    code = "phone.bad"
    message = N_("电话应为 7 到 20 位数字，可含加号、空格和连字符")


class BadTaxNumber(Invalid):
    """A taxpayer's number has the wrong shape."""

    code = "tax_number.bad"
    message = N_("纳税人识别号应为 15 到 20 位数字或大写字母")


@dataclass(frozen=True, kw_only=True)
class NewOrganisation:
    """What is needed to register an organisation; units may stand below another one."""

    kind: OrganisationKind
    code: str
    name: str
    region: str
    short_name: str = ""
    credit_code: str | None = None
    parent_code: str | None = None
    unit_kind: str | None = None


def check_code(text: str) -> str:
    """An organisation code. Raises BadCode."""
    if not re.fullmatch(r"[0-9A-Z][0-9A-Z-]{2,19}", text):
        raise BadCode(field="code")
    return text


def check_phone(text: str) -> str:
    """A telephone number. Raises BadPhone."""
    if not re.fullmatch(r"[+0-9][0-9 +-]{6,19}", text):
        raise BadPhone(field="phone")
    return text


def check_tax_number(text: str) -> str:
    """A taxpayer's number; one of 18 characters is a credit code and checked as one. Raises BadTaxNumber or BadCreditCode."""
    if not re.fullmatch(r"[0-9A-Z]{15,20}", text):
        raise BadTaxNumber(field="tax_number")
    if len(text) == 18:
        credit_codes.check(text)
    return text


def _code(text: str) -> str:
    return check_code(text)


def _credit_code(text: str) -> str:
    credit_codes.check(text)
    return text


def _region(text: str) -> str:
    if text not in regions.REGIONS:
        raise BadCell(N_("没有这个行政区划代码"), N_("使用六位区划代码，如 410105（金水区）"))
    return text


def _unit_kind(text: str) -> str:
    if text not in UNIT_KINDS:
        raise BadCell(N_("没有这种单位类型"), N_("填写机关、事业单位、群团组织或其他"))
    return text


UNIT_COLUMNS = (
    Column("code", N_("单位编码"), parse=_code),
    Column("name", N_("单位名称")),
    Column("short_name", N_("简称"), required=False),
    Column("credit_code", N_("统一社会信用代码"), parse=_credit_code),
    Column("region", N_("区划代码"), parse=_region),
    Column("parent_code", N_("上级单位编码"), required=False, parse=_code),
    Column("unit_kind", N_("单位类型"), parse=_unit_kind, words=UNIT_KINDS),
)
