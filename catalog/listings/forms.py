"""Input about a supplier's offers."""

from typing import Any, Final

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from app.kernel import regions
from app.web.forms import Form, YuanField, positive

_MUST: Final = InputRequired(_l("必填"))
_AFTERWARDS: Final = [SelectChoice("on_shelf", _l("立即上架")), SelectChoice("draft", _l("存为草稿"))]


def area_choices() -> list[SelectChoice]:
    """The province and its cities, to be served."""
    cities = regions.children(regions.PROVINCE)
    return [SelectChoice(regions.PROVINCE, _l("全省")), *(SelectChoice(each.code, each.name) for each in cities)]


class OfferForm(Form):
    """What the supplier says of an offer and may change later."""

    title = StringField(_l("商品名称"), validators=[_MUST, Length(max=120)])
    delivery_days = IntegerField(_l("承诺送达（日）"), default=5, validators=[_MUST, NumberRange(1, 365, _l("1 到 365 日"))])
    warranty_months = IntegerField(_l("质保（月）"), default=12, validators=[_MUST, NumberRange(0, 240, _l("0 到 240 个月"))])
    regions = SelectMultipleField(_l("供货区域"), default=[regions.PROVINCE], validators=[_MUST])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = area_choices()
        listed = {choice.value for choice in known}
        more = [code for code in self.regions.data or () if code in regions.REGIONS and code not in listed]
        self.regions.choices = [*known, *(SelectChoice(code, regions.by_code(code).name) for code in more)]


class NewOfferForm(OfferForm):
    """A new offer with the definition of its product."""

    category_code = StringField(_l("品目编码"), validators=[_MUST, Length(max=9)])
    brand = StringField(_l("品牌"), validators=[_MUST, Length(max=60)])
    model = StringField(_l("型号"), validators=[_MUST, Length(max=80)])
    unit = StringField(_l("销售单位"), validators=[_MUST, Length(max=8)])
    gtin = StringField(_l("商品条码"), validators=[Length(max=20)])
    attributes = TextAreaField(_l("其他参数"), validators=[Length(max=8000)])
    imported = BooleanField(_l("进口产品（须审批后采购）"))
    sku = StringField(_l("货号"), validators=[_MUST, Length(max=40)])
    price_fen = YuanField(_l("单价（元，含税含运）"), validators=[_MUST, positive])
    stock = IntegerField(_l("库存"), validators=[_MUST, NumberRange(0, 10_000_000, _l("0 到 10,000,000"))])
    shelf = RadioField(_l("保存后"), choices=_AFTERWARDS, default="on_shelf")


class PriceForm(Form):
    """A price typed in the list; `version` is the one that was looked at."""

    price_fen = YuanField(_l("单价（元）"), validators=[_MUST, positive])
    version = IntegerField(validators=[InputRequired()])


class StockForm(Form):
    """A stock typed in the list; `seen` is the stock that was looked at."""

    stock = IntegerField(_l("库存"), validators=[_MUST, NumberRange(0, 10_000_000, _l("0 到 10,000,000"))])
    seen = IntegerField(validators=[InputRequired()])


class ShelfForm(Form):
    """On the shelf or off it."""

    shelf = RadioField(choices=[SelectChoice("on_shelf"), SelectChoice("off_shelf")], validators=[InputRequired()])
    version = IntegerField(validators=[InputRequired()])
