"""Input about reports."""

from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from app.web.forms import Form
from catalog.reports.rules import MOST
from catalog.reports.states import REPORT_KINDS

_KINDS: Final = [SelectChoice(each.value, _l(name)) for each, name in REPORT_KINDS.items()]


class ReportForm(Form):
    """What is wrong with an offer."""

    kind = RadioField(_l("举报事项"), choices=_KINDS, validators=[InputRequired(_l("请选择"))])
    words = TextAreaField(_l("情况说明"), validators=[InputRequired(_l("请写明情况")), Length(max=MOST)])


class DecisionForm(Form):
    """The keeper's answer: the reporter reads it."""

    words = TextAreaField(_l("答复（举报人会看到）"), validators=[InputRequired(_l("请写明情况")), Length(max=MOST)])
