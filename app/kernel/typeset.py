"""Documents as PDF/UA: the same content gives the same bytes, and a file is there whole or not at all."""

import io
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import segno
import typst

from app.kernel.errors import N_, Unavailable

DEMO_MARK = "演示数据"
WAIT_S = 5.0
_turn = threading.Lock()


class DocumentBusy(Unavailable):
    """Documents are made one after another; the page itself says the same."""

    code = "document.busy"
    message = N_("正在为其他读者生成文件，请稍候几秒再下载")


def pdf(template: bytes, content: Mapping[str, Any], *, at: datetime) -> bytes:
    """The content set by a typst template, which reads it as data: nothing in it can be taken for markup.

    The bytes depend on the template, the content and `at` alone, so a lost file can be made again with the same digest.
    """
    fonts: Any = [str(pylopdf_fonts_zh_cn.serif_path().parent)]
    return typst.compile(
        template,
        font_paths=fonts,
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"document": json.dumps(content)},
        timestamp=int(at.timestamp()),
    )


def qr_code(address: str) -> str:
    """A code that leads to the address, as SVG."""
    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()


def kept(file: Path, make: Callable[[], bytes]) -> Path:
    """The file, made at the first request and kept. Raises DocumentBusy when others are before us for longer than WAIT_S seconds."""
    if file.exists():
        return file
    if not _turn.acquire(timeout=WAIT_S):
        raise DocumentBusy()
    try:
        if not file.exists():
            draft = file.with_suffix(".new")
            draft.write_bytes(make())
            draft.replace(file)
    finally:
        _turn.release()
    return file
