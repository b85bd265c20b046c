"""Malformed form posts: the forms that somebody really sees, spoiled in every way a browser, a script or an attacker might."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from random import Random
from urllib.parse import quote, quote_from_bytes, urlsplit

from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.policy import Role
from tests.architecture import policies, test_policies
from tests.architecture.land import OWN, Land
from tests.security.fuzz import Tally

NASTY = (
    "", " ", "\t\r\n", "\0", "a\0b", "\x01\x02\x1b[2J", "\u202e\u200b\ufeff", "\ufffe\uffff", "é\u0301" * 50, "😀" * 300, "卍" * 5_000, "x" * 60_000,
    "-1", "-0", "0", "+1", "1.5", "1e309", "1e5", "NaN", "Infinity", "9" * 18, "9" * 40, "-" + "9" * 40, "9223372036854775808", "2147483648",
    "0x1F", "１２３", "٣", "1_000", "1,000.00", "¥100", "1000000000000.001", "true", "None", "null", "undefined", "[]", "{}",
    "2026-02-30", "0000-00-00", "9999-12-31", "10000-01-01", "1969-12-31", "2026-11-24T25:61", "' OR 1=1 --", "\"; DROP TABLE orders; --",
    "<script>alert(1)</script>", "{{ 7*7 }}", "${7*7}", "%s%n%d", "%(number)s", "../../../etc/passwd", "C:\\con", "=cmd|' /C calc'!A0", "@SUM(A1)",
    "http://169.254.169.254/", "//evil.example", "javascript:alert(1)", "DD000000-000000-0", "ZB00001", "all", "-", "%", "_", "*", "\\", "\u2028",
)  # fmt: skip
RAW = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\x80", b"%ZZ", b"%", b"+", b"&&&==", b"\x00")
PATHS = (
    "%00", "%ED%A0%80", "%FF", "..%2F..", "%2F", "-1", "0", "9" * 18, "9" * 19, "9" * 200, "1.5", "a" * 3_000, "%F0%9F%98%80", "%E8%AE%A2%E5%8D%95",
    "' OR 1=1", "{{7*7}}", "null", "DD000000-000000-0", "%0d%0aSet-Cookie:a=b",
)  # fmt: skip
TYPES = (
    "application/json", "text/plain", "application/xml", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x\"y",
    "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; charset=nonsense", "", "text/html; charset=utf-16",
)  # fmt: skip

Fields = list[tuple[str, str]]


@dataclass
class Seen:
    """A form as it stands on a page."""

    action: str
    fields: Fields = field(default_factory=list)


class _Forms(HTMLParser):
    """Finds the forms that are posted, with their fields; those of buttons that lead elsewhere too."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Seen] = []
        self.by_id: dict[str, Seen] = {}
        self.open: Seen | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = None
            if given.get("method", "").lower() == "post" or "hx-post" in given:
                self.open = Seen(given.get("hx-post") or given.get("action", ""))
                self.forms.append(self.open)
                if "id" in given:
                    self.by_id[given["id"]] = self.open
            return
        owner = self.by_id.get(given["form"]) if "form" in given else self.open
        if owner is None or tag not in {"input", "select", "textarea", "button"}:
            return
        if "formaction" in given:
            self.forms.append(Seen(given["formaction"], owner.fields))
        if given.get("name"):
            owner.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None


def forms_on(page: str) -> list[Seen]:
    """The forms of a page that are posted."""
    parser = _Forms()
    parser.feed(page)
    return [form for form in parser.forms if form.action.startswith("/")]


class Poster:
    """A browser of somebody (or nobody) that signs in again when it was signed out, and knows the token its forms need."""

    def __init__(self, ground: Land, role: Role | None) -> None:
        self.ground, self.role = ground, role
        self.renew()

    def renew(self) -> None:
        """A fresh browser."""
        self.client: FlaskClient = self.ground.visitor(self.role, program=False)
        page = self.client.get("/account/password" if self.role else "/sign-in").get_data(as_text=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found, self.role
        self.token = found[1]


def harvest(ground: Land, poster: Poster) -> list[Seen]:
    """Every form on every page that the role may open, and an empty one for each route of which no page shows one."""
    role, app, found = poster.role, ground.app, []
    for rule in policies.routes(app):
        if "GET" in policies.methods(rule) and not str(rule).startswith("/api/") and rule.endpoint not in ENDLESS:
            if not test_policies.enters(role, rule, policies.policy(app, rule)):
                continue
            answer = poster.client.get(test_policies.address(ground, role, rule, OWN))
            if answer.mimetype == "text/html":
                found += forms_on(answer.get_data(as_text=True))
            answer.close()
    kept = {(route(ground, form.action), tuple(sorted({name for name, _ in form.fields}))): form for form in found}
    shown = {route for route, _ in kept}
    names = sorted({name for form in kept.values() for name, _ in form.fields} - {"csrf_token"})
    for rule in posted(ground):
        if str(rule) not in shown:
            address = test_policies.address(ground, role, rule, OWN)
            kept[str(rule), ()] = Seen(address, [("csrf_token", ""), *((name, "1") for name in names)])
    return list(kept.values())


ENDLESS = {"dashboard.stream_events"}


def posted(ground: Land) -> list[Rule]:
    """Every route that takes a form."""
    return [rule for rule in policies.routes(ground.app) if "POST" in policies.methods(rule) and not str(rule).startswith("/api/")]


def route(ground: Land, address: str) -> str:
    """Which route an address posts to."""
    with ground.app.test_request_context(address, method="POST") as context:
        return str(context.request.url_rule or address)


# ---------------------------------------------------------------- spoiling


@dataclass
class Post:
    """A request to be: where, what, how."""

    path: str
    fields: Fields
    content_type: str = "application/x-www-form-urlencoded"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    keeps_token: bool = True


def _value(post: Post, dice: Random) -> None:
    if places := [i for i, (name, _) in enumerate(post.fields) if name != "csrf_token"]:
        for place in dice.sample(places, dice.randint(1, len(places))):
            post.fields[place] = (post.fields[place][0], dice.choice(NASTY))


def _drop(post: Post, dice: Random) -> None:
    post.fields[:] = [each for each in post.fields if each[0] == "csrf_token" or dice.random() < 0.6]


def _twice(post: Post, dice: Random) -> None:
    post.fields += [(name, dice.choice(NASTY)) for name, _ in post.fields if name != "csrf_token" and dice.random() < 0.7]
    dice.shuffle(post.fields)


def _nest(post: Post, dice: Random) -> None:
    forms = ("{}[]", "{}[0]", "{}[a][b]", "{}.x", "{}-0", "{}-9999999999999999999999", "line-{}", "why-{}", "x" * 300 + "{}", "😀{}", "{}\0")
    post.fields[:] = [(name if name == "csrf_token" else dice.choice(forms).format(name), value) for name, value in post.fields]


def _flood(post: Post, dice: Random) -> None:
    post.fields += [(f"{dice.choice('abcxyz')}{number}", "1") for number in range(dice.choice((50, 900, 1_500)))]


def _path(post: Post, dice: Random) -> None:
    parts = post.path.split("/")
    places = [i for i, part in enumerate(parts) if re.search(r"\d", part)]
    if places:
        parts[dice.choice(places)] = quote(dice.choice(PATHS), safe="%")
        post.path = "/".join(parts)


def _query(post: Post, dice: Random) -> None:
    post.path += "?" + "&".join(f"{name}={quote(dice.choice(NASTY)[:500])}" for name in ("next", "show", "cursor", "order", "q", "page", "ids", "from"))


def _type(post: Post, dice: Random) -> None:
    post.content_type = dice.choice(TYPES)


def _raw(post: Post, dice: Random) -> None:
    name = dice.choice([name for name, _ in post.fields] or ["a"])
    junk = b"".join(dice.choice(RAW) for _ in range(dice.randint(1, 5)))
    post.body = _encoded(post.fields) + f"&{quote(name)}=".encode() + dice.choice((junk, quote_from_bytes(junk).encode()))


def _multipart(post: Post, dice: Random) -> None:
    """A well-meant or a broken upload where none is expected."""
    names = [name for name, _ in post.fields]
    files = {name: dice.random() < 0.5 for name in names}
    parts = []
    for name, value in post.fields:
        more = f'; filename="{dice.choice(("a.exe", "../../x.png", "", "😀.pdf"))}"' if files[name] and name != "csrf_token" else ""
        parts.append(f'--cut\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'.encode("utf-8", "replace"))
    end = dice.choice((b"--cut--\r\n", b"", b"--cu", b"--cut\r\n\r\n"))
    post.content_type, post.body = "multipart/form-data; boundary=cut", b"".join(parts) + end


def _token(post: Post, dice: Random) -> None:
    post.keeps_token = False
    post.fields[:] = [(name, dice.choice(("", "x", "IjEi.x.y", "😀", "\0"))) if name == "csrf_token" else (name, value) for name, value in post.fields]


def _headers(post: Post, dice: Random) -> None:
    post.headers |= {
        "HX-Request": "true", "HX-Target": dice.choice(("cart", "\x7f", "x" * 4_000)), "Accept-Language": dice.choice(("", "en;q=x", "zz-" * 300)),
        "X-Request-Id": dice.choice(("a" * 500, "ok-but-strange-1")), "Referer": "http://evil.example/", "Cookie2": "a",
    }  # fmt: skip


def _huge(post: Post, dice: Random) -> None:
    post.fields.append(("note", "x" * dice.choice((400_000, 600_000, 2_000_000))))


def _oversize(post: Post, dice: Random) -> None:
    post.body = b"a=" + b"x" * (9 * 1024 * 1024)


Spoil = Callable[[Post, Random], None]
WAYS: tuple[Spoil, ...] = (_value, _value, _value, _value, _drop, _twice, _nest, _flood, _path, _query, _type, _raw, _multipart, _token, _headers)
RARE: tuple[Spoil, ...] = (_huge, _oversize)


def _encoded(fields: Fields) -> bytes:
    return "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in fields).encode()


def spoiled(form: Seen, token: str, dice: Random) -> Post:
    """The form with one to three things wrong with it."""
    post = Post(urlsplit(form.action).path, [(name, token if name == "csrf_token" else value) for name, value in form.fields])
    if not any(name == "csrf_token" for name, _ in post.fields):
        post.fields.append(("csrf_token", token))
    ways = dice.sample(WAYS, dice.choice((1, 1, 2, 3))) if dice.random() > 0.01 else [dice.choice(RARE)]
    for way in ways:
        way(post, dice)
    return post


def throw(ground: Land, role: Role | None, many: int, tally: Tally, dice: Random) -> None:
    """Throw `many` spoiled forms as this role, each of its forms in turn."""
    poster = Poster(ground, role)
    for form, _ in zip(_round(harvest(ground, poster), dice), range(many), strict=False):
        post = spoiled(form, poster.token, dice)
        began, busy = time.perf_counter(), time.thread_time()
        answer = poster.client.post(
            post.path,
            data=_encoded(post.fields) if post.body is None else post.body,
            content_type=post.content_type,
            headers={**post.headers, **({} if not post.keeps_token else {"X-CSRFToken": poster.token})},
        )
        answer.get_data()
        tally.note(f"{role or 'nobody'} POST {_pattern(post)}", answer.status_code, time.perf_counter() - began, time.thread_time() - busy)
        if answer.status_code >= 500:
            tally.blame(f"{role or 'nobody'} POST {post.path}", f"{post.content_type} {(post.body or _encoded(post.fields))[:800]!r}")
        if answer.status_code in {303, 204} and "/sign-in" in str(answer.headers):
            poster.renew()
        answer.close()


def _pattern(post: Post) -> str:
    return re.sub(r"[^/a-z-]+", "*", post.path)[:60]


def _round(forms: list[Seen], dice: Random) -> Iterator[Seen]:
    while True:
        dice.shuffle(forms)
        yield from forms
