"""A recorded way through a shop, walked again: a list of requests, the last of which places the order."""

import http.client
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

COOKIE = re.compile(r"\{cookie:([^}]+)\}")


class StepRefused(Exception):
    """The shop answered a step with an error, so no order was placed."""


@dataclass(frozen=True)
class Step:
    """One request as recorded. `{cookie:NAME}` in a header or in the body stands for the value that the shop has set."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def recorded(file: Path) -> list[Step]:
    """The steps of a JSON file: a list of objects with path, and method, headers and body where they are needed."""
    return [Step(**each) for each in json.loads(file.read_text())]


def walk(address: str, steps: Sequence[Step]) -> list[float]:
    """Go the whole way as a new visitor, keeping cookies; the milliseconds of each step. Raises StepRefused."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    jar: dict[str, str] = {}
    times: list[float] = []
    try:
        for number, step in enumerate(steps, 1):
            headers = {name: _filled(value, jar) for name, value in step.headers.items()}
            jar |= {name: morsel.value for name, morsel in SimpleCookie(headers.pop("Cookie", "")).items()}
            if jar:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
            body = _filled(step.body, jar).encode() or None
            started = time.perf_counter()
            connection.request(step.method, step.path, body, headers)
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - started) * 1000)
            if answer.status >= 400:
                raise StepRefused(f"step {number}, {step.method} {step.path}, was answered by {answer.status}")
            for line in answer.headers.get_all("Set-Cookie", ()):
                jar |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
    finally:
        connection.close()
    return times


def _filled(text: str, jar: Mapping[str, str]) -> str:
    return COOKIE.sub(lambda found: jar.get(found[1], ""), text)
