"""What the catalogue administrator types about an attribute."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from app.kernel import clock
from app.web.forms import Form
from catalog.profiles.rules import Attribute
from catalog.profiles.states import KIND_NAMES, AttributeKind


class Dated(Form):
    """From when on a change holds, and why."""

    valid_from = DateField(_l("启用日"), default=clock.today, validators=[InputRequired(_l("必填，写作 2026-01-31"))])
    note = StringField(_l("依据或理由"), validators=[InputRequired(_l("必填")), Length(max=200)])


class AttributeForm(Dated):
    """One attribute as it is to be asked for."""

    name = StringField(_l("规格项"), validators=[InputRequired(_l("必填")), Length(max=40)])
    kind = RadioField(_l("取值"), choices=[SelectChoice(kind.value, _l(name)) for kind, name in KIND_NAMES.items()], default="text")
    unit = StringField(_l("单位"), validators=[Length(max=20)])
    options = TextAreaField(_l("选项"), validators=[Length(max=8000)])
    low = StringField(_l("下限"), validators=[Length(max=20)])
    high = StringField(_l("上限"), validators=[Length(max=20)])
    pattern = StringField(_l("格式"), validators=[Length(max=120)])
    required = BooleanField(_l("必填项"))

    def attribute(self) -> Attribute:
        """What was typed, the parts left out that the kind has no use for."""
        kind = AttributeKind(self.kind.data)
        measured = kind in {AttributeKind.NUMBER, AttributeKind.RANGE}
        options = tuple(dict.fromkeys(line.strip() for line in (self.options.data or "").splitlines() if line.strip()))
        return Attribute(
            name=(self.name.data or "").strip(), kind=kind, required=bool(self.required.data),
            unit=(self.unit.data or "").strip() if measured else "", options=options if kind is AttributeKind.LIST else (),
            low=(self.low.data or "").strip() if measured else "", high=(self.high.data or "").strip() if measured else "",
            pattern=(self.pattern.data or "").strip() if kind is AttributeKind.TEXT else "",
        )  # fmt: skip


class ArchiveForm(Dated):
    """An attribute that is asked for no more, or again."""

    name = StringField(_l("规格项"), validators=[InputRequired(_l("必填")), Length(max=40)])
    archived = BooleanField(_l("停用"))
