"""Forms of the public proof page."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import TextAreaField
from wtforms.validators import Length, Optional

from app.web.forms import Form
from supervision.journal.receipts import MAX_RECEIPT


class ReceiptForm(Form):
    """A receipt, pasted or as a file."""

    receipt = TextAreaField(_l("回执内容"), validators=[Optional(), Length(max=MAX_RECEIPT)])
    file = FileField(_l("回执文件"))

    def given(self) -> bytes:
        """What was handed in; a file goes before pasted text, and no more than a receipt can hold is read."""
        if self.file.data:
            packed: bytes = self.file.data.read(MAX_RECEIPT + 1)
            return packed
        return str(self.receipt.data or "").strip().encode()
