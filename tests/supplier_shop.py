"""A supplier's own shop: a real small HTTP server with state of its own that speaks the interface of docs/reference/shop-interface.md.

It knows nothing of the mall's code: signatures, totals and prices are computed here a second time. It refuses an order whose
price is not its own, whose total is not the sum of its lines, or that it was told will not come; a repeated tradeNO is
answered with the order that is there. Told to, it is slow, fails, hangs, redirects, talks nonsense, or does its work and then
cuts the line.
"""

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Item:
    """A good of the shop."""

    sku: str
    price: str
    name: str = "奔图 P3370DN 黑白激光打印机"
    brand: str = "奔图"
    model: str = "P3370DN"
    category: str = "A02021003"
    unit: str = "台"
    on_shelf: bool = True
    stock: dict[str, int] = field(default_factory=lambda: {"": 50})
    """Pieces by city or county code; the empty code stands for everywhere else."""

    def there(self, city: str, county: str) -> int:
        return self.stock.get(county, self.stock.get(city, self.stock.get("", 0)))


class Refused(Exception):
    def __init__(self, code: str, message: str = "", result: Any = None) -> None:
        super().__init__(code)
        self.code, self.message, self.result = code, message, result


@dataclass
class Shop:
    """The shop behind the server."""

    client_id: str = "mall"
    secret: str = "a secret of the shop"
    items: dict[str, Item] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    tokens: dict[str, float] = field(default_factory=dict)
    token_life_s: int = 86_400
    calls: Counter[str] = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Faults by path, used up one after the other: slow, 500, hang, redirect, nonsense, cut_before, cut_after."""
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, *items: Item) -> None:
        self.items |= {item.sku: item for item in items}

    # ------------------------------------------------------------ what it answers

    def answer(self, path: str, headers: Any, content: bytes) -> Any:
        body = json.loads(content)
        self._check_signature(path, headers, content)
        if path == "/token":
            return self._token(body)
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self.tokens.get(token, 0) < time.time():
            raise Refused("bad_token", "token expired")
        return getattr(self, "on_" + path.strip("/"))(body)

    def _check_signature(self, path: str, headers: Any, content: bytes) -> None:
        stamp = headers.get("X-Timestamp", "0")
        text = f"POST\n/api{path}\n{stamp}\n{hashlib.sha256(content).hexdigest()}"
        wanted = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if headers.get("X-Client") != self.client_id:
            raise Refused("unknown_client")
        if abs(time.time() - int(stamp)) > 300 or not hmac.compare_digest(wanted, headers.get("X-Signature", "")):
            raise Refused("bad_signature")

    def _token(self, body: dict[str, Any]) -> Any:
        if body["clientId"] != self.client_id:
            raise Refused("unknown_client")
        token = f"token-{len(self.tokens) + 1}"
        self.tokens[token] = time.time() + self.token_life_s
        return {"accessToken": token, "expiresIn": self.token_life_s}

    def on_categories(self, _body: dict[str, Any]) -> Any:
        return [{"code": code, "name": code} for code in sorted({item.category for item in self.items.values()})]

    def on_pool(self, body: dict[str, Any]) -> Any:
        skus = sorted(sku for sku, item in self.items.items() if item.category == body["category"])
        size = 2
        return {"skuIds": skus[(body["page"] - 1) * size : body["page"] * size], "pages": max(1, -(-len(skus) // size))}

    def on_detail(self, body: dict[str, Any]) -> Any:
        return [
            {"skuId": item.sku, "name": item.name, "brand": item.brand, "model": item.model, "category": item.category, "unit": item.unit,
             "attributes": {"幅面": "A4"}, "deliveryDays": 2, "warrantyMonths": 24}
            for item in self._named(body)
        ]

    def on_images(self, body: dict[str, Any]) -> Any:
        return {item.sku: [{"url": f"https://img.example/{item.sku}/2.jpg"}, {"url": f"https://img.example/{item.sku}/1.jpg", "primary": True}]
                for item in self._named(body)}

    def on_shelf(self, body: dict[str, Any]) -> Any:
        return {item.sku: item.on_shelf for item in self._named(body)}

    def on_stock(self, body: dict[str, Any]) -> Any:
        found = {}
        for item in self._named(body):
            number = item.there(body["city"], body["county"])
            found[item.sku] = {"state": "in_stock" if number else "none", "num": number}
        return found

    def on_price(self, body: dict[str, Any]) -> Any:
        return {item.sku: {"price": item.price} for item in self._named(body)}

    def on_createOrder(self, body: dict[str, Any]) -> Any:
        number = body["tradeNO"]
        if number in self.orders:
            return {"orderId": self.orders[number]["orderId"], "state": self.orders[number]["state"]}
        if number in self.cancelled:
            raise Refused("cancelled", "the order was cancelled before it came")
        items = {line["skuId"]: self.items.get(line["skuId"]) for line in body["lines"]}
        if any(item is None or not item.on_shelf for item in items.values()):
            raise Refused("off_shelf", "商品已下架")
        drift = {line["skuId"]: items[line["skuId"]].price for line in body["lines"] if Decimal(line["price"]) != Decimal(items[line["skuId"]].price)}  # type: ignore[union-attr]
        if drift:
            raise Refused("price_changed", "价格已变动", {"prices": {sku: item.price for sku, item in items.items() if item}})
        if sum(Decimal(line["price"]) * line["num"] for line in body["lines"]) != Decimal(body["total"]):
            raise Refused("total_mismatch", "合计与明细不符")
        where = body["address"]
        if any(items[line["skuId"]].there(where["city"], where["county"]) < line["num"] for line in body["lines"]):  # type: ignore[union-attr]
            raise Refused("out_of_stock", "库存不足")
        self.orders[number] = {"orderId": f"SO{len(self.orders) + 1:06d}", "state": "created", "body": body, "parcels": []}
        return {"orderId": self.orders[number]["orderId"], "state": "created"}

    def on_confirmOrder(self, body: dict[str, Any]) -> Any:
        order = self._order(body)
        order["state"] = "confirmed"
        return {"state": "confirmed"}

    def on_cancelOrder(self, body: dict[str, Any]) -> Any:
        self.cancelled.add(body["tradeNO"])
        if body["tradeNO"] in self.orders:
            self.orders[body["tradeNO"]]["state"] = "cancelled"
        return {"state": "cancelled"}

    def on_track(self, body: dict[str, Any]) -> Any:
        order = self._order(body)
        return {"state": order["state"], "parcels": order["parcels"]}

    def send(self, number: str, parcel: str, **pieces: int) -> None:
        """The shop sends a parcel."""
        lines = [{"skuId": sku.replace("_", "-"), "num": quantity} for sku, quantity in pieces.items()]
        self.orders[number]["parcels"].append({"parcelNO": parcel, "carrier": "顺丰", "tracking": f"SF{parcel}", "lines": lines})

    def _order(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["tradeNO"] not in self.orders:
            raise Refused("unknown_order")
        return self.orders[body["tradeNO"]]

    def _named(self, body: dict[str, Any]) -> list[Item]:
        if len(body["skuIds"]) > 50:
            raise Refused("too_many")
        return [self.items[sku] for sku in body["skuIds"] if sku in self.items]


@contextmanager
def opened(**more: Any) -> Iterator[Shop]:
    """The shop on a real socket of this machine."""
    shop = Shop(**more)
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            path = self.path.removeprefix("/api")
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with shop.lock:
                shop.calls[path] += 1
                queued = shop.faults.get(path) or []
                fault = queued.pop(0) if queued else ""
            if fault == "cut_before":
                return self._cut()
            if fault == "hang":
                released.wait(30)
                return self._cut()
            if fault == "slow":
                released.wait(0.3)
            if fault == "500":
                return self._say(500, b'{"error": "down"}')
            if fault == "redirect":
                return self._say(302, b"", Location="http://127.0.0.1:1/inside")
            if fault == "nonsense":
                return self._say(200, b"<html>maintenance</html>")
            try:
                with shop.lock:
                    told: dict[str, Any] = {"success": True, "result": shop.answer(path, self.headers, content)}
            except Refused as no:
                told = {"success": False, "code": no.code, "message": no.message, "result": no.result}
            if fault == "cut_after":
                return self._cut()
            return self._say(200, json.dumps(told, ensure_ascii=False).encode())

        def _say(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.close()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}/api"
    try:
        yield shop
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()
