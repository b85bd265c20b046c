"""What a file that somebody hands in really is: told by its bytes, never by its name, and freed from what nobody asked for.

Of pictures only what draws them is kept: comments, places, cameras and whatever hangs behind the end are left out. The turn
of a photograph stays, or it would lie on its side.
"""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel.errors import N_, Invalid


class Kind(StrEnum):
    """What may be handed in."""

    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"


MIME: Final[dict[Kind, str]] = {Kind.PDF: "application/pdf", Kind.JPEG: "image/jpeg", Kind.PNG: "image/png"}
ENDING: Final[dict[Kind, str]] = {Kind.PDF: ".pdf", Kind.JPEG: ".jpg", Kind.PNG: ".png"}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How large a file may be, in bytes, and a picture, in pixels."""

    most_bytes: int
    most_pixels: int


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file that was looked through: the bytes to keep, and the size of a picture."""

    kind: Kind
    data: bytes
    width: int | None = None
    height: int | None = None


class NoFile(Invalid):
    """Nothing was chosen, or the file is empty."""

    code = "upload.missing"
    message = N_("没有收到文件，或文件是空的")
    way_out = N_("请选择一个 PDF、JPEG 或 PNG 文件")
    field: str | None = "file"


class FileTooLarge(Invalid):
    """More bytes than are taken."""

    code = "upload.too_large"
    message = N_("文件有 %(size)s MB，超过 %(most)s MB")
    way_out = N_("请压缩文件，或降低扫描分辨率后重新上传")
    field: str | None = "file"
    size: str
    most: str


class UnknownContent(Invalid):
    """Neither PDF nor JPEG nor PNG, whatever its name says."""

    code = "upload.unknown_content"
    message = N_("文件内容不是 PDF、JPEG 或 PNG；改文件名不能改变文件类型")
    way_out = N_("请用扫描或另存为的方式生成 PDF、JPEG 或 PNG 后上传")
    field: str | None = "file"


class BrokenFile(Invalid):
    """The file is cut short or its parts do not fit."""

    code = "upload.broken"
    message = N_("文件不完整或已损坏，无法打开")
    way_out = N_("请在本机确认能够打开，再重新上传")
    field: str | None = "file"


class TooManyPixels(Invalid):
    """A picture so large that opening it would be a burden."""

    code = "upload.too_many_pixels"
    message = N_("图片为 %(width)s × %(height)s 像素，超过 %(most)s 万像素")
    way_out = N_("请缩小图片后重新上传")
    field: str | None = "file"
    width: int
    height: int
    most: int


def look(data: bytes, bounds: Bounds) -> Content:
    """Find out what the bytes are and keep what belongs to it.

    Raises NoFile, FileTooLarge, UnknownContent, BrokenFile or TooManyPixels.
    """
    if not data:
        raise NoFile()
    if len(data) > bounds.most_bytes:
        raise too_large(len(data), bounds)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data, bounds)
    if data.startswith(_PNG):
        return _png(data, bounds)
    if re.match(rb"%PDF-[12]\.\d", data):
        return _pdf(data)
    raise UnknownContent()


def too_large(size: int, bounds: Bounds) -> FileTooLarge:
    """The refusal of a file with so many bytes."""
    return FileTooLarge(size=f"{size / 1e6:.1f}", most=f"{bounds.most_bytes / 1e6:g}")


def _bounded(width: int, height: int, bounds: Bounds) -> tuple[int, int]:
    if not width or not height:
        raise BrokenFile()
    if width * height > bounds.most_pixels:
        raise TooManyPixels(width=width, height=height, most=bounds.most_pixels // 10_000)
    return width, height


# ---------------------------------------------------------------- PDF

_TAIL: Final = 2048


def _pdf(data: bytes) -> Content:
    tail = data[-_TAIL:]
    if b"startxref" not in tail or b"%%EOF" not in tail:
        raise BrokenFile()
    return Content(kind=Kind.PDF, data=data)


# ---------------------------------------------------------------- JPEG

_SCAN, _END, _EXIF, _ICC = 0xDA, 0xD9, 0xE1, 0xE2
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_KEPT_NOTES: Final = frozenset({0xE0, 0xEE})
"""JFIF and Adobe: how the colours are meant."""
_AFTER_SCAN: Final = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")


def _jpeg(data: bytes, bounds: Bounds) -> Content:
    kept, at, size, turn = [data[:2]], 2, None, 1
    while True:
        marker, segment = _segment(data, at)
        if marker == _END:
            kept.append(b"\xff\xd9")
            break
        at += len(segment)
        if marker in _FRAMES:
            if len(segment) < 10:
                raise BrokenFile()
            size = _bounded(int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big"), bounds)
        if marker == _EXIF:
            turn = _turn_of(segment[4:]) if turn == 1 else turn
        elif _is_kept(marker, segment):
            kept.append(segment)
        if marker == _SCAN:
            following = _AFTER_SCAN.search(data, at)
            if size is None or following is None:
                raise BrokenFile()
            kept.append(data[at : following.start()])
            at = following.start()
    if size is None:
        raise BrokenFile()
    if turn != 1:
        kept.insert(1, _turned(turn))
    return Content(kind=Kind.JPEG, data=b"".join(kept), width=size[0], height=size[1])


def _segment(data: bytes, at: int) -> tuple[int, bytes]:
    """The marker at this place and its whole segment."""
    if len(data) < at + 2 or data[at] != 0xFF:
        raise BrokenFile()
    marker = data[at + 1]
    if marker == _END:
        return marker, data[at : at + 2]
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if length < 2 or len(data) < at + 2 + length:
        raise BrokenFile()
    return marker, data[at : at + 2 + length]


def _is_kept(marker: int, segment: bytes) -> bool:
    if marker == _ICC:
        return segment[4:].startswith(b"ICC_PROFILE\0")
    return marker in _KEPT_NOTES or not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _turn_of(exif: bytes) -> int:
    """The orientation in an EXIF note, 1 to 8; 1 when it says nothing that can be read."""
    body = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(body[:4])
    if body is exif or order is None:
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(body[at : at + size], "little" if order == "little" else "big")

    first = number(4, 4)
    for entry in range(first + 2, first + 2 + 12 * min(number(first, 2), 64), 12):
        if number(entry, 2) == 0x0112:
            turn = number(entry + 8, 2)
            return turn if 1 <= turn <= 8 else 1
    return 1


def _turned(turn: int) -> bytes:
    """The shortest EXIF note that says nothing but the orientation."""
    body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, turn]) + b"\0\0\0\0\0\0"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


# ---------------------------------------------------------------- PNG

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_DRAWN: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"bKGD", b"pHYs"})


def _png(data: bytes, bounds: Bounds) -> Content:
    kept, at, size, has_data = [_PNG], len(_PNG), None, False
    while True:
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if len(data) < end or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise BrokenFile()
        if (size is None) != (name == b"IHDR") or (name not in _DRAWN and name[:1].isupper()):
            raise BrokenFile()
        if name == b"IHDR":
            if length != 13:
                raise BrokenFile()
            size = _bounded(int.from_bytes(data[at + 8 : at + 12], "big"), int.from_bytes(data[at + 12 : at + 16], "big"), bounds)
        if name in _DRAWN:
            kept.append(data[at:end])
        has_data |= name == b"IDAT"
        at = end
        if name == b"IEND":
            break
    if size is None or not has_data:
        raise BrokenFile()
    return Content(kind=Kind.PNG, data=b"".join(kept), width=size[0], height=size[1])
