"""Forms of endpoints: where to, and of what."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, URLField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.kernel.outgoing import LONGEST_URL
from app.web.forms import Form
from orders.webhooks.rules import NAMES


class EndpointForm(Form):
    """An address and the kinds of events it is told of; the view offers those of the reader's side."""

    url = URLField(_l("回调地址"), validators=[InputRequired(_l("请填写回调地址")), Length(max=LONGEST_URL)])
    types = SelectMultipleField(
        _l("事件种类"), validate_choice=False, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )

    def offer(self, types: tuple[str, ...]) -> None:
        """Offer these kinds."""
        self.types.choices = [SelectChoice(each, _l(NAMES[each])) for each in types]
