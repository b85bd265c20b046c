"""Calls to addresses that others typed in: a supplier's shop, a receiver of notices.

Whoever can make the mall open an address could make it open its own inside. So the name is resolved once, every address that
came back is judged, and the connection goes to the very address that was judged: a name that answers differently a moment
later changes nothing. Only https leaves the house; no redirect is followed, no proxy of the environment is used, and both
the time and the size of an answer end somewhere, however slowly it drips.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import httpx

from app.kernel.errors import N_, Invalid, Unavailable

LONGEST_URL: Final = 500
MOST_BYTES: Final = 1_048_576
LONGEST_S: Final = 10.0

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Iterable[str]]

_CLOSED_V4: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
"""What the IANA registry keeps for special purposes, and one cloud's metadata service on an ordinary address."""
_OPEN_V6: Final = ipaddress.ip_network("2000::/3")
_CLOSED_V6: Final = tuple(
    ipaddress.ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""Tunnels and documentation inside the one block that is given out; everything outside it is closed anyhow."""


class BadAddress(Invalid):
    """The address has a form that nothing is sent to."""

    code = "outgoing.bad_address"
    message = N_("地址 %(url)s 不能使用：%(reason)s")
    way_out = N_("请填写公网可访问的 https 地址，不带用户名、密码和 # 片段")
    field: str | None = "url"
    url: str
    reason: str


class AddressClosed(BadAddress):
    """The name leads to an address inside: private, loopback, link-local, metadata, multicast or reserved."""

    code = "outgoing.address_closed"
    message = N_("地址 %(url)s 解析到 %(address)s，属于内网、本机或保留地址，平台不会访问")
    reason: str = "closed"
    address: str


class NoAnswer(Unavailable):
    """Nothing usable came back; `reason` is a stable word, `is_sent` says whether the request may have arrived."""

    code = "outgoing.no_answer"
    message = N_("对方没有给出可用的回答（%(reason)s）")
    reason: str
    is_sent: bool


@dataclass(frozen=True)
class Answer:
    """What came back; the body is cut at the limit, and `is_whole` says whether it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool
    took_ms: int

    @property
    def is_success(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300


def is_open(address: str) -> bool:
    """Whether an address belongs to the public internet; one wrapped into IPv6 is judged by what it wraps."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in block for block in _CLOSED_V4)
    return found in _OPEN_V6 and not any(found in block for block in _CLOSED_V6)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own loopback."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_loopback or bool(getattr(found, "ipv4_mapped", None) and found.ipv4_mapped.is_loopback)  # type: ignore[union-attr]


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system tells it."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True)
class Door:
    """The one way out. `loopback` lets training and development reach this machine itself, by http too; never in production."""

    loopback: bool = False
    resolver: Resolver = resolve
    longest_s: float = LONGEST_S
    most_bytes: int = MOST_BYTES
    ssl_context: Any = field(default=None, compare=False)

    def check(self, url: str) -> str:
        """The address if something may be sent there, judged by its form alone. Raises BadAddress."""
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise BadAddress(url=url[:80], reason=_FORM)
        try:
            parts, sent = urlsplit(url), httpx.URL(url)
            port = parts.port
        except (ValueError, httpx.InvalidURL):
            raise BadAddress(url=url[:80], reason=_FORM) from None
        # what is judged here and what is sent are read by two parsers: they must have read the same
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        is_same = parts.hostname == sent.raw_host.decode().strip("[]") and (port or usual) == (sent.port or usual)
        if not parts.hostname or not is_same or port == 0 or "\\" in url:
            raise BadAddress(url=url[:80], reason=_FORM)
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise BadAddress(url=f"{parts.scheme}://{parts.hostname}", reason=_DRESSED)
        is_ours = self.loopback and _names_loopback(parts.hostname)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_ours):
            raise BadAddress(url=url[:80], reason=_PLAIN)
        if (written := _written(parts.hostname)) is not None and not (is_open(written) or is_ours):
            raise AddressClosed(url=url[:80], address=written)
        return url

    def judge(self, host: str, port: int, url: str) -> list[str]:
        """The addresses that a name stands for now, if every one of them may be reached. Raises AddressClosed, NoAnswer."""
        try:
            found = list(self.resolver(host, port))
        except (OSError, UnicodeError) as unknown:
            raise NoAnswer(reason="name_unknown", is_sent=False) from unknown
        if not found:
            raise NoAnswer(reason="name_unknown", is_sent=False)
        for address in found:
            if not (is_open(address) or (self.loopback and is_loopback(address))):
                raise AddressClosed(url=url[:80], address=address)
        return found

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"", longest_s: float | None = None
    ) -> Answer:
        """One request and what came of it; redirects come back as they are. Raises BadAddress, AddressClosed, NoAnswer."""
        self.check(url)
        began = time.monotonic()
        limit = longest_s or self.longest_s
        with httpx.Client(transport=_Transport(self, url, began + limit), trust_env=False, follow_redirects=False, timeout=limit) as client:
            try:
                request = client.build_request(method, url, headers={"Accept-Encoding": "identity", **headers}, content=content or None)
                response = client.send(request, stream=True)
                try:
                    body, is_whole = _read(response, self.most_bytes)
                finally:
                    response.close()
            except (httpx.ConnectError, httpx.ConnectTimeout) as unreached:
                raise NoAnswer(reason="unreachable", is_sent=False) from unreached
            except httpx.TimeoutException as late:
                raise NoAnswer(reason="timeout", is_sent=True) from late
            except httpx.HTTPError as broken:
                raise NoAnswer(reason="connection_lost", is_sent=True) from broken
        took_ms = int((time.monotonic() - began) * 1000)
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body, is_whole, took_ms)


_FORM, _DRESSED, _PLAIN = N_("格式不正确"), N_("不能带用户名、密码或片段"), N_("只接受 https")


def _written(host: str) -> str | None:
    """The address that a host is written as, if it is no name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _names_loopback(host: str) -> bool:
    written = _written(host)
    return host == "localhost" if written is None else is_loopback(written)


def _read(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    """The body as sent, up to the limit: an encoded one is not unpacked, whatever it would grow to."""
    parts, size = [], 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > most:
            return b"".join(parts)[:most], False
    return b"".join(parts), True


# ---------------------------------------------------------------- the connection goes where it was judged to go


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends by the same moment, so that nobody can drip an answer for ever."""

    def __init__(self, inner: httpcore.NetworkStream, until: float) -> None:
        self.inner, self.until = inner, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.NetworkStream:
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, self._left(timeout, httpcore.ConnectTimeout)), self.until)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)

    def _left(self, timeout: float | None, late: type[Exception]) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise late("the time for the whole call is over")
        return left if timeout is None else min(left, timeout)


class _Network(httpcore.NetworkBackend):
    """Resolves, judges and connects in one step."""

    def __init__(self, door: Door, url: str, until: float) -> None:
        self.door, self.url, self.until, self.inner = door, url, until, httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in self.door.judge(host, port, self.url):
            left = self.until - time.monotonic()
            if left <= 0:
                break
            try:
                return _Stream(self.inner.connect_tcp(address, port, min(left, timeout or left), local_address, socket_options), self.until)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as unreached:
                failed = unreached
        raise failed or httpcore.ConnectTimeout("the time for the whole call is over")


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, pool: httpcore.ConnectionPool) -> None:
        self.response, self.pool = response, pool

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self.response.iter_stream()

    def close(self) -> None:
        self.response.close()
        self.pool.close()


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are believed; read once, for the list of them takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)


class _Transport(httpx.BaseTransport):
    """One connection for one request."""

    def __init__(self, door: Door, url: str, until: float) -> None:
        context = door.ssl_context or _trusted()
        self.pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Network(door, url, until), max_keepalive_connections=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions=request.extensions,
        )
        with _translated():
            answer = self.pool.handle_request(asked)
        return httpx.Response(
            status_code=answer.status, headers=answer.headers, stream=_Body(answer, self.pool), extensions=answer.extensions
        )

    def close(self) -> None:
        self.pool.close()


class _translated:  # noqa: N801 - reads as a statement
    """Lets httpcore's failures go on as httpx's; the two have the same names."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, httpx.HTTPError):
            return
        named = getattr(httpx, type(error).__name__, None)
        if type(error).__module__.startswith("httpcore") and isinstance(named, type) and issubclass(named, httpx.HTTPError):
            raise named(str(error)) from error
