"""Forms: the shape of input. Rules about the world stay in services; their refusals come back onto the form."""

import contextlib
from collections.abc import Iterator
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Field, FileField, StringField
from wtforms.validators import ValidationError

from app.kernel import money
from app.kernel.errors import Refusal
from app.web.errors import sentence


class Form(FlaskForm):
    """Base of every form; `refusals` holds what a service said no to, shown in the form's summary."""

    class Meta(FlaskForm.Meta):
        """Where the input comes from."""

        def wrap_formdata(self, form: "Form", formdata: Any) -> Any:
            """Files for the fields that take files, what was typed for all others: these would choke on anything but text."""
            if formdata is None or request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
                return None
            fields = form._unbound_fields  # noqa: SLF001 - wtforms' own form
            takers = {name for name, field in fields if issubclass(field.field_class, FileField)}
            files = [(name, file) for name, file in request.files.items(multi=True) if name in takers]
            return CombinedMultiDict((MultiDict(files), request.form)) if files else request.form

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusals: list[Refusal] = []

    @property
    def was_refused(self) -> bool:
        """Whether the input or the world refused the last attempt."""
        return bool(self.refusals or self.errors)


@contextlib.contextmanager
def refusals_on(form: Form) -> Iterator[None]:
    """Bring a refusal raised inside back onto the form, so that nothing typed is lost.

    The transaction inside has already been rolled back by `commit`.
    """
    try:
        yield
    except Refusal as refusal:
        name = getattr(refusal, "field", None)
        field = form._fields.get(name) if isinstance(name, str) else None
        if field is not None:
            field.errors = [*field.errors, sentence(refusal)]
        form.refusals.append(refusal)


class YuanField(StringField):
    """An amount typed in yuan; `data` is fen."""

    def process_data(self, value: int | None) -> None:
        """Show fen as yuan."""
        self.data = value

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read yuan into fen."""
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        self.typed = valuelist[0]
        try:
            self.data = money.parse_yuan(valuelist[0])
        except Refusal as refusal:
            self.data = None
            raise ValueError(sentence(refusal)) from refusal

    def _value(self) -> str:
        if self.data is None:
            return getattr(self, "typed", "")
        return money.yuan(self.data).replace(",", "")


def positive(_form: object, field: Field) -> None:
    """Refuse zero and less. Raises ValidationError."""
    if field.data is not None and field.data <= 0:
        raise ValidationError(_l("必须大于零"))
