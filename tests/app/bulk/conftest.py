"""A shop whose worker does imports, and somebody who uploads, checks and writes."""

import re
from io import BytesIO
from typing import Any

import pytest

from app.bulk.engine import Engine
from app.kernel.outbox import Timer
from app.kernel.worker import Worker
from app.kernel.xlsx_writing import Figure, Head, Sheet, written
from app.policy import Role
from tests.catalog.conftest import Shop, shop

__all__ = ["shop"]

HEADS = ("货号", "品目编码", "品牌", "型号", "商品名称", "销售单位", "单价（元）", "库存")


def workbook(rows: list[tuple[Any, ...]], heads: tuple[str, ...] = HEADS) -> bytes:
    """A workbook with these rows; whole numbers become numbers."""
    cells = [[Figure(cell) if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    return b"".join(written([Sheet("商品", [Head(head) for head in heads], cells)]))


def offer(number: int, **more: Any) -> tuple[Any, ...]:
    """A row that makes one listing."""
    row = {
        "sku": f"B-{number:05d}", "category": "A02021007", "brand": "奔图", "model": f"P{number:05d}", "title": f"奔图 P{number:05d} 激光打印机",
        "unit": "台", "price": "899.50", "stock": 20,
    }  # fmt: skip
    return tuple((row | more).values())


class Desk:
    """Somebody at the pages of import and export."""

    def __init__(self, shop: Shop, role: Role = Role.LISTER, login: str = "") -> None:
        self.shop, self.browser = shop, shop.browser(role)
        self.address = ""

    def upload(self, content: bytes, entity: str = "listings", name: str = "商品.xlsx") -> Any:
        """Upload a file; the import's page becomes the address."""
        token = self.token(f"/bulk/{entity}")
        answer = self.browser.client.post(
            f"/bulk/{entity}", data={"csrf_token": token, "file": (BytesIO(content), name)}, content_type="multipart/form-data"
        )
        answer.request.environ["wsgi.input"].close()  # the test client keeps a big upload in a file of its own and leaves it open
        self.address = answer.headers.get("Location", "")
        return answer

    def token(self, address: str) -> str:
        html = self.browser.get(address).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        assert found, f"{address} holds no form"
        return found[1]

    def mapping(self) -> dict[str, str]:
        """The columns as the page has them chosen."""
        html = self.browser.get(self.address).get_data(as_text=True)
        chosen = {}
        for found in re.finditer(r'<select class="in" name="(column-\d+)".*?</select>', html, re.DOTALL):
            picked = re.search(r'value="([^"]+)" selected', found[0])
            if picked:
                chosen[found[1]] = picked[1]
        return chosen

    def step(self, step: str, **fields: str) -> Any:
        data = {"csrf_token": self.token(self.address), **fields}
        return self.browser.client.post(f"{self.address}/{step}", data=data)

    def check(self) -> None:
        assert self.step("check", **self.mapping()).status_code == 303
        work(self.shop)

    def write(self) -> None:
        answer = self.step("write")
        assert answer.status_code == 303, answer.get_data(as_text=True)[-3000:]
        work(self.shop)

    def bring(self, content: bytes, entity: str = "listings", name: str = "商品.xlsx") -> None:
        """Upload, check and write."""
        answer = self.upload(content, entity, name)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        self.check()
        self.write()


def work(shop: Shop) -> int:
    """Let the worker do what waits."""
    return Worker(shop.session, [], [Timer("bulk", 0.0, Engine().turn)]).drain()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)
