"""Input about a supplier's standing."""

from flask_babel import lazy_gettext as _l
from wtforms import DateField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.web.forms import Form


class StandingForm(Form):
    """A decision on a supplier's standing: the reason is published; without a day it holds until it is lifted."""

    reason = TextAreaField(_l("理由（将公开）"), validators=[InputRequired(_l("请写明理由")), Length(max=500)])
    until = DateField(_l("暂停至（可不填）"), validators=[Optional()])
