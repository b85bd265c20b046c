"""Input about words."""

import re

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.web.forms import Form


class SynonymForm(Form):
    """Words that mean the same, separated by commas."""

    words = StringField(_l("同义词"), validators=[InputRequired(_l("请写同义词")), Length(max=300)])

    @property
    def typed(self) -> list[str]:
        """The words one by one."""
        return re.split(r"[,，、;；\n]", self.words.data or "")
