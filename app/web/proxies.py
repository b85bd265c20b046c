"""The reverse proxies in front: their word about the caller's address and scheme is taken only as far as configured."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


def install(app: Flask, trusted: int) -> None:
    """Believe this many proxies; with none, forwarded headers are nothing but text that anybody may send."""
    if trusted:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=0)  # type: ignore[method-assign]
