"""A light load: a few keep-alive connections, each asking as soon as it has its answer."""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks.processes import cpu_ms


@dataclass(frozen=True)
class Request:
    """One request; a body makes it a POST."""

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Leg:
    """What one stretch of load cost, per request."""

    requests: int
    per_second: float
    server_cpu_ms: float
    database_cpu_ms: float
    p50_ms: float
    p95_ms: float
    bytes: int
    statuses: dict[int, int]

    @property
    def cpu_ms(self) -> float:
        return self.server_cpu_ms + self.database_cpu_ms


def drive(
    address: str, next_request: Callable[[], Request | None], *, clients: int, server_pid: int, database_pid: int | None = None
) -> Leg:
    """Ask until there is no next request; `next_request` is called under a lock."""
    host = urlsplit(address).netloc
    lock = threading.Lock()
    times: list[float] = []
    sizes: list[int] = []
    statuses: dict[int, int] = {}
    failures: list[BaseException] = []

    def one_client() -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            while True:
                with lock:
                    request = next_request()
                if request is None or failures:
                    return
                started = time.perf_counter()
                connection.request("GET" if request.body is None else "POST", request.path, request.body, dict(request.headers))
                answer = connection.getresponse()
                content = answer.read()
                elapsed = (time.perf_counter() - started) * 1000
                with lock:
                    times.append(elapsed)
                    sizes.append(len(content))
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
        except (OSError, http.client.HTTPException) as failure:
            failures.append(failure)
        finally:
            connection.close()

    before = cpu_ms(server_pid), cpu_ms(database_pid) if database_pid else 0.0
    started = time.perf_counter()
    threads = [threading.Thread(target=one_client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    if failures:
        raise failures[0]
    after = cpu_ms(server_pid), cpu_ms(database_pid) if database_pid else 0.0
    count = len(times)
    return Leg(
        requests=count,
        per_second=count / wall,
        server_cpu_ms=(after[0] - before[0]) / count,
        database_cpu_ms=(after[1] - before[1]) / count,
        p50_ms=statistics.median(times),
        p95_ms=sorted(times)[max(0, int(count * 0.95) - 1)],
        bytes=int(statistics.mean(sizes)),
        statuses=statuses,
    )


def cycle(requests: Sequence[Request], total: int) -> Callable[[], Request | None]:
    """The given requests in turn, `total` of them."""
    taken = iter(range(total))

    def take() -> Request | None:
        number = next(taken, None)
        return None if number is None else requests[number % len(requests)]

    return take


def middle(legs: Sequence[Leg], figure: Callable[[Leg], float]) -> float:
    """The median of one figure over interleaved legs."""
    return statistics.median(map(figure, legs))
