"""The whole main job through the API alone, over HTTP: from a supplier's new offer to the proof that the record was not altered."""

import base64
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kernel import clock
from app.policy import Role
from supervision.journal import receipts, tiles, tree
from tests import factories
from tests.journeys.served_mall import ServedMall, serving
from tests.peers import program

PRODUCT = {
    "category_code": factories.LASER,
    "brand": "奔图",
    "model": "P3370DN",
    "title": "奔图 P3370DN 黑白激光打印机",
    "unit": "台",
    "attributes": {"打印速度": 33, "自动双面": True, "幅面": "A4"},
    "facts": [{"kind": "energy", "number": "CQC26-3370", "issuer": "中国质量认证中心", "valid_to": "2999-12-31"}],
}
PRICE, PIECES = 1_199_00, 10
TOTAL = PRICE * PIECES
STEPS = (
    "order.submitted",
    "order.approved",
    "order.confirmed",
    "order.shipped",
    "order.delivered",
    "order.shipped",
    "order.delivered",
    "order.accepted",
    "order.invoiced",
    "order.payment_applied",
    "order.paid",
    "order.closed",
)
"""An order shipped in two parts, each signed for when it came."""


@pytest.fixture
def mall(database_url: str, tmp_path: Path) -> Iterator[ServedMall]:
    with serving(database_url, tmp_path) as mall:
        yield mall


def offered(mall: ServedMall) -> int:
    """A supplier lists a printer, reprices and restocks it; buyers find it within 5 seconds by any spelling."""
    lister = mall.by(Role.LISTER)
    made = lister.post("/listings", {"product": PRODUCT, "sku": "P-1", "price_fen": 1_299_00, "stock": 3, "delivery_days": 2})
    listing = int(made["listing_id"])
    repriced = lister.ask("PUT", f"/listings/{listing}/price", json={"price_fen": PRICE, "version": made["version"]})
    assert (repriced["price_fen"], repriced["version"]) == (PRICE, 2)
    assert lister.ask("PUT", f"/listings/{listing}/stock", json={"stock": 50, "seen": 3})["stock"] == 50
    buyer, began = mall.by(Role.BUYER), time.monotonic()
    mall.drain()
    assert [each["listing_id"] for each in buyer.get("/search", q="打印机")["items"]] == [listing]
    assert time.monotonic() - began < 5
    for words in ("激光打印机", "dayinji", "dyj", "P3370DM", "p3370"):
        (found,) = buyer.get("/search", q=words)["items"]
        assert (found["listing_id"], found["price_fen"], found["stock"]) == (listing, PRICE, 50), words
    versions = lister.get(f"/listings/{listing}/versions")["items"]
    assert [each["price_fen"] for each in versions] == [1_299_00, PRICE]
    return listing


def in_cart_with_a_plan(mall: ServedMall, listing: int) -> dict[str, Any]:
    """The printers in the cart, drawing on a plan filed on the spot; returns the submission."""
    buyer = mall.by(Role.BUYER)
    (item,) = buyer.post("/cart/items", {"listing_id": listing, "quantity": PIECES})["items"]
    assert (item["plan_line_id"], item["amount_fen"]) == (None, TOTAL)
    wished = {"listing_id": listing, "quantity": PIECES, "seen_price_fen": PRICE, "plan_line_id": None, "address_id": item["address_id"]}
    unplanned = buyer.post("/assessments", {"lines": [wished]}, status=200)
    assert unplanned["would"] == "refused" and "B01" in blocking(unplanned)
    filed = buyer.post(f"/cart/items/{item['id']}/plan")
    plan = buyer.get(f"/plans/{filed['number']}")
    assert (plan["state"], [line["id"] for line in plan["lines"]]) == ("filed", [filed["plan_line_id"]])
    return {
        "lines": [{**wished, "plan_line_id": filed["plan_line_id"]}],
        "reason": "政务大厅新增窗口",
        "cart_item_ids": [item["id"]],
    }


def blocking(assessed: dict[str, Any]) -> set[str]:
    """The rules that stand against it."""
    return {each["rule"] for each in assessed["verdicts"] if each["outcome"] == "block"}


def ordered(mall: ServedMall, body: dict[str, Any]) -> str:
    """Judged without a trace, then sent off twice under one key: one order."""
    buyer = mall.by(Role.BUYER)
    assessed = buyer.post("/assessments", body, status=200)
    assert (assessed["would"], assessed["total_fen"], blocking(assessed)) == ("submitted", TOTAL, set())
    assert buyer.get("/orders")["items"] == [] and money(mall) == (100_000_00, 0, 0, 0, 0)
    key = {"Idempotency-Key": "journey-0001"}
    first, second = (buyer.post("/submissions", body, headers=key) for _ in range(2))
    assert first == second
    (order,) = first["orders"]
    assert (order["state"], order["total_fen"]) == ("submitted", TOTAL)
    assert [each["number"] for each in buyer.get("/orders")["items"]] == [order["number"]]
    assert buyer.get("/cart/items")["items"] == []
    return str(order["number"])


def money(mall: ServedMall) -> tuple[int, ...]:
    """Free, reserved, committed, accrued, paid of the allotment; the plan line holds the same four."""
    names = ("reserved_fen", "committed_fen", "accrued_fen", "paid_fen")
    finance = mall.by(Role.FINANCE)
    whole = finance.get(f"/budgets/allotments/{mall.allotment}")
    four = tuple(whole[name] for name in names)
    for plan in finance.get("/plans")["items"]:
        (line,) = finance.get(f"/plans/{plan['number']}")["lines"]
        assert tuple(line[name] for name in names) == four
    return (whole["free_fen"], *four)


def state(mall: ServedMall, number: str) -> str:
    """Where the order stands."""
    return str(mall.by(Role.BUYER).get(f"/orders/{number}")["state"])


def concluded(mall: ServedMall, number: str) -> dict[str, Any]:
    """Approved by another person, confirmed by the supplier: text with its digest at once, PDF and notice after the worker."""
    approver = mall.by(Role.APPROVER)
    assert [each["number"] for each in approver.get("/approvals")["items"]] == [number]
    assert approver.post(f"/orders/{number}/approve", status=200)["state"] == "placed"
    assert money(mall) == (100_000_00 - TOTAL, TOTAL, 0, 0, 0)
    clerk = mall.by(Role.ORDER_CLERK)
    contract = clerk.post(f"/orders/{number}/confirm")
    assert (contract["amount_fen"], contract["order"]) == (TOTAL, number) and contract["filing_number"]
    assert money(mall) == (100_000_00 - TOTAL, 0, TOTAL, 0, 0)
    text = clerk.get(f"/contracts/{contract['number']}")["text"]
    assert hashlib.sha256(text.encode()).hexdigest() == contract["sha256"]
    mall.drain()
    with_pdf = mall.by(Role.BUYER).get(f"/contracts/{contract['number']}")
    assert with_pdf["pdf"] and len(with_pdf["pdf_sha256"]) == 64
    return dict(contract)


def delivered(mall: ServedMall, number: str) -> None:
    """Shipped in two parts and signed for, accepted by a third person: the money is owed."""
    clerk, acceptor = mall.by(Role.ORDER_CLERK), mall.by(Role.ACCEPTOR)
    for pieces, tracking in ((6, "SF0001"), (4, "SF0002")):
        seen = clerk.get(f"/orders/{number}")["version"]
        sent = {"carrier": "顺丰", "tracking": tracking, "version": seen, "lines": [{"line": 1, "quantity": pieces}]}
        parcel = clerk.post(f"/orders/{number}/shipments", sent)
        assert clerk.post(f"/orders/{number}/shipments", sent, status=409)["code"] == "order.changed"
        acceptor.post(f"/orders/{number}/receipts", {"shipment": parcel["number"]}, status=200)
    assert state(mall, number) == "delivered" and money(mall) == (100_000_00 - TOTAL, 0, TOTAL, 0, 0)
    serials = [f"SN{each:03d}" for each in range(PIECES)]
    record = acceptor.post(f"/orders/{number}/acceptances", {"version": acceptor.get(f"/orders/{number}")["version"], "lines": [{"line": 1, "accepted": PIECES, "serials": serials}]})
    assert (record["accepted_fen"], record["returned_fen"]) == (TOTAL, 0)
    mall.drain()
    assert state(mall, number) == "accepted" and money(mall) == (100_000_00 - TOTAL, 0, 0, TOTAL, 0)


def paid(mall: ServedMall, number: str) -> None:
    """Invoiced, applied for, and paid when the treasury's signed receipt comes in over HTTP."""
    clerk, finance = mall.by(Role.ORDER_CLERK), mall.by(Role.FINANCE)
    invoice = {
        "kind": "digital",
        "number": "26412000000000000001",
        "amount_fen": TOTAL,
        "tax_fen": (TOTAL * 13 + 56) // 113,
        "buyer_title": mall.unit,
        "buyer_tax_number": mall.unit_code,
        "seller_tax_number": mall.seller_code,
        "issued_on": clock.today().isoformat(),
    }
    assert clerk.post(f"/orders/{number}/invoices", invoice)["net_fen"] == TOTAL
    ground = finance.get(f"/orders/{number}/payment")
    assert {each["outcome"] for each in ground["checks"]} == {"pass"} and ground["clock"]["due_on"]
    application = finance.post(f"/orders/{number}/payment-applications")
    assert (application["amount_fen"], application["payee_name"]) == (TOTAL, mall.seller)
    assert state(mall, number) == "paying" and money(mall) == (100_000_00 - TOTAL, 0, 0, TOTAL, 0)
    until = time.monotonic() + 30
    while finance.get(f"/payment-applications/{application['number']}")["state"] != "paid":
        assert time.monotonic() < until, "the treasury never paid"
        mall.drain()
        time.sleep(0.1)
    assert finance.get(f"/payment-applications/{application['number']}")["receipt_number"]
    assert money(mall) == (100_000_00 - TOTAL, 0, 0, 0, TOTAL)


def stored(mall: ServedMall, number: str) -> None:
    """The cards drafted at acceptance get a keeper and a place; they are registered once the order is paid."""
    keeper = mall.by(Role.ASSET_MANAGER)
    cards = keeper.get("/assets", limit=50)["items"]
    assert sum(card["value_fen"] for card in cards) == TOTAL and sum(card["quantity"] for card in cards) == PIECES
    for card in cards:
        keeper.post(f"/assets/{card['number']}/store", {"keeper": "李保管", "place": "一楼大厅"}, status=200)
    mall.drain()
    assert {card["state"] for card in keeper.get("/assets", limit=50)["items"]} == {"registered"}
    order = mall.by(Role.FINANCE).get(f"/orders/{number}")
    papers = {paper["kind"] for paper in order["documents"]}
    assert papers == {"contract", "shipment", "acceptance", "invoice", "payment_application", "asset_card"}


def rated(mall: ServedMall, number: str) -> None:
    """Both sides, once each."""
    for role, score in ((Role.BUYER, 5), (Role.ORDER_CLERK, 4)):
        mall.by(role).post(f"/orders/{number}/ratings", {"score": score, "words": "按期"})
        assert mall.by(role).post(f"/orders/{number}/ratings", {"score": 1, "words": "再评"}, status=409)["code"] == "rating.already_given"
    assert sorted(each["score"] for each in mall.by(Role.BUYER).get(f"/orders/{number}/ratings")["items"]) == [4, 5]


def sse(mall: ServedMall, after: int, wanted: int) -> list[dict[str, Any]]:
    """The next lines of the live stream after a leaf, as a watcher receives them."""
    headers = {**mall.by(Role.SUPERVISOR).headers, "Last-Event-ID": str(after)}
    with mall.client.stream("GET", "/api/v1/stream/events", headers=headers) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        found: list[dict[str, Any]] = []
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == wanted:
                break
    return found


def watched(mall: ServedMall, number: str) -> None:
    """The supervisor's feed and live stream tell every step once, in the order of the log; the audit view tells why it was let through."""
    supervisor = mall.by(Role.SUPERVISOR)
    feed = supervisor.get("/stream")
    assert [item["leaf_index"] for item in feed["items"]] == sorted({item["leaf_index"] for item in feed["items"]})
    mine = [item for item in feed["items"] if item["number"] == number]
    assert [item["type"] for item in mine] == list(STEPS)
    assert supervisor.get("/stream", after=feed["head"])["items"] == []
    live = sse(mall, mine[0]["leaf_index"] - 1, 2)
    assert [each["leaf_index"] for each in live] == [
        each["leaf_index"] for each in feed["items"] if each["leaf_index"] >= mine[0]["leaf_index"]
    ][:2]
    audit = supervisor.get(f"/orders/{number}")
    assert [step["type"] for step in audit["spine"] if step["version"]] == list(STEPS)
    assert all(step["who"] and step["at"] for step in audit["spine"] if step["version"])
    assert {"B01", "B02", "P01", "P02"} <= {each["rule"] for each in audit["decisions"]}
    assert {each["outcome"] for each in audit["decisions"]} <= {"pass", "warn"}
    assert [each["paid_fen"] for each in audit["funds"]] == [TOTAL]
    decisions = supervisor.get(f"/orders/{number}/decisions")
    assert {each["rule"] for each in decisions["verdicts"]} == {each["rule"] for each in audit["decisions"]}


def proven(mall: ServedMall, number: str) -> None:
    """Every step has a receipt that the public key alone proves, and its leaf leads to the signed root."""
    head = mall.client.get("/api/v1/log/checkpoint").json()
    assert head["vkey"] == mall.verifier.vkey
    for role in (Role.BUYER, Role.ORDER_CLERK, Role.SUPERVISOR):
        steps = mall.by(role).get(f"/orders/{number}/receipts")["steps"]
        assert [step["type"] for step in steps] == list(STEPS) and all(step["sealed"] for step in steps)
        for step in steps:
            receipt = receipts.verify(receipts.parse(json.dumps(step["receipt"])), mall.verifier)
            assert (receipt.stream, receipt.version, receipt.index) == (number, step["version"], step["index"])
            proof = mall.client.get("/api/v1/log/proof", params={"index": step["index"]}).json()
            path = [base64.b64decode(each) for each in proof["path"]]
            leaf = tree.leaf_hash(proof["entry"].encode())
            assert leaf.hex() == step["leaf_hash"]
            assert tree.root_by_inclusion(step["index"], proof["size"], leaf, path).hex() == proof["root"] == head["root"]


def published(mall: ServedMall, contract: dict[str, Any]) -> None:
    """Anybody reads the contract's notice, with the digest and the PDF, without a token."""
    (notice,) = mall.client.get("/api/v1/notices", params={"q": contract["number"]}).json()["items"]
    assert (notice["contract"], notice["amount_fen"], notice["unit"], notice["supplier"]) == (
        contract["number"],
        TOTAL,
        mall.unit,
        mall.seller,
    )
    whole = mall.client.get(f"/api/v1/notices/{notice['number']}").json()
    assert hashlib.sha256(whole["text"].encode()).hexdigest() == notice["sha256"]
    assert mall.client.get(f"/portal/notices/{notice['number']}.pdf").content.startswith(b"%PDF-")


@pytest.mark.both_databases
def test_the_main_job_from_offer_to_proof_through_the_api_alone(mall: ServedMall) -> None:
    number = ordered(mall, in_cart_with_a_plan(mall, offered(mall)))
    assert money(mall) == (100_000_00 - TOTAL, TOTAL, 0, 0, 0)
    contract = concluded(mall, number)
    published(mall, contract)
    delivered(mall, number)
    paid(mall, number)
    stored(mall, number)
    rated(mall, number)
    mall.drain()
    watched(mall, number)
    proven(mall, number)


@pytest.mark.peer("log-verifier")
def test_a_program_that_knows_nothing_of_the_mall_accepts_the_journeys_log_and_no_other(mall: ServedMall, tmp_path: Path) -> None:
    number = ordered(mall, in_cart_with_a_plan(mall, offered(mall)))
    mall.drain()
    folder = mall.settings.folder("journal")
    steps = mall.by(Role.BUYER).get(f"/orders/{number}/receipts")["steps"]
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(steps[0]["receipt"], ensure_ascii=False))

    def verifier(*arguments: str) -> int:
        command = [str(program("tlog-verify")), "-vkey", mall.verifier.vkey, *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    assert verifier(str(folder)) == 0 and verifier("-receipt", str(file)) == 0
    size = int((folder / "checkpoint").read_text().split("\n")[1])
    entries = folder / tiles.path(tiles.ENTRIES, 0, tiles.width_at(size, 0, 0))
    text = bytearray(entries.read_bytes())
    text[len(text) // 2] ^= 1
    entries.chmod(0o644)
    entries.write_bytes(bytes(text))
    assert verifier(str(folder)) == 1
