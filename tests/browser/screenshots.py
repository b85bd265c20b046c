"""The pictures of README.md and docs/, taken from the running product: `make screenshots`; names after the module take only these."""

import os
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import places, product
from tests.browser.desk import Desk, Theme
from tests.browser.fonts import FLAGS, browser_environment
from tests.peers import PEERS, ROOT, SHARED, chromium

IMAGES = ROOT / "docs" / "images"

PICTURES: dict[str, tuple[str, int, int, Theme]] = {
    "search": ("search", 1440, 900, "light"),
    "product": ("product", 1440, 900, "light"),
    "compare": ("compare", 1440, 900, "light"),
    "cart": ("cart", 1440, 900, "light"),
    "checkout": ("checkout-blocked", 1440, 900, "light"),
    "order": ("order-late", 1440, 1000, "light"),
    "workbench": ("workbench-buyer", 1440, 900, "light"),
    "stream": ("stream", 1440, 900, "dark"),
    "audit": ("order-audit", 1440, 1000, "dark"),
    "portal": ("portal", 1440, 900, "light"),
    "listings": ("listings", 1440, 900, "light"),
    "phone": ("search", 390, 844, "light"),
    "spot": ("plan-on-the-spot", 1440, 760, "light"),
    "approvals": ("approvals", 1440, 900, "light"),
    "confirm": ("confirm", 1440, 900, "light"),
    "accept": ("accept", 1440, 900, "light"),
    "pay": ("pay", 1440, 900, "light"),
    "listing": ("listing", 1440, 900, "light"),
    "board": ("board", 1440, 900, "dark"),
    "alerts": ("alerts", 1440, 1000, "dark"),
    "verify": ("verify", 1440, 760, "light"),
}
"""The file's name: which key page, width, height and theme."""


def take(folder: Path, wanted: Collection[str] = PICTURES) -> None:
    """Write the wanted pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mall-pictures-") as scratch:
        os.environ[SHARED] = scratch
        prepared = product.prepare(Path(scratch) / "prepared")
        with product.Product(prepared, Path(scratch) / "product") as running, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS), env=browser_environment())
            desk = Desk(running, browser)
            found = places.of(desk)
            for name in wanted:
                place, width, height, theme = PICTURES[name]
                login, path = found[place]
                page = desk.page(login, path, width=width, theme=theme)
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(300)
                page.screenshot(path=folder / f"{name}.png", animations="disabled")
                page.close()
                print(f"{folder / name}.png")
            desk.close()
            browser.close()


if __name__ == "__main__":
    os.chdir(ROOT)
    if chromium() is None:
        sys.exit(f"chromium is missing: {PEERS['chromium'].get}")
    take(IMAGES, sys.argv[1:] or PICTURES)
