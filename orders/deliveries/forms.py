"""Forms of deliveries: a parcel, and an acceptance with one row for each line."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.kernel.errors import N_, Invalid
from app.web.forms import Form
from orders.deliveries.rules import Judgement, Piece, Stand


class RowsUnread(Invalid):
    """Some rows hold figures that cannot be read; each says so beside its field."""

    code = "delivery.rows_unread"
    message = N_("有 %(count)s 行填写有误，请看各行的提示")
    count: int


class ShipForm(Form):
    """Who carries the parcel; `seen` is the order's version on the page."""

    seen = IntegerField(validators=[InputRequired()])
    carrier = StringField(_l("承运单位"), validators=[DataRequired(), Length(max=40)])
    tracking = StringField(_l("运单号"), validators=[DataRequired(), Length(max=60)])


class ParcelRow(Form):
    """How many of a line are in the parcel."""

    class Meta:
        """Its token is the parcel's."""

        csrf = False

    quantity = IntegerField(_l("本次发货"), validators=[Optional(), NumberRange(min=0, max=10**9)])

    def piece(self, line_id: int) -> Piece:
        """What was typed."""
        return Piece(line_id, self.quantity.data or 0)


class AcceptForm(Form):
    """What is said of the acceptance as a whole; `seen` is the order's version on the page."""

    seen = IntegerField(validators=[InputRequired()])
    remarks = TextAreaField(_l("验收意见"), validators=[Length(max=400)])


class FindingRow(Form):
    """The finding on a line."""

    class Meta:
        """Its token is the acceptance's."""

        csrf = False

    accepted = IntegerField(_l("合格"), validators=[Optional(), NumberRange(min=0, max=10**9)])
    returned = IntegerField(_l("退回"), validators=[Optional(), NumberRange(min=0, max=10**9)])
    technical_ok = BooleanField(_l("技术符合"))
    service_ok = BooleanField(_l("服务符合"))
    safety_ok = BooleanField(_l("安全符合"))
    serials = TextAreaField(_l("序列号（逐台，空格或换行分隔）"), validators=[Length(max=4000)])
    reason = StringField(_l("退回原因"), validators=[Length(max=200)])

    def judgement(self, line_id: int) -> Judgement:
        """What was found."""
        return Judgement(
            line_id=line_id,
            accepted=self.accepted.data or 0,
            returned=self.returned.data or 0,
            technical_ok=self.technical_ok.data,
            service_ok=self.service_ok.data,
            safety_ok=self.safety_ok.data,
            serials=self.serials.data or "",
            reason=self.reason.data or "",
        )


def parcel_rows(stands: Sequence[Stand], *, blank: bool) -> dict[int, ParcelRow]:
    """One row for each line that has something to send; a blank page proposes all of it."""
    rows = [stand for stand in stands if stand.to_ship]
    if blank:
        return {each.line_id: ParcelRow(formdata=None, prefix=f"l{each.line_id}", quantity=each.to_ship) for each in rows}
    return {each.line_id: ParcelRow(prefix=f"l{each.line_id}") for each in rows}


def finding_rows(stands: Sequence[Stand], *, blank: bool) -> dict[int, FindingRow]:
    """One row for each line that has arrived and is not judged; a blank page proposes nothing but that the items are met."""
    rows = [stand for stand in stands if stand.to_judge]
    if blank:
        met = {"technical_ok": True, "service_ok": True, "safety_ok": True}
        return {each.line_id: FindingRow(formdata=None, prefix=f"l{each.line_id}", data=met) for each in rows}
    return {each.line_id: FindingRow(prefix=f"l{each.line_id}") for each in rows}
