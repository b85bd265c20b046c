"""Line 9: the embedded search engine beside SQLite FTS5 on the same listings, in the same run."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.search import engine_facets, engine_query, entry
from catalog.search.engine import EmbeddedEngine
from catalog.search.port import FacetName, Filters, SearchRequest, Sort
from tests.benchmarks.effort import Effort
from tests.benchmarks.report import Figure
from tests.catalog.search import goods

FACETS = (FacetName.BRAND, FacetName.CAT2, FacetName.CAT3, FacetName.CREDIT, FacetName.ENERGY)
CATEGORIES = ("打印机", "电脑", "复印纸", "硒鼓", "办公椅", "投影仪", "空调", "交换机", "文件柜", "显示器")
BRANDS = ("惠普", "联想", "得力", "华为", "佳能", "格力", "晨光", "戴尔")
TWO_WORDS = tuple(f"{brand} {word}" for brand, word in (
    ("惠普", "打印机"), ("联想", "显示器"), ("得力", "复印纸"), ("华为", "交换机"), ("佳能", "复印机"), ("戴尔", "服务器"), ("格力", "空调"), ("得力", "办公椅"),
    ("惠普", "硒鼓"), ("爱普生", "投影仪"), ("联想", "计算机"), ("晨光", "笔"),
))  # fmt: skip
PREFIXES = ("打", "打印", "复", "电", "电脑", "hp", "h", "le", "lao", "d", "dy", "dyj", "惠", "m4", "文件柜")
TYPOS = ("m404dm", "lasreJet", "thinkpda", "optiplxe", "m454dnn", "elitedeks", "probok", "kfr35gv", "bcd216stpd", "nf5280n6")
SOUNDS = ("dyj", "dayinji", "kongtiao", "kt", "fuyinzhi", "lianxiang", "touyingyi", "jhj", "wjg", "bangongyi")
SHELVES = ("A0201", "A0202", "A0504", "A0501", "A0206", "A0208", "A0209", "A0806")
SCHEMA = """
CREATE TABLE listings (id INTEGER PRIMARY KEY, title TEXT, brand TEXT, cat1 TEXT, cat2 TEXT, cat3 TEXT, code TEXT, credit TEXT, region TEXT,
    supplier INTEGER, price INTEGER, sales INTEGER, created INTEGER, delivery INTEGER, energy INTEGER, sme INTEGER, in_stock INTEGER);
CREATE VIRTUAL TABLE words USING fts5(w, bi, lat, sp, py, tokenize='unicode61', content='', prefix='1 2 3');
"""


Calls = Sequence[Callable[[], object]]


@dataclass(frozen=True)
class Times:
    """Milliseconds of every call, all rounds together."""

    all: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.all)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.all, n=20)[18]

    def __str__(self) -> str:
        return f"{self.p50:.2f} / {self.p95:.2f}"


def measure(effort: Effort) -> Iterator[Figure]:
    """Both engines answer the same questions in turn, A-B-A in each round; every row gives the medians of all calls."""
    effort.tell(f"line 9: making {effort.listings:,} listings")
    with tempfile.TemporaryDirectory(prefix="mall-search-bench-") as folder:
        engine = EmbeddedEngine(Path(folder) / "index", facet_cache=0)
        engine.rebuild(goods.many(effort.listings))
        yardstick = Path(folder) / "fts5.db"
        _fill(yardstick, effort.listings)
        with closing(sqlite3.connect(yardstick)) as database, closing(engine):
            yield from _rows(engine, database, effort)
            ours, theirs = engine.stats().size_bytes or 0, yardstick.stat().st_size
        yield _figure("search: bytes on disk", ours / 1e6, theirs / 1e6, 0.6, 0.4, unit="MB", listings=f"{effort.listings:,}")


def _rows(engine: EmbeddedEngine, database: sqlite3.Connection, effort: Effort) -> Iterator[Figure]:
    narrowed = Filters(in_stock=True, price_min_fen=1_000, price_max_fen=90_000_000, delivery_days_max=6)
    words = [SearchRequest(q=q) for q in TWO_WORDS]
    rich = [SearchRequest(q=q, filters=narrowed, facets=FACETS, sort=Sort.PRICE_UP) for q in (*TWO_WORDS, *CATEGORIES)]
    apart = (FacetName.BRAND, FacetName.CREDIT, FacetName.SME)
    wide = [replace(one, filters=replace(narrowed, brands=BRANDS, credit=("A", "B"), sme=True)) for one in rich]
    split = [replace(one, disjunctive=apart) for one in wide]
    browse = [SearchRequest(filters=Filters(categories=(shelf,)), facets=FACETS) for shelf in SHELVES]

    def ours(requests: Sequence[SearchRequest]) -> list[Callable[[], object]]:
        return [lambda one=one: engine.search(one) for one in requests]  # type: ignore[misc]

    def theirs(ask: Callable[[sqlite3.Connection, SearchRequest], object], requests: Sequence[SearchRequest]) -> list[Callable[[], object]]:
        return [lambda one=one: ask(database, one) for one in requests]  # type: ignore[misc]

    def turns(name: str, first: Calls, second: Calls) -> tuple[Times, Times]:
        return _turns(effort, name, first, second)

    a, fts_a = turns("a", ours(words), theirs(_fts_words, words))
    yield _pair("a: two words", a, fts_a, 0.5, 0.35)
    b, fts_b = turns("b", ours(rich), theirs(_fts_rich, rich))
    yield _pair("b: 3 filters, 5 facets, by price", b, fts_b, 1.0, 0.7)
    yield _figure("search b, p95", b.p95, fts_b.p95, 0.4, 0.3)
    several, plain = turns("disjunctive facets", ours(split), ours(wide))
    yield _pair("b with 3 disjunctive facets / plain b", several, plain, 3.0, 2.5)
    prefixes = [SearchRequest(q=q) for q in PREFIXES]
    yield _pair("c: prefix of 1 to 3 characters", *turns("c", ours(prefixes), theirs(_fts_prefix, prefixes)), 0.2, 0.1)
    typos = [SearchRequest(q=q) for q in TYPOS]
    yield _pair("d: typo in a model / own a", *turns("d", ours(typos), ours(words)), 2.0, 1.5)
    sounds = [SearchRequest(q=q) for q in SOUNDS]
    yield _pair("e: pinyin or initials", *turns("e", ours(sounds), theirs(_fts_sounds, sounds)), 0.25, 0.15)
    yield _pair("f: category browse with facets", *turns("f", ours(browse), theirs(_fts_browse, browse)), 0.1, 0.05)
    whole = [replace(one, highlight=True) for one in (*words, *rich)]
    yield _pair("whole call / the same raw calls", *turns("raw calls", ours(whole), _raw(engine, whole)), 1.5, 1.3)


def _turns(effort: Effort, name: str, ours: Calls, theirs: Calls) -> tuple[Times, Times]:
    """After one warm-up of both."""
    for call in (*ours, *theirs):
        call()
    first, second = effort.turns(f"line 9, {name}", lambda: _timed(ours), lambda: _timed(theirs))
    return Times([ms for leg in first for ms in leg]), Times([ms for leg in second for ms in leg])


def _timed(calls: Calls) -> list[float]:
    """Milliseconds of each call."""
    times: list[float] = []
    for call in calls:
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def _pair(name: str, ours: Times, theirs: Times, must: float, aim: float) -> Figure:
    return _figure(f"search {name}", ours.p50, theirs.p50, must, aim, **{"ours, p50 / p95 ms": str(ours), "yardstick, p50 / p95 ms": str(theirs)})


def _figure(name: str, ours: float, yardstick: float, must: float, aim: float, *, unit: str = "ms", **details: str) -> Figure:
    return Figure(
        line=9, name=name, database="embedded", ours=ours, yardstick=yardstick, unit=unit, must=must, aim=aim, better="lower", details=details,
    )  # fmt: skip


def _raw(engine: EmbeddedEngine, requests: Sequence[SearchRequest]) -> list[Callable[[], object]]:
    """The calls of the library that answer a request, with queries made beforehand and nothing around them."""
    now = engine._now()
    calls: list[Callable[[], object]] = []
    for one in requests:
        query = engine_query.filtered(now.questions.question(one.q), now.questions.filters(one.filters))
        asked = {name.value: {"terms": {"field": name.value, "size": engine_facets.SIZE}} for name in one.facets}
        order = {"order_by_field": "by_price"} if one.sort is Sort.PRICE_UP else {"weight_by_field": "rank"}

        def call(query=query, asked=asked, order=order) -> object:
            found = now.searcher.search(query, 21, **order)
            facets = now.searcher.aggregate(query, asked) if asked else None
            return [now.searcher.doc(address).to_dict() for _, address in found.hits[:20]], facets

        calls.append(call)
    return calls


# ---------------------------------------------------------------- the yardstick


def _fill(file: Path, listings: int) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(SCHEMA)

        def rows() -> Iterator[tuple[tuple, tuple]]:
            for one in goods.many(listings):
                found = entry.analysed(one)
                path = [step.code for step in one.category_path] + ["", "", ""]
                yield (
                    (one.pk, one.title, one.brand, *path[:3], one.category_code, one.credit, one.regions[0], one.supplier_id, one.price_fen, one.sales,
                     int(one.created_at.timestamp()), one.delivery_days, one.energy, one.sme, one.in_stock),
                    (one.pk, found.words, found.pairs, found.latin, found.spec, found.pinyin),
                )  # fmt: skip

        with database:
            for listing, text in rows():
                database.execute(f"INSERT INTO listings VALUES ({','.join('?' * 17)})", listing)
                database.execute("INSERT INTO words (rowid, w, bi, lat, sp, py) VALUES (?, ?, ?, ?, ?, ?)", text)
        database.executescript("""
            CREATE INDEX by_cat ON listings (cat2, price); CREATE INDEX by_price ON listings (price);
            INSERT INTO words (words) VALUES ('optimize'); ANALYZE; VACUUM;
        """)


def _match(column: str, q: str) -> str:
    return " AND ".join(f'{column} : "{word}"' for word in q.split())


def _ranked(database: sqlite3.Connection, match: str) -> object:
    hits = database.execute(
        "SELECT l.id, l.title, l.brand, l.code FROM words JOIN listings l ON l.id = words.rowid WHERE words MATCH ? ORDER BY bm25(words) LIMIT 20",
        (match,),
    ).fetchall()
    return hits, database.execute("SELECT count(*) FROM words WHERE words MATCH ?", (match,)).fetchone()


def _fts_words(database: sqlite3.Connection, request: SearchRequest) -> object:
    return _ranked(database, _match("{w bi sp}", request.q))


def _fts_prefix(database: sqlite3.Connection, request: SearchRequest) -> object:
    return _ranked(database, f'{{w lat py}} : "{request.q}"*')


def _fts_sounds(database: sqlite3.Connection, request: SearchRequest) -> object:
    return _ranked(database, f'py : "{request.q}"*')


def _counted(database: sqlite3.Connection, hits: str, values: Sequence[object], order: str) -> object:
    """Hits once, then the page, the total and five facets over them."""
    groups = "".join(f" UNION ALL SELECT '{name}', {name}, count(*) FROM m GROUP BY {name}" for name in ("brand", "cat2", "cat3", "credit", "energy"))
    facets = database.execute(f"WITH m AS MATERIALIZED ({hits}) SELECT 'total', '', count(*) FROM m{groups}", values).fetchall()
    return facets, database.execute(f"{hits} ORDER BY {order} LIMIT 20", values).fetchall()


def _fts_rich(database: sqlite3.Connection, request: SearchRequest) -> object:
    # CROSS JOIN keeps the planner from walking the prices and asking the text index for each.
    hits = (
        "SELECT l.* FROM words CROSS JOIN listings l ON l.id = words.rowid"
        " WHERE words MATCH ? AND l.in_stock AND l.price BETWEEN 1000 AND 90000000 AND l.delivery <= 6"
    )
    return _counted(database, hits, (_match("{w bi sp}", request.q),), "price")


def _fts_browse(database: sqlite3.Connection, request: SearchRequest) -> object:
    return _counted(database, "SELECT * FROM listings l WHERE cat2 = ?", request.filters.categories, "sales DESC")
