"""What a file is, told by its bytes; what of it is kept; what is refused."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import contents
from app.kernel.contents import Bounds, BrokenFile, FileTooLarge, Kind, NoFile, TooManyPixels, UnknownContent
from app.kernel.errors import Refusal

BOUNDS = Bounds(most_bytes=100_000, most_pixels=1_000_000)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 2, height: int = 2, *, more: bytes = b"") -> bytes:
    rows = zlib.compress(b"".join(b"\0" + b"\x10\x20\x30" * min(width, 4) for _ in range(min(height, 4))))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(turn: int, place: bytes = b"GPS 34.7466N") -> bytes:
    """A note with an orientation, and where the picture was taken."""
    entry = struct.pack(">HHI", 0x0112, 3, 1) + struct.pack(">H", turn) + b"\0\0"
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 1) + entry + b"\0\0\0\0" + place


def jpeg(width: int = 16, height: int = 8, *, notes: bytes = b"", behind: bytes = b"") -> bytes:
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
    jfif = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    return b"\xff\xd8" + jfif + notes + frame + scan + b"\xff\xd9" + behind


def test_a_document_and_two_kinds_of_picture_are_known_by_their_bytes():
    seen = [contents.look(data, BOUNDS) for data in (PDF, jpeg(), png())]
    assert [(each.kind, each.width, each.height) for each in seen] == [(Kind.PDF, None, None), (Kind.JPEG, 16, 8), (Kind.PNG, 2, 2)]
    assert [each.data for each in seen] == [PDF, jpeg(), png()]


@pytest.mark.parametrize(
    "data", [b"<html><script>alert(1)</script>", b"GIF89a" + b"\0" * 20, b"PK\x03\x04" + b"\0" * 20, b"MZ" + b"\0" * 20, b"\x00" * 30, b"%!PS-Adobe-3.0"]
)
def test_what_is_something_else_is_refused_whatever_it_is_called(data):
    with pytest.raises(UnknownContent):
        contents.look(data, BOUNDS)


def test_nothing_and_too_much_are_refused_with_the_figure():
    with pytest.raises(NoFile):
        contents.look(b"", BOUNDS)
    with pytest.raises(FileTooLarge) as refused:
        contents.look(PDF + b" " * 250_000, BOUNDS)
    assert refused.value.facts == {"field": "file", "size": "0.3", "most": "0.1"}


@pytest.mark.parametrize("make", [jpeg, png])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_opened(make):
    with pytest.raises(TooManyPixels) as refused:
        contents.look(make(40_000, 30_000), BOUNDS)
    assert (refused.value.width, refused.value.height, refused.value.most) == (40_000, 30_000, 100)


@pytest.mark.parametrize("data", [PDF[:-8], PDF.replace(b"startxref", b"x"), jpeg()[:-2], jpeg()[:30], jpeg(0, 8), png()[:-5], png(0, 2), png()[:-1] + b"x"])
def test_what_is_cut_or_spoiled_is_refused(data):
    with pytest.raises(BrokenFile):
        contents.look(data, BOUNDS)


def test_of_a_photograph_its_turn_stays_and_its_place_its_comments_and_what_hangs_behind_go():
    photo = jpeg(notes=segment(0xE1, exif(6)) + segment(0xFE, b"a comment") + segment(0xE2, b"ICC_PROFILE\0\x01\x01rgb"), behind=b"<script>")
    kept = contents.look(photo, BOUNDS).data
    assert b"GPS" in photo
    assert [b"GPS" in kept, b"a comment" in kept, b"<script>" in kept, b"ICC_PROFILE" in kept] == [False, False, False, True]
    assert contents._turn_of(kept[kept.index(b"Exif") :]) == 6
    assert contents.look(kept, BOUNDS).data == kept


def test_of_a_drawing_its_texts_and_what_hangs_behind_go():
    kept = contents.look(png(more=chunk(b"tEXt", b"Author\0somebody") + chunk(b"eXIf", exif(3))) + b"PK\x03\x04zip", BOUNDS).data
    assert kept == png()


def test_a_photograph_that_lies_right_keeps_no_note_at_all():
    assert contents.look(jpeg(notes=segment(0xE1, exif(1))), BOUNDS).data == jpeg()


@given(st.data())
def test_whatever_is_spoiled_is_refused_or_kept_but_never_breaks(data):
    whole = bytearray(data.draw(st.sampled_from([PDF, jpeg(notes=segment(0xE1, exif(6))), png(more=chunk(b"tEXt", b"a\0b"))])))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        kept = contents.look(cut, BOUNDS)
    except Refusal as refused:
        assert refused.code.startswith("upload.")
    else:
        assert len(kept.data) <= len(cut) + 36
