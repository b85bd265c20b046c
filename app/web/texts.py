"""Words of pages in the reader's language, as templates ask for them: some hundreds of times a page.

Flask-Babel finds domain, locale and catalogue anew at each call. Here a language's words are kept once found, and a page is
handed the words of its reader when its rendering begins.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from app.web.language import CHINESE, english, in_number, spoken


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
        sentence = in_number(self.with_facts.get(text) or self._found(text), facts)
        return Markup(str.__mod__(sentence, {name: escape(fact) for name, fact in facts.items()}))  # noqa: S704 - escaped here  # nosec B704

    def write(self, text: str, /, **facts: Any) -> str:
        """The same as plain text, for whoever writes no page."""
        found = str(self.with_facts.get(text) or self._found(text))
        return in_number(found, facts) % facts if facts else found

    def _found(self, text: str) -> Markup:
        """Look a sentence up once; they are written by us, so as many are kept as the product has."""
        found = self.with_facts[text] = Markup(self.catalogue.ugettext(text))  # noqa: S704 - the product's own words  # nosec B704
        return found

    def _without_facts(self, text: str) -> Markup:
        found = self.plain[text] = self._found(text) % {}
        return found


@cache
def _of(language: str) -> Words:
    return Words(english() if language == "en" else CHINESE)


def words() -> Words:
    """The words of this answer's language."""
    return _of(spoken())


def gettext(text: str, /, **facts: Any) -> str:
    """A sentence in the reader's language, as plain text."""
    return words().write(text, **facts)


def install(app: Flask) -> None:
    """Let the templates of this application take their words from here."""
    app.jinja_env.globals.update(
        _=lambda text, /, **facts: words().say(text, **facts),
        gettext=lambda text, /, **facts: words().say(text, **facts),
    )

    @app.context_processor
    def of_the_reader() -> dict[str, Callable[..., Markup]]:
        """At hand in a page; macros imported without its context find the same by the globals above."""
        now = words()
        return {"_": now.say, "gettext": now.say}
