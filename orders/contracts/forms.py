"""Forms of contracts: why an order is refused, why a contract should end."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from app.web.forms import Form
from orders.contracts.rules import REFUSAL_CODES


class RefuseForm(Form):
    """Why the supplier does not take the order."""

    code = RadioField(
        _l("拒单原因"),
        choices=[SelectChoice(code, _l(name)) for code, name in REFUSAL_CODES.items()],
        validate_choice=False,
    )
    note = TextAreaField(_l("补充说明（选“其他”时必填）"), validators=[Length(max=300)])


class TerminationForm(Form):
    """Why the contract should end."""

    reason = TextAreaField(_l("终止原因"), validators=[Length(max=400)])
