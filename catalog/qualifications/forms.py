"""Input about a document: what stands on it, and its file."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, HiddenField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.web.forms import Form
from catalog.qualifications.rules import LONGEST_ISSUER, LONGEST_NUMBER, LONGEST_REASON, Paper


class PaperForm(Form):
    """One required document; each stands on the page with ids of its own."""

    requirement = HiddenField()
    number = StringField(_l("编号"), validators=[Optional(), Length(max=LONGEST_NUMBER)])
    issuer = StringField(_l("发证机关"), validators=[Optional(), Length(max=LONGEST_ISSUER)])
    valid_from = DateField(_l("起始日期"), validators=[Optional()])
    valid_to = DateField(_l("截止日期"), validators=[Optional()])
    file = FileField(_l("文件"))

    def paper(self) -> Paper:
        """What is typed."""
        return Paper(
            number=(self.number.data or "").strip(),
            issuer=(self.issuer.data or "").strip(),
            valid_from=self.valid_from.data,
            valid_to=self.valid_to.data,
        )

    def placed(self, code: str) -> "PaperForm":
        """The same with ids that stand once on a page."""
        for field in self:
            field.id = f"{code}-{field.short_name}"
            field.label.field_id = field.id
        return self


class ReturnForm(Form):
    """Why a document is sent back."""

    reason = TextAreaField(_l("退回理由"), validators=[Length(max=LONGEST_REASON)])
