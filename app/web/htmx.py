"""Answers that serve both a plain browser and htmx."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue


def asked() -> bool:
    """Whether htmx asks for a fragment (and not for a whole page by boosted history)."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def show(template: str, *, part: str | None = None, status: int = 200, **context: Any) -> Response:
    """Render the page, or only its part when htmx asks for that."""
    response = make_response(render_template(part if part and asked() else template, **context), status)
    response.vary.add("HX-Request")
    return response


def go(address: str) -> ResponseReturnValue:
    """Send the browser to another page after a change."""
    if asked():
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)
