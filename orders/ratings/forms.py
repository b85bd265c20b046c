"""Form of a rating."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from app.web.forms import Form


class RatingForm(Form):
    """One to five, with words."""

    score = RadioField(
        _l("评分"),
        choices=[
            SelectChoice("5", _l("5 分 很满意")),
            SelectChoice("4", _l("4 分 满意")),
            SelectChoice("3", _l("3 分 一般")),
            SelectChoice("2", _l("2 分 不满意")),
            SelectChoice("1", _l("1 分 很不满意")),
        ],
        validate_choice=False,
    )
    words = TextAreaField(_l("说明（3 分以下必填）"), validators=[Length(max=400)])
