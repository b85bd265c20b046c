"""What people type about a product: a field for each attribute of the profile, and documents that prove something of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.kernel.errors import N_, Invalid
from app.web.errors import sentence
from app.web.forms import Form
from catalog.products.rules import FactInput, words
from catalog.products.states import EXPIRING, FACT_NAMES, NUMBER_NAMES, FactKind
from catalog.profiles.rules import Attribute, Profile, judged
from catalog.profiles.states import AttributeKind

SPEC: Final = "spec."
FACT: Final = "fact."
_MUST: Final = InputRequired(_l("必填"))


class FactDay(Invalid):
    """A day that cannot be read."""

    code = "product.fact_day"
    message = N_("%(what)s的日期“%(day)s”应写作 2026-01-31 这样的形式")
    field: str | None = "facts"
    what: str
    day: str


@dataclass(frozen=True, kw_only=True)
class SpecField:
    """The field of one attribute: what stands in it, and what is wrong with that."""

    attribute: Attribute
    name: str
    id: str
    value: str
    error: str = ""

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What can be chosen, as it is sent and as it is shown; a value that is none of them stays in sight."""
        if self.attribute.kind is AttributeKind.YES_NO:
            return tuple((word, gettext(word)) for word in (N_("是"), N_("否")))
        extra = () if self.value in {"", *self.attribute.options} else (self.value,)
        return tuple((option, option) for option in (*self.attribute.options, *extra))

    @property
    def help(self) -> str:
        """What may be typed."""
        return self.attribute.bounds or self.attribute.pattern


@dataclass(frozen=True, kw_only=True)
class FactField:
    """The four fields of one kind of document."""

    kind: FactKind
    label: str
    number_label: str
    must_end: bool
    typed: Mapping[str, str]

    @property
    def parts(self) -> tuple[tuple[str, str, str], ...]:
        """Name, label and kind of each field."""
        ends = N_("有效期截止日") if self.must_end else N_("有效期截止日（没有的不填）")
        return (
            ("number", self.number_label, "text"), ("issuer", N_("发证机构"), "text"), ("valid_from", N_("有效期起始日"), "date"),
            ("valid_to", ends, "date"),
        )  # fmt: skip

    @property
    def is_typed(self) -> bool:
        """Whether anything stands in them."""
        return any(self.typed.values())


def read_specs(profile: Profile, form: Mapping[str, str]) -> dict[str, str]:
    """What was typed for the attributes of a profile, empty fields left out."""
    typed = ((each.name, form.get(f"{SPEC}{each.name}", "").strip()) for each in profile.asked)
    return {name: text for name, text in typed if text}


def spec_fields(profile: Profile, typed: Mapping[str, Any], *, judge: bool) -> list[SpecField]:
    """A field for each attribute that the profile asks for, with its fault when what was typed is to be judged."""
    faults = {fault.attribute: sentence(fault) for fault in judged(profile, typed)[1]} if judge else {}
    return [
        SpecField(
            attribute=each, name=f"{SPEC}{each.name}", id=f"spec-{place}", error=faults.get(each.name, ""),
            value=_field_text(each, typed.get(each.name)),
        )
        for place, each in enumerate(profile.asked)
    ]  # fmt: skip


def _field_text(attribute: Attribute, value: Any) -> str:
    if value is None:
        return ""
    text = words(value)
    return text.removesuffix(attribute.unit).strip() if attribute.kind is AttributeKind.NUMBER and attribute.unit else text


def read_facts(form: Mapping[str, str]) -> list[FactInput]:
    """The documents that were typed. Raises FactDay."""
    found = []
    for field in fact_fields(form):
        if field.is_typed:
            begins, ends = (_day(field, name) for name in ("valid_from", "valid_to"))
            found.append(FactInput(kind=field.kind, number=field.typed["number"], issuer=field.typed["issuer"]))
            found[-1] = replace(found[-1], valid_from=begins, valid_to=ends)
    return found


def fact_fields(form: Mapping[str, str]) -> list[FactField]:
    """The fields of every kind of document, with what was typed."""
    return [
        FactField(
            kind=kind, label=FACT_NAMES[kind], number_label=NUMBER_NAMES[kind], must_end=kind in EXPIRING,
            typed={name: form.get(f"{FACT}{kind.value}.{name}", "").strip() for name in ("number", "issuer", "valid_from", "valid_to")},
        )
        for kind in FactKind
    ]  # fmt: skip


def _day(field: FactField, name: str) -> date | None:
    if not (text := field.typed[name]):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FactDay(what=field.label, day=text[:20]) from None


class CorrectionForm(Form):
    """A definition put right, and why."""

    title = StringField(_l("产品名称"), validators=[_MUST, Length(max=120)])
    unit = StringField(_l("销售单位"), validators=[_MUST, Length(max=8)])
    gtin = StringField(_l("商品条码"), validators=[Length(max=20)])
    attributes = TextAreaField(_l("其他参数"), validators=[Length(max=8000)])
    imported = BooleanField(_l("进口产品"))
    reason = StringField(_l("更正理由"), validators=[_MUST, Length(max=200)])


class MergeForm(Form):
    """Which product this one really is, and why."""

    into = StringField(_l("并入的产品编号"), validators=[_MUST, Length(max=18)])
    reason = StringField(_l("合并理由"), validators=[_MUST, Length(max=200)])


class WithdrawForm(Form):
    """Why a document counts no more."""

    reason = StringField(_l("撤销理由"), validators=[_MUST, Length(max=200)])
