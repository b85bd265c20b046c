"""A client as a process of its own: sends carts off over HTTP, asks again under the same key when it does not know, decides on orders.

python -m tests.faults.client ADDRESS FOLDER NUMBER SEED     ends at SIGTERM
"""

import http.client
import json
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.faults.history import Recorder

PATIENCE_SECONDS = 8.0
TRIES = 8


class Unknown(Exception):
    """The request may have been done or not."""


class Client:
    """One of the crowd. All clients buy for all units, so that they meet."""

    def __init__(self, address: str, scene: dict[str, Any], number: int, seed: str, record: Recorder) -> None:
        self.host, self.scene, self.number, self.record = urlsplit(address).netloc, scene, number, record
        self.dice = Random(f"{seed}/client/{number}")
        self.connection: http.client.HTTPConnection | None = None
        self.turns = self.requests = 0
        self.sent: list[tuple[str, int, list[dict[str, int]]]] = []
        self.standing: list[tuple[int, dict[str, Any]]] = []

    def turn(self) -> None:
        """One thing that people do."""
        self.turns += 1
        roll = self.dice.random()
        if roll < 0.30 and self.standing:
            self.decide(*self.standing.pop(self.dice.randrange(len(self.standing))))
        elif roll < 0.36 and self.sent:
            self.submit(*self.dice.choice(self.sent))
        elif roll < 0.38 and self.sent:
            self.submit_foreign(*self.dice.choice(self.sent))
        else:
            desk = self.dice.randrange(len(self.scene["desks"]))
            key, lines = f"cart-{self.number}-{self.turns:06d}", self.cart(self.scene["desks"][desk])
            made = self.submit(key, desk, lines)
            self.sent = [*self.sent[-50:], (key, desk, lines)]
            self.standing += [(desk, order) for order in (made or {}).get("orders", ())]

    def cart(self, desk: dict[str, Any]) -> list[dict[str, int]]:
        """One to three lines of different listings, from one supplier or both."""
        wanted = self.dice.sample(sorted(self.scene["stocks"]), self.dice.randint(1, 3))
        return [
            {
                "listing_id": int(listing), "quantity": self.dice.randint(1, 3), "seen_price_fen": self.scene["price_fen"],
                "plan_line_id": self.dice.choice(desk["plan_lines"]), "address_id": desk["address_id"],
            }
            for listing in wanted
        ]

    def submit(self, key: str, desk: int, lines: list[dict[str, int]]) -> dict[str, Any] | None:
        """Send a cart off until the answer is certain, or until patience ends; returns what was made, or None."""
        for attempt in range(TRIES):
            outcome, answer = self.ask(
                "submit", "/api/v1/submissions", self.scene["desks"][desk]["buyer_token"], {"lines": lines},
                key=key, buyer=self.scene["desks"][desk]["buyer_id"], lines=lines,
            )
            if outcome != "info":
                return answer if outcome == "ok" else None
            if self.dice.random() < 0.1:
                return None  # somebody who never comes back: only the database will tell
            time.sleep(self.dice.uniform(0.05, 0.3) * (attempt + 1))
        return None

    def submit_foreign(self, key: str, desk: int, lines: list[dict[str, int]]) -> None:
        """Another content under a used key: must be refused."""
        other = [{**line, "quantity": line["quantity"] + 1} for line in lines]
        token = self.scene["desks"][desk]["buyer_token"]
        self.ask("foreign", "/api/v1/submissions", token, {"lines": other}, key=key, buyer=self.scene["desks"][desk]["buyer_id"])

    def decide(self, desk: int, order: dict[str, Any]) -> None:
        """The approver rejects or approves, the buyer withdraws; what was approved the supplier confirms or refuses."""
        tokens, roll = self.scene["desks"][desk], self.dice.random()
        if roll < 0.5:
            self.step("reject", order, tokens["approver_token"], {"reason": "本季度不再采购"})
        elif roll < 0.7:
            self.step("withdraw", order, tokens["buyer_token"], {"reason": "改用库存"})
        elif self.step("approve", order, tokens["approver_token"], {}):
            clerk = self.scene["clerks"][str(order["supplier_id"])]
            if roll < 0.9:
                self.step("confirm", order, clerk, None)
            else:
                self.step("refuse", order, clerk, {"code": "out_of_stock", "note": ""})

    def step(self, action: str, order: dict[str, Any], token: str, body: Any) -> bool:
        """One step, asked for once: steps carry no key, whoever does not know must look first."""
        outcome, _ = self.ask("step", f"/api/v1/orders/{order['number']}/{action}", token, body, order=order["number"], action=action)
        return outcome == "ok"

    def ask(self, kind: str, path: str, token: str, body: Any, **what: Any) -> tuple[str, dict[str, Any]]:
        """One request with its lines in the history."""
        self.requests += 1
        op = f"{self.number}.{self.requests}"
        self.record("invoke", op=op, kind=kind, **what)
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": what["key"]} if "key" in what else {})
        try:
            status, answer = self.exchange(path, headers, body)
        except Unknown as error:
            self.record("info", op=op, why=str(error))
            return "info", {}
        if status >= 500:
            self.record("info", op=op, why=f"status {status}")
            return "info", {}
        if status < 300:
            self.record("ok", op=op, made=answer)
            return "ok", answer
        self.record("fail", op=op, status=status, code=answer.get("code", ""))
        return "fail", answer

    def exchange(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer; whatever breaks on the way leaves the outcome unknown."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_SECONDS)
            packed = b"" if body is None else json.dumps(body).encode()
            self.connection.request("POST", path, packed, {**headers, **({} if body is None else {"Content-Type": "application/json"})})
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.will_close:
                self.hang_up()
            return answer.status, json.loads(content) if answer.status < 500 else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.hang_up()
            raise Unknown(f"{type(error).__name__}: {error}") from error

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def main() -> None:
    address, folder, number, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    scene = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    client = Client(address, scene, number, seed, Recorder(folder / f"client-{number}.jsonl"))
    while not stopping:
        client.turn()
    client.hang_up()
    client.record.close()


if __name__ == "__main__":
    main()
