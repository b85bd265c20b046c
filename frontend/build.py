"""Make the committed browser files from their sources.

``python frontend/build.py css`` joins the stylesheets and needs nothing else.
``python frontend/build.py`` also copies the vendored libraries and draws the
icon sprite; it needs ``npm ci`` in this directory first.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
MODULES = HERE / "node_modules"
LIBRARIES = (
    ("htmx.org", "dist/htmx.min.js", "htmx.min.js"),
    ("idiomorph", "dist/idiomorph-ext.min.js", "idiomorph-ext.min.js"),
    ("htmx-ext-sse", "dist/sse.min.js", "sse.min.js"),
)
HEAD = "/* Made by `make assets` from frontend/css; edit there. */\n"


def joined_styles() -> str:
    """All stylesheets in the order of their names, without comments and indentation."""
    parts = [path.read_text(encoding="utf-8") for path in sorted((HERE / "css").glob("*.css"))]
    text = re.sub(r"/\*.*?\*/", "", "\n".join(parts), flags=re.DOTALL)
    lines = (line.strip() for line in text.splitlines())
    text = "\n".join(line for line in lines if line)
    text = re.sub(r"\s*([{};,>])\s*", r"\1", text)
    text = re.sub(r":[ ]+(?=[^;{}]*[;}])", ":", text)
    text = re.sub(r"(--[a-z]+):;", r"\1: ;", text)
    text = re.sub(r";}", "}", text)
    return HEAD + text.replace("}", "}\n")


def icon_names() -> list[str]:
    """The icons in use, one a line in ``icons.txt``."""
    return (HERE / "icons.txt").read_text(encoding="utf-8").split()


def sprite() -> str:
    """One SVG with a symbol for each icon in use."""
    symbols = []
    for name in icon_names():
        kind, stem = ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
        source = (MODULES / "@tabler/icons/icons" / kind / f"{stem}.svg").read_text(encoding="utf-8")
        source = re.sub(r"<!--.*?-->", "", source, flags=re.DOTALL)
        body = re.search(r"<svg[^>]*>(.*)</svg>", source, flags=re.DOTALL)
        if body is None:
            raise SystemExit(f"cannot read the icon {name}")
        inner = re.sub(r"\s+", " ", body.group(1)).strip()
        inner = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").replace(" />", "/>").strip()
        paint = ' fill="currentColor" stroke="none"' if kind == "filled" else ""
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24"{paint}>{inner}</symbol>')
    note = "<!-- Tabler icons, MIT licence: see vendor/LICENSES -->"
    return f'<svg xmlns="http://www.w3.org/2000/svg">{note}\n' + "\n".join(symbols) + "\n</svg>\n"


def licences() -> str:
    """The licence texts of everything that is copied or drawn from."""
    parts = []
    for package in (*(package for package, _, _ in LIBRARIES), "@tabler/icons"):
        text = (MODULES / package / "LICENSE").read_text(encoding="utf-8").strip()
        version = re.search(r'"version":\s*"([^"]+)"', (MODULES / package / "package.json").read_text(encoding="utf-8"))
        parts.append(f"{package} {version.group(1) if version else ''}\n{'=' * 72}\n{text}\n")
    return "\n\n".join(parts)


def manifest() -> str:
    """SHA-256 of every vendored or drawn file, in the form of ``sha256sum``."""
    files = sorted([*(STATIC / "vendor").glob("*.js"), STATIC / "vendor/LICENSES", STATIC / "img/icons.svg"])
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(STATIC).as_posix()}\n" for path in files
    )


def main(what: list[str]) -> None:
    """Write the files; ``css`` alone leaves the vendored ones."""
    (STATIC / "css").mkdir(parents=True, exist_ok=True)
    (STATIC / "css/mall.css").write_text(joined_styles(), encoding="utf-8")
    if what == ["css"]:
        return
    (STATIC / "vendor").mkdir(parents=True, exist_ok=True)
    for package, source, target in LIBRARIES:
        shutil.copyfile(MODULES / package / source, STATIC / "vendor" / target)
    (STATIC / "img").mkdir(parents=True, exist_ok=True)
    (STATIC / "img/icons.svg").write_text(sprite(), encoding="utf-8")
    (STATIC / "vendor/LICENSES").write_text(licences(), encoding="utf-8")
    (STATIC / "vendor/MANIFEST").write_text(manifest(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
