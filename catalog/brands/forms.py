"""What the catalogue administrator types about brands."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.web.forms import Form


class AliasForm(Form):
    """Another name of a brand."""

    name = StringField(_l("别名"), validators=[InputRequired(_l("必填")), Length(max=60)])


class BareForm(Form):
    """A button."""
