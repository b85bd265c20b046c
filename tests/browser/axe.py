"""What axe finds on a page that is open, at the width and in the theme somebody has chosen."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.target).join(' | ')}`)"""
CORNERS = ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"))


def turn(page: Page, width: int, theme: str) -> None:
    """Look at the page so wide and in this theme."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)


def violations(page: Page) -> list[str]:
    """What is wrong for assistive technology, by all rules of WCAG that axe knows."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN)
    return found


def overhang(page: Page, width: int) -> int:
    """Pixels by which the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return max(0, wide - width)
