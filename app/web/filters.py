"""What templates write with: money, times, shares, icons and the addresses of own files."""

import hashlib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from flask import Flask, current_app, has_request_context, request, url_for
from flask_babel import gettext as _gettext
from markupsafe import Markup

from app.kernel import clock, money
from app.web import errors, figures
from app.web.language import spoken
from app.web.pictures import symbol_of

NOTHING = "—"


def gettext(text: str, **facts: object) -> str:
    """The text in the reader's language."""
    return str(_gettext(text, **facts))


def fen(amount: int | None, *, sign: bool = False) -> str:
    """Fen as yuan, `1,234.56`; with `sign` the ¥ in front; a dash for none."""
    if amount is None:
        return NOTHING
    words = money.yuan(amount).replace("-", "−")
    return f"¥{words}" if sign else words


def wan(amount: int | None) -> str:
    """Fen in the unit of large figures, 10,000 yuan (in English 1,000 yuan, as English counts); a dash for none."""
    return NOTHING if amount is None else f"{in_thousands(amount):,.1f}".replace("-", "−") if spoken() == "en" else money.wan(amount)


def large(amount: int) -> float:
    """The same figure for a chart."""
    return in_thousands(amount) if spoken() == "en" else round(amount / 10_000_00, 2)


def in_thousands(amount: int) -> float:
    """Fen in units of 1,000 yuan."""
    return money.half_up(amount, 10_000) / 10


def axis(amount: int) -> str:
    """Fen on an axis: 万 above 10,000 yuan (in English thousands), without needless zeros."""
    if abs(amount) >= 10_000_00:
        if spoken() == "en":
            return f"{in_thousands(amount):,.1f}".removesuffix(".0") + "k"
        return gettext("%(n)s 万", n=money.wan(amount).rstrip("0").rstrip("."))
    return money.yuan(amount).removesuffix(".00")


def when(moment: datetime | None, form: Literal["short", "full", "time"] = "short") -> str:
    """A moment on the local wall clock: `11-24 09:12`, in full `2026-11-24 09:12:31`, the time alone `09:12`."""
    if moment is None:
        return NOTHING
    return clock.local(moment).strftime({"short": "%m-%d %H:%M", "full": "%Y-%m-%d %H:%M:%S", "time": "%H:%M"}[form])


def day(value: date | datetime | None, form: Literal["full", "short"] = "full") -> str:
    """A day, `2026-11-24`, or short `11-24`; a moment is taken on the local calendar."""
    if value is None:
        return NOTHING
    local = clock.local(value).date() if isinstance(value, datetime) else value
    return local.isoformat() if form == "full" else local.strftime("%m-%d")


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return gettext("不到 1 分钟")
    if minutes < 60:
        return gettext("%(n)s 分钟", n=minutes)
    if minutes < 60 * 48:
        return gettext("%(n)s 小时", n=minutes // 60)
    return gettext("%(n)s 日", n=minutes // (60 * 24))


def age(moment: datetime | None) -> str:
    """How long ago: `3 分钟`, `5 小时`, `2 日`."""
    return NOTHING if moment is None else _span((clock.now() - moment).total_seconds())


def until(moment: datetime | None) -> str:
    """How long there is left, in the same words; past moments say so."""
    if moment is None:
        return NOTHING
    seconds = (moment - clock.now()).total_seconds()
    return gettext("剩 %(span)s", span=_span(seconds)) if seconds >= 0 else gettext("超 %(span)s", span=_span(-seconds))


def pct(part: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """A share of one in percent, `12.3%`; with `sign` a plus or minus in front."""
    if part is None:
        return NOTHING
    return f"{part * 100:{'+' if sign else ''}.{digits}f}%".replace("-", "−")


def count(number: int | None) -> str:
    """A whole number with separators."""
    return NOTHING if number is None else f"{number:,}"


def short(digest: str | None) -> str:
    """The first eight digits of a hash in two groups."""
    return f"{digest[:4]} {digest[4:8]}" if digest else NOTHING


def icon(name: str, cls: str = "") -> Markup:
    """An icon of the sprite, for the eye only; words stand beside it."""
    return _icon(asset("img/icons.svg"), name, f" {cls}" if cls else "")


@lru_cache(maxsize=1024)
def _icon(sprite: str, name: str, more: str) -> Markup:
    return Markup('<svg class="i{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(more, sprite, name)


def asset(path: str) -> str:
    """The address of a static file, with a mark that changes when the file does."""
    return _address(request.script_root if has_request_context() else "", current_app.static_folder or "", path)


@lru_cache(maxsize=1024)
def _address(root: str, folder: str, path: str) -> str:  # noqa: ARG001 - the prefix is part of what is kept
    mark = hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:8]
    return url_for("static", filename=path, v=mark)


def install(app: Flask) -> None:
    """Give the templates of this application their filters and globals."""
    app.jinja_env.filters.update(
        fen=fen, wan=wan, large=large, axis=axis,
        capital=money.capital, when=when, day=day, age=age, until=until, pct=pct, number=count, short=short
    )
    app.jinja_env.globals.update(
        icon=icon, asset=asset, figures=figures, symbol_of=symbol_of, sentence=errors.sentence, way_out=errors.way_out
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
