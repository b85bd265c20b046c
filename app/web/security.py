"""What every answer carries and no request may bring: headers, request ids, unusable text and numbers."""

import re
import secrets
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter

POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
"""No inline script or style anywhere; nothing is fetched from other hosts."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
ONE_YEAR = "max-age=31536000; includeSubDomains"
LONGEST_ID = 18


class IdConverter(IntegerConverter):
    """`<int:id>`: a number the databases can hold; a larger one is no address of ours, whatever the method."""

    regex = rf"[0-9]{{1,{LONGEST_ID}}}"


def install(app: Flask) -> None:
    """Attach the checks and headers; call before any route is registered and before other checks of requests."""
    secure = bool(app.config["SESSION_COOKIE_SECURE"])  # people come by https only
    app.url_map.converters["int"] = IdConverter

    @app.before_request
    def name_the_request() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else secrets.token_hex(8)

    @app.before_request
    def refuse_unusable_text() -> None:
        """NUL bytes and half characters cannot be stored; they only come from attacks."""
        if not _usable(request.path) or not all(map(_usable, _texts(request.args))):
            raise BadRequest()
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return
        if request.is_json:
            raw = request.get_data(cache=True)
            if b"\0" in raw or re.search(rb"\\u(0000|[dD][89a-fA-F])", _without_pairs(raw)):
                raise BadRequest()
        elif not all(map(_usable, _texts(request.form))):
            raise BadRequest()

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", ONE_YEAR)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response


def _texts(values: Any) -> list[str]:
    return [text for name, given in values.lists() for text in (name, *given)]


def _usable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _without_pairs(raw: bytes) -> bytes:
    """JSON without escaped backslashes and without complete surrogate pairs."""
    return re.sub(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", b"", raw)
