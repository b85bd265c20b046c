"""Files that want to break something are refused before they are unpacked, with the reason, in bounded memory."""

import random
import struct
import tracemalloc
import zipfile
from html import unescape
from io import BytesIO

import pytest

from app.bulk.tables import BulkJob
from app.kernel import sheets
from app.kernel.sheets import SheetTooBig, UnreadableSheet
from app.kernel.xlsx_writing import Head, Sheet, written
from tests import factories
from tests.app.bulk.conftest import HEADS, offer, workbook

MIB = 2**20
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def text(answer):
    return unescape(answer.get_data(as_text=True))


def changed(replace=None, add=None, **more):
    """A good workbook with some parts replaced or added."""
    source = zipfile.ZipFile(BytesIO(workbook([offer(1)])))
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for info in source.infolist():
            archive.writestr(info.filename, (replace or {}).get(info.filename, source.read(info)))
        for name, data in (add or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def sheet(body, head=""):
    return f'<?xml version="1.0"?>{head}<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'.encode()


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))


def row_bomb():
    return changed({SHEET: sheet("<row><c t=\"n\"><v>1</v></c></row>" * 120_000)})


BOMBS = {
    "zip-ratio": lambda: changed({SHEET: sheet("<row>" + " " * 60 * MIB + "</row>")}),
    "unpacked-size": lambda: changed(add={f"xl/media/{n}.bin": bytes(39 * MIB // 10) for n in range(110)}),
    "entries": lambda: changed(add={f"x/{n}": b"" for n in range(600)}),
    "rows": row_bomb,
    "row-number": lambda: changed({SHEET: sheet('<row r="1"><c r="A1" t="str"><v>货号</v></c></row><row r="1048576"><c r="A1"><v>1</v></c></row>')}),
    "columns": lambda: changed({SHEET: sheet("<row>" + '<c r="ZZZ1"><v>1</v></c>' + "</row>")}),
    "cell": lambda: changed({SHEET: sheet(f'<row><c t="inlineStr"><is><t>{"长" * 40_000}</t></is></c></row>')}),
    "entities": lambda: changed({SHEET: sheet('<row><c t="str"><v>&l8;</v></c></row>', f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>')}),
    "external": lambda: changed({SHEET: sheet('<row><c t="str"><v>&x;</v></c></row>', '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>')}),
    "depth": lambda: changed({SHEET: sheet("<row>" + "<a>" * 500 + "</a>" * 500 + "</row>")}),
    "token": lambda: changed({SHEET: sheet(f'<row a="{random.Random(1).randbytes(2 * MIB).hex()}"></row>')}),
    "unknown-encoding": lambda: changed({SHEET: sheet("<row/>").replace(b'"1.0"', b'"1.0" encoding="UT8"')}),
    "macros": lambda: changed(add={"xl/vbaProject.bin": b"x"}),
    "old-or-encrypted": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000,
    "cut": lambda: workbook([offer(1)])[:-300],
    "no-workbook": lambda: changed()[:4] and _archive({"hello.txt": b"hi"}),
    "strings": lambda: changed(
        {"xl/_rels/workbook.xml.rels": _rels(), SHEET: sheet('<row><c t="s"><v>7</v></c></row>')}, {"xl/sharedStrings.xml": b"<sst/>"}
    ),
    "binary-csv": lambda: b"a,b\n\x00\x01\x02\x03,\xff\n",
    "wrong-encoding": lambda: "货号,名称\nA,é\n".encode("gb18030")[:-2] + b"\xff\xff\n",
    "half-utf16": lambda: b"\xff\xfe" + "货号".encode("utf-16-le") + b"\x00\xd8",
    "quote": ('货号,名称\n"' + "x,\n" * 100_000).encode,
    "pdf": lambda: b"%PDF-1.7 hello",
    "empty": lambda: b"",
    "heads-only": lambda: ",".join(HEADS).encode(),
}  # fmt: skip


def _archive(parts):
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def _rels():
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId9" Type="{kind}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    ).encode()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_with_its_reason_and_leaves_nothing(shop, desk, bomb):
    content = BOMBS[bomb]()
    answer = desk.upload(content, name="炸弹.xlsx")
    assert answer.status_code in {303, 422}, bomb
    if answer.status_code == 422:
        page = text(answer)
        assert "没有提交成功" in page and any(said in page for said in ("文件不是可读的表格", "上限为", "没有选择文件", "只有列名")), page[-2000:]
        with shop.session() as session:
            assert factories.how_many(session, BulkJob) == 0
    else:  # what only shows further down is refused by the worker, who says where
        assert bomb in {"rows", "row-number", "quote"}
        desk.step("check", **desk.mapping())


@pytest.mark.parametrize("bomb", ["zip-ratio", "unpacked-size", "entries", "rows", "cell", "entities", "depth", "token", "columns", "row-number"])
def test_reading_a_bomb_takes_bounded_memory(bomb):
    content = BytesIO(BOMBS[bomb]())
    tracemalloc.start()
    try:
        with pytest.raises((SheetTooBig, UnreadableSheet)):
            for _ in sheets.lines(content):
                pass
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rows", [10_000, pytest.param(50_000, marks=pytest.mark.deep)])
def test_however_many_rows_are_written_and_read_in_bounded_memory(rows):
    tracemalloc.start()
    try:
        size, kept = 0, BytesIO()
        for piece in written([Sheet("商品", [Head(head) for head in HEADS], (list(map(str, offer(n))) for n in range(rows)))]):
            size = max(size, len(piece))
            kept.write(piece)
        assert sum(1 for _ in sheets.lines(kept)) == rows + 1
        assert size < MIB and tracemalloc.get_traced_memory()[1] - len(kept.getvalue()) < 16 * MIB
    finally:
        tracemalloc.stop()


def test_a_directory_of_a_million_entries_is_not_even_listed():
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    body = entry * 200_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(body), 0, 0)
    with pytest.raises(SheetTooBig):
        list(sheets.lines(BytesIO(b"PK\x03\x04" + body + end)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv_of_every_known_encoding_and_separator_is_read(encoding, separator):
    content = f"货号{separator}名称\r\nA-1{separator}打印机，黑白\r\n\r\nA-2{separator}\"两\n行\"\r\n".encode(encoding)
    assert [(line.number, line.cells) for line in sheets.lines(BytesIO(content))] == [(1, ["货号", "名称"]), (2, ["A-1", "打印机，黑白"]), (4, ["A-2", "两\n行"])]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "＝1", "'=1", "''=1", "'a", "-", "=", "a=1", "_x0041_", "_x0009_\t", "a\nb", " a "])
def test_what_looks_like_a_formula_is_neutralised_and_comes_back_as_it_was(cell):
    assert sheets.armed(sheets.defused(cell)) == cell
    assert not sheets.defused(cell).startswith(("=", "+", "-", "@", "\t", "＝"))
    content = b"".join(written([Sheet("a", [Head("x"), Head("y")], [[sheets.defused(cell), "end"]])]))
    assert list(sheets.lines(BytesIO(content)))[1].cells[0] == cell
