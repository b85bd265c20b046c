"""Which documents apply, what a document must say, and when its end is near (rule K05)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.kernel.errors import N_, Conflict, Invalid

TITLES = (
    N_("营业执照"),
    N_("财务状况报告或资信证明"),
    N_("依法缴纳税收和社会保障资金的证明"),
    N_("前三年内没有重大违法记录的声明"),
    N_("中小企业声明函"),
    N_("增值电信业务经营许可证"),
    N_("协议供货（框架协议）入围文件"),
    N_("品牌授权书"),
    N_("医疗器械经营许可证或备案凭证"),
    N_("出版物经营许可证"),
    N_("食品经营许可证"),
    N_("保安服务许可证"),
    N_("印刷经营许可证"),
)
"""The titles of the registry that ships with the product, so that they can be read in other languages."""

LONGEST_NUMBER, LONGEST_ISSUER, LONGEST_REASON = 60, 80, 300


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A required document as it stands on a day."""

    code: str
    title: str
    supplier_kind: str | None
    prefix: str | None
    required: bool
    ends: bool
    basis: str
    valid_from: date
    valid_to: date | None
    doc_no: str


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What is typed beside the file; without a last day the document holds for long."""

    number: str
    issuer: str
    valid_from: date | None
    valid_to: date | None


class UnknownRequirement(Invalid):
    """No such document is asked for."""

    code = "qualification.unknown_requirement"
    message = N_("没有这项材料要求，或它不适用于本企业")
    way_out = N_("请刷新页面，按列出的材料上传")
    field: str | None = "requirement"


class PaperIncomplete(Invalid):
    """A document says its number, its issuer and its first day."""

    code = "qualification.incomplete"
    message = N_("请填写%(missing)s")
    missing: str


class EndMissing(Invalid):
    """Such a document has a last day."""

    code = "qualification.end_missing"
    message = N_("%(title)s 有有效期，请填写截止日期")
    way_out = N_("按证照上印的日期填写")
    field: str | None = "valid_to"
    title: str


class EndsBeforeItBegins(Invalid):
    """The last day lies before the first."""

    code = "qualification.ends_before_it_begins"
    message = N_("截止日期 %(valid_to)s 早于起始日期 %(valid_from)s")
    way_out = N_("按证照上印的日期填写")
    field: str | None = "valid_to"
    valid_from: date
    valid_to: date


class OutOfDate(Invalid):
    """The document has ended, or has not begun."""

    code = "qualification.out_of_date"
    message = N_("材料的有效期是 %(valid_from)s 至 %(valid_to)s，今天不在有效期内")
    way_out = N_("请上传现行有效的材料")
    field: str | None = "valid_to"
    valid_from: date
    valid_to: str


class NotWaiting(Conflict):
    """Somebody decided on the document, or a newer one took its place."""

    code = "qualification.not_waiting"
    message = N_("这份材料已处理或已换新，请刷新页面")


class ReasonMissing(Invalid):
    """Whoever returns a document says why."""

    code = "qualification.reason_missing"
    message = N_("请写明退回理由，供应商会看到")
    field: str | None = "reason"


def wanted_of(rows: Sequence[Wanted], kind: str | None, classes: Collection[str], on: date) -> tuple[Wanted, ...]:
    """The documents that a supplier of this kind and these classes hands in on a day; of one code the latest row."""
    latest: dict[str, Wanted] = {}
    for row in sorted(rows, key=lambda each: each.valid_from):
        in_force = row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)
        fits = row.supplier_kind in (None, kind) and (row.prefix is None or any(_touches(row.prefix, code) for code in classes))
        if in_force and fits:
            latest[row.code] = row
    return tuple(row for row in dict.fromkeys(latest.get(row.code) for row in rows) if row is not None)


def _touches(prefix: str, code: str) -> bool:
    return code.startswith(prefix) or prefix.startswith(code)


def check(wanted: Wanted, paper: Paper, on: date) -> date:
    """Accept what is typed; returns the first day. Raises PaperIncomplete, EndMissing, EndsBeforeItBegins or OutOfDate."""
    missing = [
        (name, label)
        for name, label, value in (
            ("number", N_("编号"), paper.number),
            ("issuer", N_("发证机关"), paper.issuer),
            ("valid_from", N_("起始日期"), paper.valid_from),
        )
        if not value
    ]
    if missing or paper.valid_from is None:
        raise PaperIncomplete(field=missing[0][0], missing="、".join(label for _, label in missing))
    if paper.valid_to is None and wanted.ends:
        raise EndMissing(title=wanted.title)
    if paper.valid_to is not None and paper.valid_to < paper.valid_from:
        raise EndsBeforeItBegins(valid_from=paper.valid_from, valid_to=paper.valid_to)
    if paper.valid_from > on or (paper.valid_to is not None and paper.valid_to < on):
        field = "valid_from" if paper.valid_from > on else "valid_to"
        raise OutOfDate(field=field, valid_from=paper.valid_from, valid_to=paper.valid_to.isoformat() if paper.valid_to else N_("长期"))
    return paper.valid_from


def ends_soon(valid_to: date | None, on: date, days: int) -> bool:
    """Whether a document ends within so many days, or has ended (rule K05)."""
    return valid_to is not None and valid_to <= on + timedelta(days=days)
