"""A supplier's receiver of notices: a real server that keeps what it was sent, verified by the reference implementation of the standard."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.orders.payments.conftest import served


@dataclass
class Receiver:
    """Answers with `status`; keeps headers and bodies."""

    status: int = 200
    secret: str = ""
    slow_s: float = 0.0
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ: Any, start: Any) -> list[bytes]:
        self.headers.append({name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")})
        self.headers[-1]["content-type"] = environ.get("CONTENT_TYPE", "")
        self.bodies.append(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        time.sleep(self.slow_s)
        more = [("Location", "http://127.0.0.1:1/elsewhere")] if 300 <= self.status < 400 else []
        start(f"{self.status} X", [("Content-Type", "text/plain"), *more])
        return [b"thanks" if self.status < 300 else b"no" * 4_000]

    def heard(self, secret: str = "") -> list[Any]:
        """What was told, each verified with the secret."""
        verifier = Webhook(secret or self.secret)
        return [verifier.verify(body, headers) for body, headers in zip(self.bodies, self.headers, strict=True)]


@contextmanager
def receiver(**more: Any) -> Iterator[Receiver]:
    made = Receiver(**more)
    with served(made) as url:
        made.url = url + "/hooks"
        yield made
