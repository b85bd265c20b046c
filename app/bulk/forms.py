"""The shape of an upload and of the choice of columns."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import FileField

from app.web.forms import Form


class UploadForm(Form):
    """A file; what it is shows its content."""

    file = FileField(_l("文件（xlsx 或 CSV）"))


class StepForm(Form):
    """A step with nothing to fill in but the choice of columns, which each file has its own of."""

    @staticmethod
    def mapping(fields: Mapping[str, str]) -> dict[str, int]:
        """Which column of the file stands for which field: `column-<place>` holds the field's name."""
        found: dict[str, int] = {}
        for key, name in fields.items():
            place = key.removeprefix("column-")
            if key.startswith("column-") and name and place.isascii() and place.isdecimal() and len(place) < 5:
                found.setdefault(name, int(place))
        return found
