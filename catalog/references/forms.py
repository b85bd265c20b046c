"""Input of reference prices."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileRequired
from wtforms import FileField

from app.web.forms import Form


class TableForm(Form):
    """A table of reference prices."""

    file = FileField(_l("价格表（CSV）"), validators=[FileRequired(_l("请选择文件"))])
