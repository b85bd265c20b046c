"""Forms of signing in and of one's own account."""

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, EqualTo, Length, Optional

from app.web.forms import Form


class SignInForm(Form):
    """Login, password, and a one-time code for those who have one."""

    login = StringField(_l("账号"), validators=[DataRequired(), Length(max=40)])
    password = PasswordField(_l("密码"), validators=[DataRequired(), Length(max=200)])
    code = StringField(_l("动态口令"), validators=[Optional(), Length(max=10)])


class ProofForm(Form):
    """A fresh proof of the person; its names do not meet those of the form that is kept beside it."""

    proof_password = PasswordField(_l("密码"), validators=[Length(max=200)])
    proof_code = StringField(_l("动态口令"), validators=[Length(max=10)])


class PasswordForm(Form):
    """A new password, twice."""

    current = PasswordField(_l("现用密码"), validators=[DataRequired(), Length(max=200)])
    new = PasswordField(_l("新密码"), validators=[DataRequired(), Length(max=128)])
    again = PasswordField(_l("再输一遍新密码"), validators=[DataRequired(), EqualTo("new", _l("两次输入的新密码不一致"))])


class CodeForm(Form):
    """The first code of a new authenticator."""

    code = StringField(_l("动态口令"), validators=[DataRequired(), Length(max=10)])


class DropSecondFactorForm(Form):
    """Password and code, to go without codes from now on."""

    password = PasswordField(_l("密码"), validators=[DataRequired(), Length(max=200)])
    code = StringField(_l("动态口令"), validators=[DataRequired(), Length(max=10)])


class TokenForm(Form):
    """A token for a program."""

    name = StringField(_l("用途"), validators=[DataRequired(), Length(max=60)])
    scopes = SelectMultipleField(_l("权限"), validators=[DataRequired(_l("至少勾选一项"))])
    hours = SelectField(
        _l("有效期"),
        choices=[
            SelectChoice("1", _l("1 小时")),
            SelectChoice("8", _l("8 小时")),
            SelectChoice("24", _l("1 天")),
            SelectChoice("168", _l("7 天")),
            SelectChoice("720", _l("30 天")),
            SelectChoice("2160", _l("90 天")),
        ],
        default="8",
    )
    password = PasswordField(_l("密码"), validators=[DataRequired(), Length(max=200)])
    code = StringField(_l("动态口令"), validators=[Optional(), Length(max=10)])
