"""Forms of the page for people and roles."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Optional

from app.web.forms import Form


class PersonForm(Form):
    """Somebody who gets a login; the security administrator also says where."""

    organisation_code = StringField(_l("机构编码"), validators=[Optional(), Length(max=20)])
    login = StringField(_l("账号"), validators=[DataRequired(), Length(max=40)])
    name = StringField(_l("姓名"), validators=[DataRequired(), Length(max=40)])
    phone = StringField(_l("电话"), validators=[Optional(), Length(max=20)])
    roles = SelectMultipleField(_l("岗位"))


class RolesForm(Form):
    """The roles that a person holds."""

    sent = HiddenField(default="1")
    roles = SelectMultipleField(_l("岗位"))
