"""Input of reference prices."""

from flask_babel import lazy_gettext as _l
from wtforms import FileField
from wtforms.validators import InputRequired

from app.web.forms import Form


class TableForm(Form):
    """A table of reference prices."""

    file = FileField(_l("价格表（CSV）"), validators=[InputRequired(_l("请选择文件"))])
