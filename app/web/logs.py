"""Log lines: what happened, never who or what was typed.

An access line holds method, route (the pattern, not the address: addresses carry search words and names), status and
duration. Only the line of a refused attempt (401, 403, 429) names the caller's network address, so that a firewall can
act on it. JSON for machines, one short line for people.
"""

import json
import logging
import sys
import time
from typing import Any

from flask import Flask, Response, g, request

from app.kernel import clock

STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}
REFUSED = frozenset({401, 403, 429})
access = logging.getLogger("mall.access")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its extra facts."""
        line: dict[str, Any] = {
            "at": clock.wall_now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class ConsoleLines(logging.Formatter):
    """One line for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, then the extra facts."""
        facts = " ".join(f"{name}={value}" for name, value in _extra(record).items())
        at = clock.local(clock.wall_now()).strftime("%H:%M:%S")
        line = f"{at} {record.levelname[:4].lower()} {record.name.removeprefix('mall.')}: {record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def configure(log_format: str) -> None:
    """Send the product's lines to standard error in this format (`json` or `console`)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else ConsoleLines())
    root = logging.getLogger("mall")
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


def install(app: Flask) -> None:
    """Write one access line per request but for static files."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def write(response: Response) -> Response:
        if request.endpoint != "static":
            client = {"client": request.remote_addr} if response.status_code in REFUSED else {}
            access.info(
                "request",
                extra={
                    "request_id": g.get("request_id"),
                    "method": request.method,
                    "route": str(request.url_rule) if request.url_rule else None,
                    "status": response.status_code,
                    "ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
                    **client,
                },
            )
        return response
