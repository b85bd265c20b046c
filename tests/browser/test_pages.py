"""Every page at two widths and in both themes: no violation of WCAG found by axe, no sideways scrolling, nothing on the console.

Key pages are looked at in all four corners, the others in the two that have every width and theme between them. In English the
pages with the longest words are looked at on the phone; the deep run looks at every page, in both themes, in both languages.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Page

from app.web.language import CATALOGUE
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


IN_ENGLISH = ("search", "cart", "orders", "order-late", "workbench-buyer", "listings", "notice", "board")
HAN_SEEN = """() => {
  const seen = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node; node = walk.nextNode();) if (!node.parentElement.closest('[lang=zh], script')) seen.push(node.data.trim())
  for (const name of ['aria-label', 'placeholder', 'title', 'alt', 'data-l'])
    for (const each of document.querySelectorAll(`[${name}]`)) seen.push(each.getAttribute(name).trim())
  return seen.filter((text) => /[\u3400-\u9fff]/.test(text))
}"""
DATA = {"打印机", "复印纸", "货物", "工程", "服务", "全省", "其他", "系统", "河南省", "王老师", "笔"}
"""Texts of the product that are also names of categories, regions or people in the records."""


@pytest.fixture(scope="module")
def texts() -> re.Pattern[str]:
    """Every text of the product in Chinese, whatever it is filled with."""
    with CATALOGUE.open("rb") as source:
        known = [str(message.id) for message in read_po(source) if message.id and re.search(r"[\u3400-\u9fff]", str(message.id))]
    filled = [re.sub(r"%\\\(\w+\\\)[sd]", ".+", re.escape(each)) for each in known if each not in DATA and len(re.sub(r"%\(\w+\)[sd]", "", each)) > 2]
    return re.compile("|".join(filled))


@pytest.mark.parametrize("name", IN_ENGLISH)
def test_page_reads_well_in_english_on_a_phone(desk: Desk, addresses: dict[str, Place], texts: re.Pattern[str], name: str) -> None:
    page = _in_english(desk, addresses[name], texts)
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
    assert desk.complaints == []


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", places.NAMES)
def test_every_page_in_every_corner(desk: Desk, addresses: dict[str, Place], texts: re.Pattern[str], name: str, language: str) -> None:
    page = _in_english(desk, addresses[name], texts) if language == "en" else desk.page(*addresses[name])
    for width, theme in CORNERS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        assert _violations(page, None) == [], (width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, theme)
    page.close()
    assert desk.complaints == []


def _in_english(desk: Desk, place: Place, texts: re.Pattern[str]) -> Page:
    """The page for somebody who chose English; nothing that the product says is left in Chinese."""
    login, path = place
    page = desk.page(login, path, language="en")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert [seen for seen in page.evaluate(HAN_SEEN) if texts.fullmatch(seen)] == []
    return page


def _violations(page: Page, rules: list[str] | None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, rules)
    return found
