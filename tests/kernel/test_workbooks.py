"""Workbooks: the same bytes every time, read back cell by cell, and no file unpacks without measure."""

import io
import zipfile

import pytest

from app.kernel import workbooks
from app.kernel.sheets import UnreadableSheet

ROWS = [["编号", "商品 <b>&", None, 3], ["=1+1", 'a"b', "", -2], [], ["第四行"]]


def packed(**parts: str | bytes) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return raw.getvalue()


def test_what_is_written_reads_back_and_has_the_same_bytes_every_time():
    raw = workbooks.written("比选", ROWS)
    assert raw == workbooks.written("比选", ROWS)
    assert workbooks.looks_like(raw) and not workbooks.looks_like(b"a,b")
    assert workbooks.read(raw, 10) == [["编号", "商品 <b>&", "", "3"], ["=1+1", 'a"b', "", "-2"], [], ["第四行"]]


def test_cells_beyond_the_alphabet_keep_their_place():
    row = [str(number) for number in range(40)]
    assert workbooks.read(workbooks.written("x", [row]), 10) == [row]


def test_shared_texts_stored_results_and_gaps_are_read():
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = (
        f'<worksheet xmlns="{main}"><sheetData><row r="2"><c r="A2" t="s"><v>1</v></c><c r="C2"><f>1+1</f><v>2.0</v></c>'
        '<c r="D2" t="s"><v>9</v></c></row></sheetData></worksheet>'
    )
    shared = f'<sst xmlns="{main}"><si><t>甲</t></si><si><r><t>乙</t></r><r><t>丙</t></r></si></sst>'
    raw = packed(xl__worksheets__sheet1=sheet, xl__sharedStrings=shared)
    assert workbooks.read(raw, 10) == [[], ["乙丙", "", "2", ""]]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04",
        packed(other="<a/>"),
        packed(xl__worksheets__sheet1="no xml"),
        packed(xl__worksheets__sheet1='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        packed(xl__worksheets__sheet1=b"<a>" + b" " * 9_000_000 + b"</a>"),
        packed(xl__worksheets__sheet1=b"<a>" + b"0" * 500_000 + b"</a>"),
        workbooks.written("x", ROWS)[:-40],
    ],
    ids=["nothing", "cut off", "no sheet", "no xml", "entities", "too large", "too dense", "no end"],
)
def test_what_is_no_workbook_or_unpacks_without_measure_is_refused(raw):
    with pytest.raises(UnreadableSheet):
        workbooks.read(raw, 10)


def test_more_rows_than_allowed_are_refused():
    with pytest.raises(UnreadableSheet):
        workbooks.read(workbooks.written("x", [[1]] * 11), 10)
