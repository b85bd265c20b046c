"""A light load: a few keep-alive connections, each asking as soon as it has its answer."""

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks.processes import cpu_ms

Requests = Callable[[], "Request | None"]
"""Gives the next request, or None when there is none left; called under a lock."""


@dataclass(frozen=True)
class Request:
    """One request; a body makes it a POST."""

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a client got, and how long it waited."""

    status: int
    size: int
    ms: float


@dataclass(frozen=True)
class Leg:
    """What one stretch of load cost: CPU per request, and what each client got."""

    clients: Sequence[Sequence[Answer]]
    wall_s: float
    server_cpu_ms: float
    database_cpu_ms: float

    @property
    def answers(self) -> list[Answer]:
        """Those of all clients."""
        return [answer for client in self.clients for answer in client]

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return self.server_cpu_ms + self.database_cpu_ms

    @property
    def times_ms(self) -> list[float]:
        """From the quickest to the slowest."""
        return sorted(answer.ms for answer in self.answers)

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def p95_ms(self) -> float:
        return p95(self.times_ms)

    @property
    def slowest_ms(self) -> float:
        return self.times_ms[-1]

    @property
    def share(self) -> float:
        """What the client with the fewest answers got, against the one with the most."""
        counts = [len(client) for client in self.clients]
        return min(counts) / max(counts)

    @property
    def bytes(self) -> int:
        return int(statistics.mean(answer.size for answer in self.answers))

    @property
    def statuses(self) -> dict[int, int]:
        """How often each was answered."""
        found = [answer.status for answer in self.answers]
        return {status: found.count(status) for status in sorted(set(found))}


def drive(
    addresses: Sequence[str], next_request: Requests, *, clients: int, server_pids: Collection[int], database_pid: int | None = None
) -> Leg:
    """Ask until there is no next request; the clients are dealt out to the addresses in turn."""
    lock = threading.Lock()
    answers: list[list[Answer]] = [[] for _ in range(clients)]
    failures: list[BaseException] = []

    def requests() -> Iterator[Request]:
        while not failures:
            with lock:
                request = next_request()
            if request is None:
                return
            yield request

    def one_client(address: str, kept: list[Answer]) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        try:
            for request in requests():
                started = time.perf_counter()
                connection.request("GET" if request.body is None else "POST", request.path, request.body, dict(request.headers))
                answer = connection.getresponse()
                content = answer.read()
                kept.append(Answer(answer.status, len(content), (time.perf_counter() - started) * 1000))
        except (OSError, http.client.HTTPException) as failure:
            failures.append(failure)
        finally:
            connection.close()

    def used() -> tuple[float, float]:
        return cpu_ms(*server_pids), cpu_ms(database_pid) if database_pid else 0.0

    before, started = used(), time.perf_counter()
    threads = [threading.Thread(target=one_client, args=each) for each in zip(itertools.cycle(addresses), answers, strict=False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, after = time.perf_counter() - started, used()
    if failures:
        raise failures[0]
    count = sum(map(len, answers))
    return Leg(answers, wall, (after[0] - before[0]) / count, (after[1] - before[1]) / count)


def cycle(requests: Sequence[Request], total: int) -> Requests:
    """The given requests in turn, `total` of them."""
    taken = iter(range(total))

    def take() -> Request | None:
        number = next(taken, None)
        return None if number is None else requests[number % len(requests)]

    return take


def until(seconds: float, requests: Requests) -> Requests:
    """The same requests, none any more when the time is over."""
    end = time.monotonic() + seconds
    return lambda: requests() if time.monotonic() < end else None


def p95(ordered: Sequence[float]) -> float:
    """The 95th percentile of figures in ascending order."""
    return ordered[max(0, int(len(ordered) * 0.95) - 1)]


def middle(legs: Sequence[Leg], figure: Callable[[Leg], float]) -> float:
    """The median of one figure over interleaved legs."""
    return statistics.median(map(figure, legs))


def parts(legs: Sequence[Leg]) -> str:
    """CPU time of the server and of the database, per request."""
    return f"{middle(legs, lambda leg: leg.server_cpu_ms):.2f} + {middle(legs, lambda leg: leg.database_cpu_ms):.2f}"


def times(legs: Sequence[Leg]) -> str:
    """The median and the 95th percentile of the time an answer took."""
    return f"{middle(legs, lambda leg: leg.p50_ms):.1f} / {middle(legs, lambda leg: leg.p95_ms):.1f}"
