"""Chinese fonts for the browser without fonts on the system: a fontconfig file that points at the wheel's own."""

import os
import tempfile
from pathlib import Path

import pylopdf_fonts_zh_cn

#: Switches that make Debian's chromium quiet and the same on every machine.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--lang=zh-CN",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def fontconfig_file(folder: Path | None = None) -> Path:
    """Write the configuration (once per folder) and return its path, for `FONTCONFIG_FILE`."""
    folder = folder or Path(tempfile.gettempdir()) / f"mall-fonts-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "fonts.conf"
    fonts = Path(pylopdf_fonts_zh_cn.__file__).parent
    text = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder / "cache"}</cachedir>
  <alias><family>sans-serif</family><prefer><family>Noto Sans SC</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Noto Serif SC</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family><family>Noto Sans SC</family></prefer></alias>
</fontconfig>
"""
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        draft = target.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    return target


def browser_environment() -> dict[str, str | float | bool]:
    """The environment to start chromium with."""
    return {**os.environ, "FONTCONFIG_FILE": str(fontconfig_file())}
