"""Every page at two widths and in both themes: no violation of WCAG found by axe, no sideways scrolling, nothing on the console.

Key pages are looked at in all four corners, the others in the two that have every width and theme between them.
"""

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page

from tests.browser import places
from tests.browser.desk import Desk
from tests.browser.places import Place

pytestmark = pytest.mark.peer("chromium")

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = """async (rules) => (await axe.run(document, rules ? { runOnly: { type: 'rule', values: rules }, resultTypes: ['violations'] }
    : { resultTypes: ['violations'] })).violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target).join(' | ')}`)"""
CORNERS = ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"))
COLOURS = ["color-contrast"]  # nothing else differs in the dark


@pytest.fixture(scope="module")
def addresses(desk: Desk) -> Iterator[dict[str, Place]]:
    """Where each key page is in this province, and who looks at it."""
    yield places.of(desk)


@pytest.mark.parametrize("name", places.NAMES)
def test_page_is_accessible_fits_and_is_quiet(desk: Desk, addresses: dict[str, Place], name: str) -> None:
    login, path = addresses[name]
    page = desk.page(login, path)
    for width, theme in CORNERS if name in places.KEY else CORNERS[::3]:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        assert _violations(page, COLOURS if theme == "dark" else None) == [], (width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.close()
    assert desk.complaints == []


def _violations(page: Page, rules: list[str] | None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, rules)
    return found
