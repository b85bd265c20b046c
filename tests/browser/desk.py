"""People at the browser: each has a context of his own, kept for the next time."""

from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from app.web.security import POLICY
from tests.browser.product import Product

Theme = Literal["light", "dark"]
COOKIE, LANGUAGE = "mall_session", "mall_lang"
STATUS = "Failed to load resource: the server responded with a status of 4"
"""What chromium says of every page that answers 4xx on purpose: refusals and missing pages."""


class Desk:
    """Opens pages as somebody and listens to what the browser complains about."""

    def __init__(self, product: Product, browser: Browser) -> None:
        self.product, self.browser = product, browser
        self.complaints: list[str] = []
        self.contexts: dict[tuple[Any, ...], BrowserContext] = {}

    def context(
        self, login: str | None, *, scripts: bool = True, width: int = 1440, theme: Theme = "light", language: str = "zh"
    ) -> BrowserContext:
        """The person's context, signed in by cookie; None is a visitor."""
        key = (login, scripts, width, theme, language)
        if key not in self.contexts:
            made = self.browser.new_context(
                base_url=self.product.address, viewport={"width": width, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai",
                color_scheme=theme, reduced_motion="reduce", java_script_enabled=scripts,
            )
            made.set_default_timeout(15_000)
            if login:
                made.add_cookies([{"name": COOKIE, "value": self.product.cookie(login), "url": self.product.address}])
            if language != "zh":
                made.add_cookies([{"name": LANGUAGE, "value": language, "url": self.product.address}])
            self.contexts[key] = made
        return self.contexts[key]

    def page(self, login: str | None, path: str = "/", **more: Any) -> Page:
        """A page of this person, at an address; it comes with the strict content policy, and what that refuses is a complaint."""
        page = self.context(login, **more).new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        answer = page.goto(path)
        assert answer is not None
        assert answer.headers["content-security-policy"] == POLICY, path
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(STATUS):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def close(self) -> None:
        """Close every context."""
        for context in self.contexts.values():
            context.close()
        self.contexts.clear()
