"""Line 8 against another shop's own process, over real sockets."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.benchmarks import journey
from tests.benchmarks.rival import ORDER, PRODUCT, SEARCH, NotServed, Rival
from tests.benchmarks.tiny_shop import SEARCH_CPU_S

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JOURNEY = [
    {"path": "/basket"},
    {"method": "POST", "path": "/basket", "headers": FORM, "body": "product=pen&token={cookie:token}"},
    {"method": "POST", "path": "/place-order", "headers": FORM, "body": "token={cookie:token}"},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Rival]:
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps(JOURNEY))
    with subprocess.Popen([sys.executable, Path(__file__).with_name("tiny_shop.py")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield Rival(f"http://127.0.0.1:{process.stdout.readline().strip()}", (process.pid,), "/search?q=pen", "/pen", orders)
        process.terminate()


def placed(shop: Rival) -> int:
    return int(httpx.get(f"{shop.url}/orders").text)


def test_a_page_costs_what_the_shops_own_process_spends_on_it(shop: Rival):
    leg = shop.page(shop.search, 20)
    assert (leg.statuses, leg.bytes) == ({200: 20}, 240)
    assert leg.server_cpu_ms >= SEARCH_CPU_S * 1000 * 0.9  # /proc counts in ticks of ten milliseconds
    assert leg.database_cpu_ms == 0


def test_a_page_that_is_not_there_is_no_figure(shop: Rival):
    with pytest.raises(NotServed, match=r"/pen was answered by \{404: 2\}"):
        shop.page(shop.product, 2)


def test_each_walk_is_a_new_visitor_whose_cookies_are_kept_and_sent_back_and_who_places_one_order(shop: Rival):
    assert shop.order_ms(3) > 0
    assert placed(shop) == 3


def test_a_step_that_the_shop_refuses_is_named(shop: Rival):
    forged = [journey.Step("/basket"), journey.Step("/place-order", "POST", FORM, "token=made-up")]
    with pytest.raises(journey.StepRefused, match="step 2, POST /place-order, was answered by 403"):
        journey.walk(shop.url, forged)
    assert placed(shop) == 0


def test_a_cookie_in_the_recording_is_where_the_visitor_begins(shop: Rival):
    visitor = dict(httpx.get(f"{shop.url}/basket").cookies)
    kept = {**FORM, "Cookie": f"visitor={visitor['visitor']}; token={visitor['token']}"}
    journey.walk(shop.url, [journey.Step("/basket", "POST", kept, "product=pen&token={cookie:token}"), journey.Step("/place-order", "POST", FORM, "token={cookie:token}")])
    assert placed(shop) == 1


def test_a_figure_without_its_options_says_which_are_missing():
    bare = Rival("http://127.0.0.1:1")
    assert [bare.missing(name) for name in (SEARCH, PRODUCT, ORDER)] == ["--peer-pid, --peer-search", "--peer-pid, --peer-product", "--peer-orders"]
    assert replace(bare, pids=(1,), search="/").missing(SEARCH) == ""
