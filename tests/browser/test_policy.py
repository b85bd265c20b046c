"""The content policy as the product really sends it, in a real browser that is told to bypass nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")

LISTEN = """() => { window.violations = []; document.addEventListener('securitypolicyviolation',
    (event) => window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`)) }"""
ATTACKS = {
    "script-src-elem inline": "const s = document.createElement('script'); s.textContent = 'window.broken = 1'; document.body.append(s)",
    "script-src-attr inline": "document.body.setAttribute('onclick', 'window.broken = 1'); document.body.click()",
    "style-src-elem inline": "const s = document.createElement('style'); s.textContent = 'body { color: red }'; document.head.append(s)",
    "style-src-attr inline": "document.body.innerHTML += '<i style=\"color: red\">x</i>'",
    "script-src-elem http://foreign.invalid/x.js": "const s = document.createElement('script'); s.src = 'http://foreign.invalid/x.js'; document.head.append(s)",
    "img-src http://foreign.invalid/x.png": "new Image().src = 'http://foreign.invalid/x.png'",
    "connect-src http://foreign.invalid/": "fetch('http://foreign.invalid/').catch(() => 0)",
    "frame-src http://foreign.invalid": "const f = document.createElement('iframe'); f.src = 'http://foreign.invalid/'; document.body.append(f)",
    "form-action http://foreign.invalid/": "const f = document.createElement('form'); f.method = 'post'; f.action = 'http://foreign.invalid/'; document.body.append(f); f.submit()",
    "base-uri http://foreign.invalid/": "const b = document.createElement('base'); b.href = 'http://foreign.invalid/'; document.head.append(b)",
}  # fmt: skip


def seen(page: Page, violation: str) -> bool:
    """Whether the browser reports it within two seconds; its own waiting functions are refused by the policy."""
    for _ in range(40):
        if violation in page.evaluate("window.violations"):
            return True
        page.wait_for_timeout(50)
    return False


@pytest.fixture(scope="module")
def page(desk: Desk) -> Iterator[Page]:
    """One page for all attacks: each must be seen as a violation of its own kind."""
    page = desk.context(None).new_page()
    page.goto("/portal")
    page.evaluate(LISTEN)
    yield page
    page.close()


@pytest.mark.parametrize("blocked", ATTACKS)
def test_what_is_injected_is_blocked_and_seen_as_a_violation(page: Page, blocked: str) -> None:
    assert blocked not in page.evaluate("window.violations")
    page.evaluate(f"() => {{ {ATTACKS[blocked]} }}")
    assert seen(page, blocked)
    assert page.evaluate("window.broken") is None


def test_text_becomes_code_neither_by_eval_nor_by_a_timer(desk: Desk) -> None:
    page = desk.context(None).new_page()
    page.goto("/portal")
    page.add_script_tag(url="/static/js/theme.js")  # our own origin still loads
    page.evaluate(LISTEN)
    for code in ("eval('1')", "new Function('return 1')()", "setTimeout('window.broken = 1', 0)"):
        page.evaluate(f"() => {{ const go = () => {{ {code} }}; setTimeout(() => {{ try {{ go() }} catch (error) {{ window.refused = String(error) }} }}, 0) }}")
        page.wait_for_timeout(100)
    assert seen(page, "script-src eval")
    assert page.evaluate("window.broken") is None
    page.close()
