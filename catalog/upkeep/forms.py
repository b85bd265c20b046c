"""Input of those who look after the shelves."""

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.web.forms import Form


class ReasonForm(Form):
    """A decision against an offer, or for it after all: the supplier reads the reason."""

    reason = TextAreaField(_l("理由（供应商会看到）"), validators=[InputRequired(_l("请写明理由")), Length(max=500)])
