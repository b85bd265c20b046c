"""Spoiled files through the real route of uploads: never an error of ours, always a reason, in bounded memory."""

import functools
import random
import re
import zipfile
from collections import Counter
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest

from app.bulk.states import RUNNING, JobState
from tests.app.bulk.conftest import HEADS, offer, work, workbook
from tests.app.bulk.test_bombs import BOMBS, MIB, SHEET, changed, sheet
from tests.app.bulk.test_listings import job

REASONS = ("文件不是可读的表格：", "上限为", "没有选择文件，或文件是空的", "表格只有列名，没有数据行")
WORDS = ["货号", "=1", '"', ",", "\n", "\r", "\t", ";", "\0", "é", "😀", "x" * 500, "9" * 400, "1e309", "-0", "是", "", " ", "\ufeff", "'"]
INSIDE = [b"<", b">", b"&", b'"', b'r="99999999999"', b't="s"', b"<c>", b"</row>", b"\xff", b"<v>1e400</v>", b""]
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "big5", "shift_jis", "utf-32", "utf-7"]
FORMULAS = ["HYPERLINK(&quot;http://evil.example&quot;)", "1/0", "cmd|' /C calc'!A0", "SUM(A1:XFD1048576)", "WEBSERVICE(&quot;x&quot;)"]
MOST_MEMORY = 256 * MIB
"""What a file of the largest size with all its texts may take on top of the application, with room to spare."""


@functools.cache
def bombs():
    return [make() for make in BOMBS.values()]


def archive(parts):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return out.getvalue()


def cut(dice, goods):
    good = dice.choice(goods)
    return good[: dice.randrange(len(good))]


def bit_flips(dice, goods):
    spoiled = bytearray(dice.choice(goods))
    for _ in range(dice.randrange(1, 30)):
        spoiled[dice.randrange(len(spoiled))] ^= 1 << dice.randrange(8)
    return bytes(spoiled)


def grafted(dice, goods):
    good = dice.choice(goods)
    return good[: dice.randrange(200)] + dice.randbytes(dice.randrange(2000)) + good[dice.randrange(len(good)) :]


def noise(dice, _goods):
    return dice.randbytes(dice.randrange(1, 3000))


def words(dice, _goods):
    return "".join(dice.choice(WORDS) for _ in range(dice.randrange(400))).encode(dice.choice(["utf-8", "utf-16", "gb18030"]))


def encodings(dice, _goods):
    """A good table under every encoding, known and unknown, with bytes of another in it."""
    raw = bytearray("\n".join(",".join(map(str, row)) for row in (HEADS, offer(1), offer(2))).encode(dice.choice(ENCODINGS), "replace"))
    for _ in range(dice.choice((0, 0, 1, 5))):
        raw.insert(dice.randrange(len(raw)), dice.randrange(256))
    return bytes(raw)


def inside(dice, goods):
    """A workbook whose packing is whole and whose parts are not."""
    with zipfile.ZipFile(BytesIO(goods[0])) as good:
        parts = {info.filename: good.read(info) for info in good.infolist()}
    name = dice.choice(list(parts))
    inner = bytearray(parts[name])
    for _ in range(dice.randrange(1, 12)):
        at = dice.randrange(len(inner))
        inner[at : at + dice.randrange(4)] = dice.choice(INSIDE)
    return archive(parts | {name: bytes(inner)})


def formulas(dice, _goods):
    heads = "".join(f'<c r="{chr(65 + place)}1" t="str"><v>{head}</v></c>' for place, head in enumerate(HEADS))
    cells = "".join(
        f'<c r="{chr(65 + place)}2" t="str"><f>{dice.choice(FORMULAS)}</f><v>{dice.choice(["=1+1", "@x", "#REF!", "9", ""])}</v></c>'
        for place in range(len(HEADS))
    )
    return changed({SHEET: sheet(f'<row r="1">{heads}</row><row r="2">{cells}</row>')})


def bomb(dice, _goods):
    found = dice.choice(bombs())
    if found and dice.random() < 0.5:
        found = bytearray(found)
        found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
    return bytes(found)


WAYS = {cut: 3, bit_flips: 3, grafted: 2, noise: 2, words: 2, encodings: 3, inside: 5, formulas: 1, bomb: 1}


def memory(what):
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024


def text(answer):
    return unescape(answer.get_data(as_text=True))


def reason(page):
    """The reason that a page gives for its refusal."""
    return next(said for said in REASONS if said in page)


def fuzz(shop, desk, number, seed):
    """Upload spoiled files and have those that can be read checked; returns how often which way ended how, and the memory it took."""
    good = [workbook([offer(n) for n in range(5)]), ("\ufeff" + ",".join(HEADS) + "\n" + ",".join(map(str, offer(1))) + "\n").encode()]
    dice, token, ends = random.Random(seed), desk.token("/bulk/listings"), Counter()
    bombs()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = memory("VmRSS")
    for turn in range(number):
        way = dice.choices(list(WAYS), WAYS.values())[0]
        content = way(dice, good)
        answer = desk.browser.client.post(
            "/bulk/listings", data={"csrf_token": token, "file": (BytesIO(content), "x.xlsx")}, content_type="multipart/form-data"
        )
        answer.request.environ["wsgi.input"].close()
        assert answer.status_code in {303, 422}, (turn, way.__name__, answer.status_code)
        if answer.status_code == 422:
            ends[way.__name__, reason(text(answer))] += 1
            continue
        desk.address = answer.headers["Location"]
        step = desk.step("check", **desk.mapping())
        assert step.status_code in {303, 422}, (turn, way.__name__, step.status_code)
        if step.status_code == 422:
            assert "必需的列没有对应" in text(step) or "选择了不止一次" in text(step), (turn, way.__name__)
            ends[way.__name__, "columns"] += 1
            continue
        work(shop)
        ends[way.__name__, _checked(shop, desk, (turn, way.__name__))] += 1
    return ends, memory("VmHWM") - before


def _checked(shop, desk, where):
    """How the check of a file ended that could be read at first sight: through, or stopped with a reason."""
    done = job(shop)
    assert done.state not in RUNNING, where
    page = desk.browser.get(desk.address)
    assert page.status_code == 200, where
    assert desk.browser.get(f"{desk.address}/file").status_code == 200, where
    if done.failed:
        failed = desk.browser.get(f"{desk.address}/failed.xlsx")
        assert failed.status_code == 200 and failed.data.startswith(b"PK"), where
    if done.state is JobState.FAILED:
        assert done.why and reason(text(page)), where
    else:
        assert done.state is JobState.CHECKED and done.rows == done.added + done.changed + done.unchanged + done.failed, where
    return done.state.value


def test_two_hundred_spoiled_files_are_answered_with_a_reason_in_bounded_memory(shop, desk):
    ends, grown = fuzz(shop, desk, 200, 1)
    assert ends.total() == 200 and grown < MOST_MEMORY


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_ten_thousand_spoiled_files_are_answered_with_a_reason_in_bounded_memory(shop, desk):
    ends, grown = fuzz(shop, desk, 10_000, 2)
    print(f"10,000 spoiled files, at most {grown // MIB} MiB more than before")
    for (way, end), count in sorted(ends.items()):
        print(f"{way:>12}  {count:>5}  {end}")
    assert ends.total() == 10_000 and grown < MOST_MEMORY
    assert {way for way, _ in ends} == {way.__name__ for way in WAYS} and ends["encodings", "checked"] > 100
