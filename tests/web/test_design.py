"""The design system: every macro on a page, in both themes, wide and narrow; and the files it is made of."""

import hashlib
import re
import threading
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from app.web import figures, pictures
from frontend import build
from tests.browser.axe import overhang, turn, violations
from tests.browser.fonts import FLAGS, browser_environment
from tests.peers import ROOT, chromium
from tests.web.specimen import make_app

STATIC = ROOT / "static"
PAGES = ("/", "/watch", "/portal", "/error/403")
TEMPLATES = sorted(path for package in ("app", "catalog", "orders", "supervision") for path in (ROOT / package).rglob("templates/**/*.html"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS), env=browser_environment())
        yield started
        started.close()


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_every_part_has_no_fault_for_assistive_technology_never_scrolls_sideways_and_is_quiet(address, browser, path):
    page = browser.new_page(reduced_motion="reduce")  # colours change at once
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address + path, wait_until="load")
    for width, theme in ((1440, "light"), (390, "dark")):
        turn(page, width, theme)
        assert violations(page) == [], (width, theme)
        assert overhang(page, width) == 0, width
    page.close()
    assert [words for words in said if "status of 4" not in words] == []


@pytest.mark.peer("chromium")
def test_keys_steppers_ticks_and_dialogs_answer(address, browser):
    page = browser.new_page(color_scheme="light")
    page.goto(address, wait_until="load")
    page.locator("h1").click()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.locator(".step [data-step='1']").click()
    assert page.locator(".step input").input_value() == "7"
    for index in range(2):
        page.locator("[data-compare]").nth(index).check()
    assert page.locator("[data-tray] [data-count]").inner_text() == "2"
    page.locator("[data-dialog=delegate]").click()
    assert page.locator("dialog#delegate").evaluate("dialog => dialog.open")
    page.keyboard.press("Escape")
    page.locator("[data-theme-toggle]").click()
    page.reload(wait_until="load")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(f"{address}/watch", wait_until="load")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("[data-rows] tr.on").inner_text().startswith("1,283,815")
    page.close()


@pytest.mark.peer("chromium")
def test_without_javascript_the_system_decides_the_theme_and_supervision_stays_dark(address, browser):
    grounds = {}
    for path in ("/portal", "/watch"):
        for scheme in ("light", "dark"):
            context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
            page = context.new_page()
            page.goto(address + path, wait_until="load")
            grounds[path, scheme] = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
            context.close()
    light, dark = "rgb(244, 246, 249)", "rgb(18, 23, 30)"
    assert grounds == {("/portal", "light"): light, ("/portal", "dark"): dark, ("/watch", "light"): dark, ("/watch", "dark"): dark}


def test_the_committed_stylesheet_is_the_joined_sources():
    assert (STATIC / "css/mall.css").read_text(encoding="utf-8") == build.joined_styles()


def test_every_vendored_file_has_the_hash_of_the_manifest():
    lines = dict(reversed(line.split("  ")) for line in (STATIC / "vendor/MANIFEST").read_text().splitlines())
    assert {name: hashlib.sha256((STATIC / name).read_bytes()).hexdigest() for name in lines} == lines
    assert {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").glob("*.js")} <= set(lines)


def test_the_lock_of_the_browser_libraries_names_no_registry():
    assert "resolved" not in (ROOT / "frontend/package-lock.json").read_text()


def test_every_icon_in_a_template_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))
    assert sprite == set(build.icon_names())
    called = re.compile(r"""\b_?icon\(\s*['"]([a-z0-9-]+)['"]|\bicon=['"]([a-z0-9-]+)['"]""")
    used = {(path.name, one or two) for path in TEMPLATES for one, two in called.findall(path.read_text(encoding="utf-8"))}
    assert {(place, name) for place, name in used if name not in sprite} == set()


def test_no_template_has_inline_style_script_or_handler():
    forbidden = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)
    assert [path.name for path in TEMPLATES if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_every_category_has_a_picture_that_is_drawn():
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/goods.svg").read_text()))
    assert set(pictures.SYMBOLS.values()) <= drawn
    assert [pictures.symbol_of(code) for code in ("A02021003", "A02020400", "A05010301", "C21040000", "A99", "Z")] == [
        "printer", "mfp", "chair", "property", "box", "box",
    ]


def test_shares_stay_inside_the_bar():
    assert [figures.share(*each) for each in ((1, 3), (5, 4), (-1, 4), (1, 0))] == [33.333, 100.0, 0.0, 0.0]


def test_marks_of_an_axis_are_round_and_enclose_the_values():
    assert figures.ticks(1299, 1429) == [1250, 1300, 1350, 1400, 1450]
    assert figures.ticks(5, 5)[0] <= 5 <= figures.ticks(5, 5)[-1]


def test_a_price_history_steps_at_its_changes_and_runs_to_the_last_day():
    drawn = figures.history([(date(2026, 9, 1), 10_000), (date(2026, 10, 1), 9_000)], until=date(2026, 11, 1))
    assert [price for _, _, price in drawn.dots] == [9_000]
    assert drawn.path.startswith("M64 ")
    assert drawn.path.endswith("H620")
    assert figures.history([]).path == ""


def test_quartiles_keep_their_order_on_the_bar():
    at = figures.quartile(100, 120, 130, 150, 200, 125, 160)
    assert at["low"] < at["q1"] < at["price"] < at["median"] < at["q3"] < at["limit"] < at["high"]


def test_a_hash_is_drawn_as_eight_ticks():
    assert figures.log_ticks("0f00ffff99") == [2, 14, 2, 2, 14, 14, 14, 14]
