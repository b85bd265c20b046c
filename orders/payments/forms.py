"""Form of an invoice as it was issued, and the month of a reconciliation."""

import re
from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from app.kernel import clock
from app.web.forms import Form, YuanField
from orders.payments.rules import InvoiceInput
from orders.payments.states import COLOUR_NAMES, KIND_NAMES, Colour, InvoiceKind


class InvoiceForm(Form):
    """What stands on the invoice; amounts are typed in yuan."""

    kind = SelectField(_l("发票种类"), choices=[SelectChoice(kind.value, _l(name)) for kind, name in KIND_NAMES.items()])
    colour = SelectField(_l("蓝字或红字"), choices=[SelectChoice(colour.value, _l(name)) for colour, name in COLOUR_NAMES.items()])
    code = StringField(_l("发票代码"), validators=[Optional(), Length(max=12)])
    number = StringField(_l("发票号码"), validators=[DataRequired(), Length(max=20)])
    amount_fen = YuanField(_l("价税合计（元）"), validators=[InputRequired()])
    tax_fen = YuanField(_l("其中税额（元）"), validators=[InputRequired()])
    buyer_title = StringField(_l("购买方名称"), validators=[DataRequired(), Length(max=100)])
    buyer_tax_number = StringField(_l("购买方纳税人识别号"), validators=[DataRequired(), Length(max=20)])
    seller_tax_number = StringField(_l("销售方纳税人识别号"), validators=[DataRequired(), Length(max=20)])
    issued_on = DateField(_l("开票日期"), validators=[DataRequired()])
    red_of = StringField(_l("对应的蓝字发票号码"), validators=[Optional(), Length(max=20)])

    def given(self) -> InvoiceInput:
        """The invoice that was typed."""
        return InvoiceInput(
            kind=InvoiceKind(self.kind.data),
            colour=Colour(self.colour.data),
            code=(self.code.data or "").strip(),
            number=self.number.data.strip(),
            amount_fen=self.amount_fen.data or 0,
            tax_fen=self.tax_fen.data or 0,
            buyer_title=self.buyer_title.data,
            buyer_tax_number=self.buyer_tax_number.data,
            seller_tax_number=self.seller_tax_number.data,
            issued_on=self.issued_on.data,
            red_of=(self.red_of.data or "").strip() or None,
        )


MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


def month_of(text: str | None) -> date:
    """The first day of a month written as 2026-11; of the present month when it says nothing readable."""
    if text and MONTH.fullmatch(text):
        return date(int(text[:4]), int(text[5:]), 1)
    return clock.today().replace(day=1)
