"""Input of an application: a firm registers itself, fills in part after part; the keeper of the library says what to mend."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, PasswordField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.kernel import regions
from app.kernel.passwords import LONGEST
from app.web.forms import Form, YuanField, positive
from catalog.onboarding.rules import LONGEST_REASON
from catalog.suppliers.rules import KINDS, SCALE_NAMES

MOST_BUSINESS = 500


def home_choices() -> list[SelectChoice]:
    """Where a firm has its seat: a county or city of the province, or elsewhere."""
    places = (SelectChoice(code, regions.full_name(code)) for code in sorted(regions.REGIONS) if code != regions.PROVINCE)
    return [SelectChoice(regions.PROVINCE, _l("河南省外（由省级审核）")), *places]


class JoinForm(Form):
    """A firm that registers itself, and its first administrator."""

    name = StringField(_l("企业名称"), validators=[DataRequired(), Length(min=4, max=100)])
    credit_code = StringField(_l("统一社会信用代码"), validators=[DataRequired(), Length(max=30)])
    region = SelectField(_l("注册地"), choices=[])
    person = StringField(_l("管理员姓名"), validators=[DataRequired(), Length(max=40)])
    phone = StringField(_l("手机或电话"), validators=[DataRequired(), Length(max=20)])
    login = StringField(_l("登录账号"), validators=[DataRequired(), Length(max=40)])
    password = PasswordField(_l("密码"), validators=[DataRequired(), Length(max=LONGEST)])
    again = PasswordField(_l("再输一次密码"), validators=[DataRequired(), Length(max=LONGEST)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region.choices = home_choices()


class CompanyForm(Form):
    """What the firm is; empty fields are kept empty until it is submitted."""

    kind = SelectField(
        _l("供应商类型"),
        choices=[SelectChoice("", _l("请选择")), *(SelectChoice(each, _l(each)) for each in KINDS)],
        validators=[Optional()],
    )
    scale = SelectField(
        _l("企业规模"),
        choices=[SelectChoice("", _l("请选择")), *(SelectChoice(each.value, _l(name)) for each, name in SCALE_NAMES.items())],
        validators=[Optional()],
    )
    legal_representative = StringField(_l("法定代表人"), validators=[Optional(), Length(max=40)])
    founded_on = DateField(_l("成立日期"), validators=[Optional()])
    capital_fen = YuanField(_l("注册资本（元）"), validators=[Optional(), positive])
    address = StringField(_l("住所"), validators=[Optional(), Length(max=120)])
    business = TextAreaField(_l("经营范围"), validators=[Optional(), Length(max=MOST_BUSINESS)])


class ScopeForm(Form):
    """What the firm sells and where it delivers."""

    classes = SelectMultipleField(_l("经营品类"), choices=[])
    areas = SelectMultipleField(_l("供货区域"), validate_choice=False)


class ContactForm(Form):
    """Whom to call, and where to pay."""

    contact = StringField(_l("联系人"), validators=[Optional(), Length(max=40)])
    phone = StringField(_l("联系电话"), validators=[Optional(), Length(max=20)])
    email = StringField(_l("电子邮箱"), validators=[Optional(), Length(max=80)])
    bank_name = StringField(_l("开户银行"), validators=[Optional(), Length(max=80)])
    bank_account = StringField(_l("银行账号"), validators=[Optional(), Length(max=40)])
    payee_account = StringField(_l("国库支付收款账户"), validators=[Optional(), Length(max=60)])


class AgreementForm(Form):
    """The version that was shown, and the tick."""

    version = HiddenField()
    accepted = BooleanField(_l("我已阅读并代表本企业接受"))


class NoInput(Form):
    """A step that needs nothing but the wish."""


class ReviewForm(Form):
    """Reasons by part or document; their fields are named after what they are about."""

    @staticmethod
    def reasons() -> dict[str, str]:
        """What was typed, by subject; as long as is kept."""
        return {
            name.removeprefix("why-"): value[: LONGEST_REASON + 1] for name, value in request.form.items() if name.startswith("why-")
        }
