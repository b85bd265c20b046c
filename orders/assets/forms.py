"""Form of an asset card."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from app.web.forms import Form


class CardForm(Form):
    """Who keeps the asset, and where."""

    keeper = StringField(_l("保管人（使用人）"), validators=[Length(max=40)])
    place = StringField(_l("存放地点"), validators=[Length(max=80)])
    serial = StringField(_l("序列号"), validators=[Length(max=80)])
