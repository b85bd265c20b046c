"""Listings that lead a search astray: they say what is asked for and are something else.

Spare parts and covers for the catalogue's own machines, with their brands and models in the title; kits and services that count up
what they are good for; and the other goods of the government's catalogue under invented names. None of them is of a category that any
question is after, so all of them are wrong everywhere.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from catalog.search import lexicon
from catalog.search.port import Category, SearchDocument
from catalog.taxonomy.rules import at_level
from tests.catalog.search import goods
from tests.peers import ROOT

FIRST: Final = 1_000_000
"""Ids begin above those of the catalogue."""
MAKERS: Final = tuple(
    "沃邦 科立讯 润泽源 恒达信 博远 华庭 新锐达 通成 百利安 佳禾 瑞和 金博 嘉泰 中科盛 优品达 万顺 泰和源 凯锐 德信通 宏图达".split()
)
SPARE: Final = tuple(
    "防尘罩 安装支架 电源适配器 连接线 定影组件 搓纸轮 主板 遥控器 保护膜 收纳包 挂架 脚垫 散热垫 滤网 外壳 排线 传感器 齿轮组 清洁套装 延保卡".split()
)
SERVICES: Final = ("巡检服务", "搬运服务", "回收处置", "租赁", "技术培训", "驻场支持")
USES: Final = ("适用", "兼容", "配套", "通用型")


@cache
def _other_goods() -> tuple[tuple[str, str], ...]:
    """Narrowest categories of the government's catalogue, goods and services, that no question is after and none is called like."""
    asked = {code for category in goods.facts()["categories"] for code in category[:1]}
    called = [word for word in lexicon.WORDS if len(word) > 1]
    with (ROOT / "catalog/taxonomy/data/catalogue_2022.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["leaf"] == "1" and row["code"] not in asked and row["code"][0] != "B"]
    return tuple((row["code"], row["name"]) for row in rows if not any(word in row["name"] for word in called))


def distractors(count: int) -> Iterator[SearchDocument]:
    """As many as asked for, the same ones every time."""
    others, facts = _other_goods(), goods.facts()
    products, categories = facts["products"], facts["categories"]
    for number in range(count):
        place, brand, model, *_ = products[number * 7 % len(products)]
        kind, turn = number % 8, number // 8
        maker = MAKERS[(turn * 3 + number) % len(MAKERS)]
        code, name = others[number * 13 % len(others)]
        own = f"{chr(65 + turn % 26)}{chr(65 + turn // 26 % 26)}{number % 9_973:04}{'KXTZ'[turn % 4]}"
        spec = f"货号 {own}；包装 {turn % 9 + 1}件"
        if kind < 3:  # a part for one machine
            thing = SPARE[turn % len(SPARE)]
            title = f"{maker} {USES[kind]}{brand} {model} {categories[place][1]}{thing}"
        elif kind == 3:  # a part for a whole family of machines
            title = f"{maker} {own} {categories[place][1]}{SPARE[turn % len(SPARE)]}"
            spec = f"{spec}；适用 {brand} {model}"
        elif kind == 4:  # a service around them
            title = f"{maker} {categories[place][1]}{SERVICES[turn % len(SERVICES)]}"
            spec = f"{spec}；范围 {brand}{categories[place][1]}、{categories[(place + 7) % len(categories)][1]}"
        else:  # something else altogether
            title = f"{maker} {own} {name}"
        yield _listing(number, title, maker, own, code, name, spec)


def _listing(number: int, title: str, brand: str, model: str, code: str, name: str, spec: str) -> SearchDocument:
    pk = FIRST + number
    path = tuple(Category(step, step) for step in dict.fromkeys((at_level(code, 2), at_level(code, 3), code)))
    more: dict[str, Any] = {"supplier_id": 1_000 + pk % 700, "supplier_name": f"{MAKERS[pk % len(MAKERS)]}商贸", "regions": goods.REGIONS[pk % 4]}
    return SearchDocument(
        pk=pk, product_id=pk, title=title, brand=brand, model=model, category_code=code, category_name=name, category_path=path, spec=spec,
        price_fen=1_000 + pk * 7_919 % 900_000, stock=pk % 40, in_stock=pk % 40 > 0, sales=pk % 5_000,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number), delivery_days=pk % 9 + 1,
        popularity=pk % 101 / 100, **more,
    )  # fmt: skip
