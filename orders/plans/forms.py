"""Forms of plans: what is to be filed, line by line, and why one is sent back."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from app.kernel.errors import N_, Invalid
from app.web.forms import Form, YuanField
from orders.plans.rules import REASON_NAMES


class LinesUnread(Invalid):
    """Some lines hold figures that cannot be read; each says so beside its field."""

    code = "plan.lines_unread"
    message = N_("有 %(count)s 行明细填写有误，请看各行的提示")
    count: int


class PlanForm(Form):
    """The plan as a whole; its lines are forms of their own."""

    title = StringField(_l("计划名称"), validators=[DataRequired(), Length(max=80)])


class LineForm(Form):
    """What is to be planned on one budget line; an empty line is left out."""

    class Meta:
        """Its token is the plan's."""

        csrf = False

    name = StringField(_l("名称"), validators=[Optional(), Length(max=80)])
    category = StringField(_l("品目编码"), validators=[Optional(), Length(max=9)])
    quantity = IntegerField(_l("数量"), validators=[Optional(), NumberRange(min=1, max=10**9)])
    amount = YuanField(_l("金额（元）"))

    @property
    def is_filled(self) -> bool:
        """Whether anything was asked of this line."""
        return any(field.data is not None or bool(field.raw_data and field.raw_data[0].strip()) for field in (self.quantity, self.amount))


def line_forms(ids: Iterable[tuple[int, str, str]], *, blank: bool) -> dict[int, LineForm]:
    """One form for each budget line (id, name, category), with what was typed unless a blank page is wanted."""
    forms: dict[int, LineForm] = {}
    for budget_line_id, name, category in ids:
        prefix = f"l{budget_line_id}"
        forms[budget_line_id] = (
            LineForm(formdata=None, prefix=prefix, name=name, category=category)
            if blank
            else LineForm(prefix=prefix, name=name, category=category)
        )
    return forms


class ReturnForm(Form):
    """Why a plan is sent back, and what must be corrected."""

    reason = SelectField(
        _l("退回原因"),
        choices=[SelectChoice("", _l("请选择")), *(SelectChoice(reason.value, _l(name)) for reason, name in REASON_NAMES.items())],
    )
    note = TextAreaField(_l("需要补正的内容"), validators=[Length(max=400)])
