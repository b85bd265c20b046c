"""Forms of the organisation pages."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.accounts.organisations.rules import UNIT_KINDS
from app.kernel import regions
from app.policy import OrganisationKind
from app.web.forms import Form

KIND_NAMES = {
    OrganisationKind.UNIT: _l("采购单位"),
    OrganisationKind.SUPPLIER: _l("供应商"),
    OrganisationKind.FINANCE: _l("财政部门"),
    OrganisationKind.AGENCY: _l("集中采购机构"),
    OrganisationKind.AUDIT: _l("审计、监察机关"),
    OrganisationKind.OPERATOR: _l("平台运营机构"),
}

REGION_CHOICES = [SelectChoice(code, f"{regions.full_name(code)}（{code}）") for code in sorted(regions.REGIONS)]


class AddressForm(Form):
    """A delivery address."""

    label = StringField(_l("名称"), validators=[DataRequired(), Length(max=40)])
    region = SelectField(_l("所在区划"), choices=REGION_CHOICES)
    street = StringField(_l("详细地址"), validators=[DataRequired(), Length(max=120)])
    contact = StringField(_l("收货人"), validators=[DataRequired(), Length(max=40)])
    phone = StringField(_l("电话"), validators=[DataRequired(), Length(max=20)])
    is_default = BooleanField(_l("设为默认"))


class InvoiceTitleForm(Form):
    """An invoice title with its tax number."""

    title = StringField(_l("发票抬头"), validators=[DataRequired(), Length(max=100)])
    tax_number = StringField(_l("纳税人识别号"), validators=[DataRequired(), Length(max=20)])
    is_default = BooleanField(_l("设为默认"))


class OrganisationForm(Form):
    """An organisation to be registered."""

    kind = SelectField(_l("类别"), choices=[SelectChoice(kind.value, name) for kind, name in KIND_NAMES.items()])
    code = StringField(_l("编码"), validators=[DataRequired(), Length(max=20)])
    name = StringField(_l("名称"), validators=[DataRequired(), Length(max=100)])
    short_name = StringField(_l("简称"), validators=[Optional(), Length(max=40)])
    credit_code = StringField(_l("统一社会信用代码"), validators=[Optional(), Length(max=18)])
    region = SelectField(_l("所属区划"), choices=REGION_CHOICES)
    parent_code = StringField(_l("上级单位编码"), validators=[Optional(), Length(max=20)])
    unit_kind = SelectField(_l("单位类型"), choices=[SelectChoice("", "—"), *(SelectChoice(kind, _l(kind)) for kind in UNIT_KINDS)])
