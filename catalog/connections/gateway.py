"""A supplier's own shop, called by the mall: token, categories, pool, detail, images, shelf, stock, price, and orders.

Every call is signed, ends by time and size, and is repeated a few times where nothing sensible came back: reading changes
nothing, and an order carries its tradeNO, under which the shop answers with the order that it has. Nothing leaves but
through the door of the kernel.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stamina

from app.kernel import clock
from app.kernel.errors import Refusal
from app.kernel.outgoing import Answer, Door, NoAnswer
from catalog.connections import rules
from catalog.connections.rules import Access, Good, NotAdmitted, Parcel, Pushed, ShopAway, ShopRefused, Unreadable

MOST_PAGES = 2_000
ATTEMPTS = 3
Told = TypeVar("Told")
KeepToken = Callable[[str, datetime], None]


class Shop:
    """One supplier's shop. `keep` is told of every new token, so that all processes share it for as long as it is good."""

    def __init__(self, door: Door, access: Access, keep: KeepToken, *, margin_s: int = 600, wait_s: float = 0.2) -> None:
        self.door, self.access, self.keep = door, access, keep
        self.margin, self.wait_s = timedelta(seconds=margin_s), wait_s

    # ------------------------------------------------------------ goods

    def categories(self) -> list[str]:
        """Codes of the procurement catalogue in which the shop offers anything."""
        return self._read("/categories", {}, lambda told: [str(each["code"]) for each in told])

    def pool(self, category: str) -> Iterator[str]:
        """SKUs of a category, page by page."""
        for page in range(1, MOST_PAGES + 1):
            asked = {"category": category, "page": page}
            skus, pages = self._read("/pool", asked, lambda told: (rules.skus_of(told["skuIds"]), int(told["pages"])))
            yield from skus
            if page >= pages:
                return

    def detail(self, skus: Sequence[str]) -> dict[str, Good]:
        """What the shop says of these goods; a good of the wrong shape is left out."""

        def read(told: Any) -> dict[str, Good]:
            found = {}
            for each in told if isinstance(told, list) else ():
                try:
                    good = rules.good_of(each)
                except Unreadable:
                    continue
                found[good.sku] = good
            return found

        return self._read("/detail", {"skuIds": list(skus)}, read)

    def images(self, skus: Sequence[str]) -> dict[str, list[str]]:
        """Addresses of the pictures of these goods, the main one first; they are kept, never fetched here."""

        def read(told: Any) -> dict[str, list[str]]:
            found = {}
            for sku, each in rules.by_sku(told).items():
                listed = each if isinstance(each, list) else []
                pictures = [one for one in listed if isinstance(one, dict) and isinstance(one.get("url"), str)]
                found[sku] = [one["url"][:500] for one in sorted(pictures, key=lambda one: one.get("primary") is not True)][:10]
            return found

        return self._read("/images", {"skuIds": list(skus)}, read)

    def shelf(self, skus: Sequence[str]) -> dict[str, bool]:
        """Whether these goods are for sale in the shop."""
        return self._read("/shelf", {"skuIds": list(skus)}, lambda told: {sku: each is True for sku, each in rules.by_sku(told).items()})

    def stock(self, skus: Sequence[str], region: str) -> dict[str, int]:
        """Pieces of these goods that the shop can send to a region, asked by city and county."""
        body = {"skuIds": list(skus), **rules.city_and_county(region)}
        return self._read("/stock", body, lambda told: {sku: rules.pieces_of(each) for sku, each in rules.by_sku(told).items()})

    def price(self, skus: Sequence[str]) -> dict[str, int]:
        """Prices of these goods in fen."""
        return self._read(
            "/price", {"skuIds": list(skus)}, lambda told: {sku: rules.fen_of(each["price"]) for sku, each in rules.by_sku(told).items()}
        )

    # ------------------------------------------------------------ orders

    def create_order(self, order: Pushed) -> str:
        """Place an order and return the shop's own number of it; the same tradeNO never makes a second one.

        Raises ShopRefused (price_changed, total_mismatch, out_of_stock, off_shelf, bad_address, cancelled …), ShopAway.
        """
        return self._read("/createOrder", rules.order_body(order), lambda told: _number(told["orderId"]))

    def confirm_order(self, trade_no: str) -> None:
        """Tell that the contract is concluded; saying it twice says it once."""
        self._read("/confirmOrder", {"tradeNO": trade_no}, lambda told: told)

    def cancel_order(self, trade_no: str, reason: str) -> None:
        """Tell that there will be no contract; a shop that never heard of the order remembers this, and refuses a late one."""
        self._read("/cancelOrder", {"tradeNO": trade_no, "reason": reason}, lambda told: told)

    def track(self, trade_no: str) -> list[Parcel]:
        """The parcels that the shop has sent for an order."""
        return self._read("/track", {"tradeNO": trade_no}, rules.parcels_of)

    # ------------------------------------------------------------ the wire

    def _read(self, path: str, body: dict[str, Any], read: Callable[[Any], Told]) -> Told:
        """One question to its end. Raises ShopAway, ShopRefused, NotAdmitted, and what the door refuses."""
        is_sent = False
        try:
            for attempt in stamina.retry_context(
                on=ShopAway, attempts=ATTEMPTS, timeout=None, wait_initial=self.wait_s, wait_max=2.0, wait_jitter=self.wait_s
            ):
                with attempt:
                    try:
                        return self._admitted(path, body, read)
                    except ShopAway as away:
                        is_sent = is_sent or away.is_sent
                        raise
        except ShopAway as away:
            raise ShopAway(reason=away.reason, is_sent=is_sent) from away
        raise AssertionError("a retry ends by an answer or a refusal")

    def _admitted(self, path: str, body: dict[str, Any], read: Callable[[Any], Told]) -> Told:
        """With a token that is good; one that the shop no longer takes is renewed once."""
        renewed = self._hold_token()
        try:
            return self._once(path, body, read, self.access.token)
        except NotAdmitted:
            if renewed:
                raise
        self.access = replace(self.access, token=None, token_until=None)
        self._hold_token()
        return self._once(path, body, read, self.access.token)

    def _hold_token(self) -> bool:
        """Have a token; whether it had to be asked for."""
        until = self.access.token_until
        if self.access.token and until is not None and until - self.margin > clock.now():
            return False

        def read(told: Any) -> tuple[str, int]:
            token, life = told["accessToken"], told["expiresIn"]
            if not isinstance(token, str) or not 0 < len(token) <= 2_000 or not token.isprintable() or not isinstance(life, int):
                raise Unreadable("a token and its seconds")
            return token, life

        token, life_s = self._once("/token", {"clientId": self.access.client_id}, read, None)
        until = clock.now() + timedelta(seconds=max(0, min(life_s, 86_400)))
        self.access = replace(self.access, token=token, token_until=until)
        self.keep(token, until)
        return True

    def _once(self, path: str, body: dict[str, Any], read: Callable[[Any], Told], token: str | None) -> Told:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        url = self.access.base_url.rstrip("/") + path
        timestamp = int(clock.wall_now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "X-Client": self.access.client_id,
            "X-Timestamp": str(timestamp),
            "X-Signature": rules.signature(self.access.secret, "POST", urlsplit(url).path, timestamp, content),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        try:
            answer = self.door.send("POST", url, headers=headers, content=content, longest_s=self.access.timeout_s)
        except NoAnswer as silent:
            raise ShopAway(reason=silent.reason, is_sent=silent.is_sent) from silent
        return _result(answer, read)


def _result(answer: Answer, read: Callable[[Any], Told]) -> Told:
    """What an answer holds. Raises ShopAway, ShopRefused, NotAdmitted."""
    if answer.status in {401, 403}:
        raise NotAdmitted(shop_code=str(answer.status), shop_message="unauthorized")
    if not answer.is_success:
        raise ShopAway(reason=f"http_{answer.status}", is_sent=True)
    if not answer.is_whole:
        raise ShopAway(reason="answer_too_large", is_sent=True)
    try:
        told = json.loads(answer.body)
        if told["success"] is True:
            return read(told.get("result"))
        code, message, more = str(told["code"])[:60], str(told.get("message", ""))[:200], told.get("result")
    except Refusal:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as garbled:
        raise ShopAway(reason="unreadable_answer", is_sent=True) from garbled
    kind = NotAdmitted if code in {"bad_token", "bad_signature", "unknown_client"} else ShopRefused
    raise kind(shop_code=code, shop_message=message, told=more)


def _number(value: Any) -> str:
    text = str(value)
    if not 0 < len(text) <= 60 or not text.isprintable():
        raise Unreadable("an order's number")
    return text
