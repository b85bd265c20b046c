"""Words of pages in the reader's language, as templates ask for them: some hundreds of times a page.

Flask-Babel finds domain, locale and catalogue anew at each call. Here a locale's words are kept once found, and a page is
handed the words of its reader when its rendering begins.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_babel import get_locale, get_translations
from markupsafe import Markup, escape


class Words:
    """Sentences of one language by their Chinese original, ready to be placed in a page."""

    def __init__(self, catalogue: Any) -> None:
        self.catalogue = catalogue
        self.plain: dict[str, Markup] = {}
        self.with_facts: dict[str, Markup] = {}

    def say(self, text: str, /, **facts: Any) -> Markup:
        """A sentence with its facts in it, escaped."""
        if not facts:
            return self.plain.get(text) or self._without_facts(text)
        sentence = self.with_facts.get(text) or self._found(text)
        return Markup(str.__mod__(sentence, {name: escape(fact) for name, fact in facts.items()}))  # noqa: S704 - escaped here  # nosec B704

    def write(self, text: str, /, **facts: Any) -> str:
        """The same as plain text, for whoever writes no page."""
        found = str(self.with_facts.get(text) or self._found(text))
        return found % facts if facts else found

    def count(self, one: str, many: str, /, number: int, **facts: Any) -> Markup:
        """A sentence about a number of things, in the form that the language has for that number."""
        return Markup(self.catalogue.ungettext(one, many, number)) % {"num": number, **facts}  # noqa: S704 - the product's own words  # nosec B704

    def _found(self, text: str) -> Markup:
        """Look a sentence up once; they are written by us, so as many are kept as the product has."""
        found = self.with_facts[text] = Markup(self.catalogue.ugettext(text))  # noqa: S704 - the product's own words  # nosec B704
        return found

    def _without_facts(self, text: str) -> Markup:
        found = self.plain[text] = self._found(text) % {}
        return found


_kept: dict[str, Words] = {}


def words() -> Words:
    """The words of this request's language."""
    locale = get_locale()
    language = locale.language if locale else ""
    found = _kept.get(language)
    if found is None:
        found = _kept[language] = Words(get_translations())
    return found


def gettext(text: str, /, **facts: Any) -> str:
    """A sentence in the reader's language, as plain text."""
    return words().write(text, **facts)


def install(app: Flask) -> None:
    """Let the templates of this application take their words from here."""
    app.jinja_env.globals.update(
        _=lambda text, /, **facts: words().say(text, **facts),
        gettext=lambda text, /, **facts: words().say(text, **facts),
        ngettext=lambda one, many, /, number, **facts: words().count(one, many, number, **facts),
    )

    @app.context_processor
    def of_the_reader() -> dict[str, Callable[..., Markup]]:
        """At hand in a page; macros imported without its context find the same by the globals above."""
        now = words()
        return {"_": now.say, "gettext": now.say, "ngettext": now.count}
