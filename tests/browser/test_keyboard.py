"""The main journey by keyboard alone: Tab, Shift+Tab, Enter, Space, arrows and the keys of the legend; where the focus is can be seen."""

import re
import time

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.policy import Role
from orders.purchases.states import State
from orders.purchases.tables import Order
from supervision.training.cast import PASSWORD
from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")

BUYER = "buyer.zz01"
MOST_TABS = 40
"""From the beginning of the page's content to what the page is for."""

FOCUS = """() => {
  const el = document.activeElement;
  if (!el || el === document.body) return null;
  const name = el.getAttribute('aria-label') || [...(el.labels ?? [])].map((label) => label.innerText).join(' ') || el.innerText || el.value || '';
  const drawn = (one) => {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
    return marked && box.width > 2 && box.height > 2;
  };
  const shown = [el, ...(el.labels ?? []), el.closest('label'), el.parentElement].filter(Boolean).find(drawn);
  let reached = false;
  if (shown) {
    const box = shown.getClientRects()[0];
    const at = (x, y) => { const hit = document.elementFromPoint(x, y); return !!hit && (shown.contains(hit) || hit.contains(shown)); };
    reached = [[.5, .5], [.1, .5], [.9, .5], [.5, .2], [.5, .8]].some(([x, y]) => at(box.x + box.width * x, box.y + box.height * y));
  }
  el.stop ??= (window.stops = (window.stops ?? 0) + 1);
  return { stop: el.stop, tag: el.tagName, id: el.id, name: name.trim(), seen: !!shown && (el.matches(':focus-visible') || el.type === 'date'), reached, in: !!el.closest('main') };
}"""


class Keys:
    """A person without a mouse. Every stop of the focus must be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops: list[str] = []

    def press(self, keys: str) -> None:
        """One key."""
        self.page.keyboard.press(keys)

    def focus(self) -> dict[str, object] | None:
        """Where the focus is; wherever it is, it is drawn and not covered."""
        found: dict[str, object] | None = self.page.evaluate(FOCUS)
        if found is not None:
            self.stops.append(str(found["name"])[:20])
            assert found["seen"], (self.page.url, found)
            assert found["reached"], (self.page.url, found)
        return found

    def to(self, name: str, *, most: int = MOST_TABS, key: str = "Tab") -> None:
        """Tab to the control whose name matches."""
        self.stops = []
        for _ in range(most):
            self.press(key)
            found = self.focus()
            if found is not None and re.search(name, str(found["name"])):
                return
        raise AssertionError(f"{self.page.url}: no {name!r} within {most} stops: {self.stops}")

    def main(self) -> None:
        """To the content by the skip link, the first stop of every page."""
        self.press("Tab")
        found = self.focus()
        assert found is not None
        assert found["name"] == "跳到正文", (self.page.url, found)
        self.press("Enter")

    def act(self, name: str, *, most: int = MOST_TABS, with_: str = "Enter") -> None:
        """Tab to a control and use it."""
        self.to(name, most=most)
        self.press(with_)

    def write(self, name: str, words: str) -> None:
        """Tab to a field and type into it, over what stands there."""
        self.to(name)
        self.press("Control+a")
        self.page.keyboard.type(words)


def opened(desk: Desk, login: str, path: str) -> Keys:
    """A page by its address, the focus at the content."""
    keys = Keys(desk.page(login, path))
    keys.main()
    return keys


def test_the_main_journey_is_done_by_keyboard_alone(desk: Desk) -> None:
    number = _bought(desk)
    with desk.product.session() as session:
        order = session.scalars(select(Order).where(Order.number == number)).one()
        clerk = desk.product.staff(order.supplier_id, Role.ORDER_CLERK)

    keys = opened(desk, "approver.zz01", f"/approvals?order={number}")
    keys.act("按逐行决定提交")
    stands(desk, number, State.PLACED)
    keys = opened(desk, clerk, f"/orders/{number}/confirm")
    keys.act("确认订单并成立合同")
    stands(desk, number, State.CONFIRMED)
    keys = opened(desk, clerk, f"/orders/{number}/ship")
    keys.write("承运单位", "顺丰速运")
    keys.write("运单号", "SF2026112400")
    keys.act("确认发货")
    stands(desk, number, State.SHIPPED)
    keys = opened(desk, "acceptor.zz01", f"/orders/{number}/receive")
    keys.act("签收")
    stands(desk, number, State.DELIVERED)
    keys = opened(desk, "acceptor.zz01", f"/orders/{number}/accept")
    keys.write("合格", "1")
    keys.act("签署验收单")
    stands(desk, number, State.ACCEPTED)
    keys = opened(desk, clerk, f"/orders/{number}/invoice")
    keys.write("发票号码", "26412000000099990001")
    keys.act("登记发票")
    stands(desk, number, State.INVOICED)
    keys = opened(desk, "finance.zz01", f"/orders/{number}/payment")
    keys.act("^申请支付")
    stands(desk, number, State.PAYING, State.PAID, State.CLOSED)


def stands(desk: Desk, number: str, *states: State) -> None:
    """The order gets where the key led it."""
    until, state = time.monotonic() + 15, None
    while time.monotonic() < until:
        state = desk.product.ask(lambda s: s.scalar(select(Order.state).where(Order.number == number)))
        if state in states:
            return
        time.sleep(0.05)
    raise AssertionError(f"{number} is {state}, not {states}")


def _bought(desk: Desk) -> str:
    """Sign in, search, open a product, put it into the cart, compare what its rivals offer, send it off."""
    keys = Keys(desk.page(None, "/sign-in"))
    keys.main()
    keys.write("账号", BUYER)
    keys.write("密码", PASSWORD)
    keys.press("Enter")
    keys.page.wait_for_url(lambda url: "/sign-in" not in url)
    keys.press("/")
    assert keys.focus() is not None
    keys.page.keyboard.type("办公椅")
    keys.press("Enter")
    keys.page.wait_for_url("**/search?*")
    keys.press("j")
    first = keys.focus()
    assert first is not None
    assert first["tag"] == "A"
    keys.press("Enter")
    keys.page.wait_for_url("**/products/*")
    keys.main()
    keys.act("^加入购物车")
    keys.page.wait_for_url("**/cart")
    keys.main()
    keys.act("去填单")
    keys.page.wait_for_url("**/checkout")
    keys.main()
    expect(keys.page.get_by_role("region", name="提交前先比选")).to_contain_text("第 1 行：4 家供应商在售同款，应比选 3 家，已比选 0 家")
    keys.act("冻结同款比选并引用")
    expect(keys.page.get_by_role("region", name="提交前先比选")).to_have_count(0)
    keys.act("提交并冻结预算")
    expect(keys.page.locator("main")).to_contain_text("已提交，额度已冻结")
    return keys.page.locator("table a.mono").first.inner_text()


def test_no_page_of_the_journey_traps_the_keyboard(desk: Desk) -> None:
    for login, path in ((None, "/sign-in"), (BUYER, "/search?q=打印机"), (None, "/tour/cheat")):
        page = desk.page(login, path)
        keys, seen = Keys(page), set()
        for _ in range(400):
            keys.press("Tab")
            found = keys.focus()
            if found is None or (found["stop"] in seen and found["stop"] == 1):
                break  # out of the page at its end, or around to its first stop
            assert found["stop"] not in seen, (path, found)
            seen.add(found["stop"])
        else:
            raise AssertionError(f"{path}: no end after 400 stops")
        assert len(seen) > 5, path
        page.close()


def test_a_question_is_answered_and_a_dialog_is_left_by_keyboard_and_the_focus_returns(desk: Desk) -> None:
    page = desk.page(BUYER, "/")
    page.evaluate("""() => document.querySelector('main').insertAdjacentHTML('afterbegin', `<a href="/" data-dialog="ask">打开</a>
      <dialog id="ask" aria-labelledby="t"><header><h2 id="t">问</h2><button type="button" data-close>关闭</button></header><input aria-label="答"></dialog>`)""")
    keys = Keys(page)
    keys.main()
    keys.act("^打开$", most=3)
    found = keys.focus()
    assert found is not None
    assert found["name"] == "答" or found["tag"] == "INPUT"
    for _ in range(6):
        keys.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    keys.press("Escape")
    assert page.evaluate("document.activeElement.dataset.dialog") == "ask"
    page.close()


def test_a_trick_is_tried_by_keyboard_and_the_focus_stays_at_it(desk: Desk) -> None:
    keys = opened(desk, BUYER, "/tour/cheat")
    keys.act("^试一试：没有计划就买")
    expect(keys.page.locator("#trick-no-plan")).to_contain_text("已拒绝，什么都没有动")
    expect(keys.page.get_by_role("button", name="试一试：没有计划就买")).to_be_focused()
    found = keys.focus()
    assert found is not None
    assert found["name"] == "试一试：没有计划就买"
    keys.page.close()
