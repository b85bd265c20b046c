"""Input about suppliers: decisions on their trade, where they deliver, and what narrows the library."""

from collections.abc import Mapping
from typing import Any, TypeVar

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.kernel import regions
from app.web.forms import Form
from catalog.suppliers.queries import Filters
from catalog.suppliers.states import DECISION_KIND_NAMES, DecisionKind, Scale, Standing

Kind = TypeVar("Kind", Scale, Standing)


class StandingForm(Form):
    """A decision on a supplier's standing: all of it is published; a suspension without a last day holds until it is lifted."""

    kind = SelectField(
        _l("决定"),
        choices=[SelectChoice(kind.value, _l(name)) for kind, name in DECISION_KIND_NAMES.items()],
        default=DecisionKind.SUSPENSION.value,
        validators=[Optional()],
    )
    reason = TextAreaField(_l("理由（将公开）"), validators=[InputRequired(_l("请写明理由")), Length(max=500)])
    basis = StringField(_l("法律依据"), validators=[Optional(), Length(max=200)])
    document_no = StringField(_l("决定文号"), validators=[Optional(), Length(max=60)])
    begins = DateField(_l("生效日期（可不填）"), validators=[Optional()])
    until = DateField(_l("暂停至（可不填）"), validators=[Optional()])


class LiftForm(Form):
    """Why a decision ends before its last day."""

    decision = HiddenField()
    reason = TextAreaField(_l("理由（将公开）"), validators=[InputRequired(_l("请写明理由")), Length(max=500)])

    @property
    def decision_id(self) -> int | None:
        """Which decision; the newest when none is named."""
        text = self.decision.data or ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


class AreasForm(Form):
    """Where a supplier delivers."""

    areas = SelectMultipleField(_l("供货区域"), validate_choice=False)


def area_choices() -> list[tuple[str, str]]:
    """The province and its cities, as areas to be served."""
    cities = regions.children(regions.PROVINCE)
    return [(regions.PROVINCE, gettext("全省")), *((each.code, each.name) for each in cities)]


def region_choices() -> list[tuple[str, str]]:
    """The province itself, its cities, and their counties."""
    return [(code, regions.full_name(code)) for code in sorted(regions.REGIONS)]


def filters_of(given: Mapping[str, str]) -> Filters:
    """What narrows the library, out of an address; what is unknown there is left out."""
    region = given.get("region", "")
    code = given.get("code", "").upper()
    return Filters(
        q=" ".join(given.get("q", "").split())[:60],
        region=region if region in regions.REGIONS else "",
        scale=_known(Scale, given.get("scale", "")),
        code=code if 1 <= len(code) <= 5 and code.isalnum() and code.isascii() else "",
        standing=_known(Standing, given.get("standing", "")),
    )


def address_of(filters: Filters) -> dict[str, Any]:
    """The same as part of an address."""
    plain = {
        "q": filters.q,
        "region": filters.region,
        "scale": filters.scale.value if filters.scale else "",
        "code": filters.code,
        "standing": filters.standing.value if filters.standing else "",
    }
    return {name: value for name, value in plain.items() if value}


def _known(kind: type[Kind], text: str) -> Kind | None:
    return kind(text) if text in set(kind) else None
