"""Forms of the alert queue: a dismissal with its code, a conclusion in words."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from app.web.forms import Form
from supervision.alerts.states import DISMISS_NAMES


class DismissForm(Form):
    """Why a finding is none."""

    code = RadioField(_l("不成立的原因"), validators=[Optional()])
    note = TextAreaField(_l("补充说明"), validators=[Optional(), Length(max=1000)])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.code.choices = [SelectChoice(value=code.value, label=_(name)) for code, name in DISMISS_NAMES.items()]


class CloseForm(Form):
    """What was verified and done."""

    note = TextAreaField(_l("核实情况与处理结果"), validators=[Optional(), Length(max=2000)])
