"""Input about questions."""

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.web.forms import Form
from catalog.questions.rules import MOST


class WordsForm(Form):
    """A question, or an answer: everybody reads it."""

    words = TextAreaField(_l("内容（公开，请勿写姓名电话）"), validators=[InputRequired(_l("必填")), Length(max=MOST)])


class HideForm(Form):
    """Why a question is taken off the page."""

    reason = TextAreaField(_l("理由（提问人和供应商会看到）"), validators=[InputRequired(_l("请写明理由")), Length(max=500)])
