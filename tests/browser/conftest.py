"""Chromium on the running product. One product per test process, copied from what the first of them prepared."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import databases
from tests.browser import product as products
from tests.browser.desk import Desk
from tests.browser.fonts import FLAGS, browser_environment
from tests.browser.product import Product
from tests.peers import SHARED, chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a process waits until a whole province is seeded and served."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, served and worked, with the training province."""
    prepared = databases.once("browser", lambda: str(products.prepare(Path(os.environ[SHARED]) / "browser-data")))
    with Product(Path(prepared), tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium that reaches nothing but this machine."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS), env=browser_environment())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(product: Product, browser: Browser) -> Iterator[Desk]:
    """Where people sit down at the product; nothing they do may leave an error on the console."""
    desk = Desk(product, browser)
    yield desk
    desk.close()
    assert desk.complaints == []
