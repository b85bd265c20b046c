"""The form of a connection."""

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, SelectMultipleField, StringField, URLField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from app.kernel import regions
from app.kernel.outgoing import LONGEST_URL
from app.web.forms import Form


class ConnectionForm(Form):
    """How the own shop is reached."""

    url = URLField(_l("接口地址"), validators=[InputRequired(_l("请填写接口地址")), Length(max=LONGEST_URL)])
    client_id = StringField(_l("接口账号"), validators=[InputRequired(_l("请填写接口账号")), Length(max=80)])
    secret = PasswordField(_l("接口密钥"), validators=[Length(max=200)])
    regions = SelectMultipleField(
        _l("查询库存的地区"),
        choices=[SelectChoice(code, each.name) for code, each in regions.REGIONS.items()],
        validate_choice=False,
        validators=[Length(max=40)],
    )
