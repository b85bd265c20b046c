"""Checks and reasons of the shelf in the reader's language."""

from flask_babel import gettext

from app.web.errors import shown
from catalog.listings.desk import Reason
from catalog.listings.verdicts import Verdict


def sentence(verdict: Verdict) -> str:
    """What a check found."""
    return str(gettext(verdict.sentence, **shown(dict(verdict.facts))))


def reason(why: Reason | None) -> str | None:
    """Why an offer was taken out of sale: what rules found is said again, what people wrote stays as they wrote it."""
    if why is None:
        return None
    return gettext("；").join(sentence(check) for check in why.checks) or why.text
