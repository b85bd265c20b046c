"""The reader's language: Chinese, in which the texts are written, or English from the catalogue in `app/translations`.

The catalogue is read from its source when the first reader asks for English, so there is no compiled file to forget.
Chinese has one form where English has two: an English text writes `%(n)s {n:order|orders}`, and the count chooses.
"""

import re
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Domain, get_locale
from flask_login import current_user

NAMES = {"zh": "中文", "en": "English"}
COOKIE = "mall_lang"
CATALOGUE = Path(__file__).parents[1] / "translations" / "en" / "LC_MESSAGES" / "messages.po"
CHINESE = NullTranslations()
FORMS = re.compile(r"\{(\w+):([^{}|]*)\|([^{}|]*)\}")
"""`{n:order|orders}`"""


class Texts(Domain):  # type: ignore[misc]
    """Where gettext finds its texts."""

    def get_translations(self) -> NullTranslations:
        """The texts of the reader's language."""
        return english() if spoken() == "en" else CHINESE

    def gettext(self, string: str, **variables: object) -> str:
        """The text with its facts filled in."""
        text = str(self.get_translations().ugettext(string))
        return in_number(text, variables) % variables if variables else text


@cache
def english() -> Translations:
    """The English catalogue."""
    with CATALOGUE.open("rb") as source:
        catalogue = read_po(source, locale="en")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def in_number(text: str, facts: Mapping[str, object]) -> str:
    """The text with the form that each count asks for."""
    return FORMS.sub(lambda found: found[2] if str(facts.get(found[1])) == "1" else found[3], text) if "|" in text else text


def spoken() -> str:
    """The language of this answer, `zh` or `en`; commands and the worker speak Chinese."""
    if has_request_context() and "spoken" in g:
        return str(g.spoken)
    locale = get_locale()
    language = "en" if locale is not None and locale.language == "en" else "zh"
    if has_request_context():  # asked for some dozens of times a page
        g.spoken = language
    return language


def chosen() -> str:
    """What the reader wants: as stored with the person, else the cookie, else the browser. Programs say it with every request."""
    if not has_request_context():
        return "zh"
    g.language_matters = True
    wanted = request.accept_languages.best_match(list(NAMES)) or "zh"
    if request.path.startswith("/api/v"):  # its documentation is a page
        return wanted
    stored = getattr(current_user, "language", None) or request.cookies.get(COOKIE)
    return stored if stored in NAMES else wanted


def page_address() -> str:
    """The page the reader looks at, as an address on this site: to return to it after a choice."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    came = urlsplit(request.referrer or "")
    return f"{came.path}?{came.query}".rstrip("?") if came.netloc == request.host else "/"


_TEXTS = Texts()


def install(app: Flask) -> None:
    """Let gettext find its texts, and tell caches what an answer depended on. Call after Flask-Babel is bound."""
    app.extensions["babel"].instance.domain_instance = _TEXTS
    app.extensions["babel"].locale_selector = chosen
    app.jinja_env.globals.update(page_address=page_address, spoken=spoken, language_names=NAMES)

    @app.context_processor
    def language() -> dict[str, str]:
        return {"locale": spoken()}

    @app.after_request
    def tell_caches(response: Response) -> Response:
        if g.get("language_matters"):
            response.vary.update(["Accept-Language", "Cookie"])
            response.headers.setdefault("Content-Language", "en" if spoken() == "en" else "zh-CN")
        return response
