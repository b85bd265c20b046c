"""Defects to be planted: a line of the product said wrongly, a row or a file changed behind its back; each with who must find it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervision.journal import note, tiles
from supervision.journal.note import Head
from tests.supervision.journal.mutations import FILES, Scene, rebuilt


@dataclass(frozen=True)
class Patch:
    """A defect of the code: texts replaced in files of the product, each of which must stand there once."""

    name: str
    found_by: str
    replaced: tuple[tuple[str, str, str], ...]
    kind: str = "sqlite"


@dataclass(frozen=True)
class Rows:
    """A defect of the data: statements run past every trigger, foreign key and check."""

    name: str
    found_by: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Forgery:
    """A defect of the published log; the witness's checkpoint is the one from before."""

    name: str
    found_by: str
    forge: Callable[[Scene], None]


PATCHES = (
    Patch(
        "CHECK dropped and reservation unguarded", "audit: invariant 1",
        (
            ("orders/budgets/service.py", "        Control.free_fen + bindparam(Pool.FREE.value, type_=Int) >= 0,\n", ""),
            ("migrations/versions/0001_create_tables.py", '"reserved_fen + committed_fen + accrued_fen + paid_fen <= amount_fen"', '"1 = 1"'),
        ),
        "postgresql",
    ),
    Patch(
        "sign of a move swapped", "audit: invariant 2",
        (("orders/budgets/rules.py", "change.fen.get(request.source, 0) - request.amount_fen", "change.fen.get(request.source, 0) + request.amount_fen"),),
    ),
    Patch(
        "a move missing: the allotment is not drawn", "audit: invariant 3",
        (("orders/budgets/rules.py", "((draw.plan_control_id, draw.quantity), (draw.allotment_control_id, 0))", "((draw.plan_control_id, draw.quantity),)"),),
    ),
    Patch(
        "a rejection releases nothing", "audit: invariant 3",
        (("orders/approvals/service.py", "    _record(session, actor, order, lines, why)\n    purchasing.release(session, actor, order)\n", "    _record(session, actor, order, lines, why)\n"),),
    ),
    Patch(
        "the commit of a submission forgotten", "history: acknowledged orders",
        (("orders/carts/api.py", "        with commit(db.session()) as session:\n            made = service.send_off(", "        with db.session() as session:\n            made = service.send_off("),),
    ),
    Patch(
        "the idempotency key not kept", "history: one key, one answer",
        (("orders/purchases/submission.py", '        "key": key,\n', '        "key": numbers.new("TJ", at=clock.today()),\n'),),
    ),
    Patch(
        "another content taken under a used key", "history: used keys",
        (("orders/purchases/submission.py", "    if earlier.digest != digest:\n", "    if not earlier.digest:\n"),),
    ),
    Patch(
        "stock not taken", "history: stock",
        (("orders/purchases/submission.py", "    shelf.take_stock(session, wanted)\n", ""),),
    ),
    Patch(
        "a refusal not remembered", "history: refused",
        (("orders/carts/service.py", "refused.attempt = submission.record_attempt(\n        session, actor, refused, sending.wishes, key=sending.key, reason=sending.reason, cited=cited\n    )", "refused.attempt = sending.key"),),
    ),
    Patch(
        "orders say other quantities than the cart", "history: contents",
        (("orders/purchases/submission.py", '        "quantity": line.quantity,\n        "price_fen": offer.price_fen,\n        "amount_fen": line.amount_fen,', '        "quantity": line.quantity + 1,\n        "price_fen": offer.price_fen,\n        "amount_fen": line.amount_fen + offer.price_fen,'),),
    ),
    Patch(
        "the sequencer passes over some events", "journal: gaps",
        (("supervision/journal/sequencer.py", "            .where(Event.id > after, Leaf.event_id.is_(None))\n            .order_by(Event.id)", "            .where(Event.id > after, Leaf.event_id.is_(None), Event.id % 5 != 0)\n            .order_by(Event.id)"),),
    ),
    Patch(
        "bundles written in another order than their leaves", "independent verifier",
        (("supervision/journal/sequencer.py", "len(self.tail)), tiles.bundle(self.tail))", "len(self.tail)), tiles.bundle(self.tail[::-1]))"),),
    ),
)

_MOVE = (
    "INSERT INTO budget_moves (key, control_id, source, target, amount_fen, quantity, order_line_id, stream, version, actor_id, at) "
    "SELECT key || ':again', control_id, {source}, {target}, amount_fen, quantity, order_line_id, stream, version, actor_id, at "
    "FROM budget_moves WHERE id = (SELECT {which}(id) FROM budget_moves WHERE target = '{of}' AND order_line_id IS NOT NULL)"
)
_ORDER = "(SELECT max(id) FROM orders WHERE state = 'submitted')"
_COPIED = (
    "version, submission_id, unit_id, supplier_id, region, buyer_id, mode, state, total_fen, reason, invoice_title, invoice_tax_number, "
    "submitted_at, state_since, due_at, due_provisional"
)

ROWS = (
    Rows("counter changed by hand", "audit: invariant 2", ("UPDATE controls SET reserved_fen = reserved_fen - 1 WHERE reserved_fen > 0",)),
    Rows("reservation resolved twice", "audit: invariant 4", (_MOVE.format(source="'reserved'", target="'committed'", of="committed", which="max"),)),
    Rows("paid what was not accepted", "audit: invariant 5", (_MOVE.format(source="'accrued'", target="'paid'", of="committed", which="min"),)),
    Rows("refunded what was not paid", "audit: invariant 8", (_MOVE.format(source="'paid'", target="'free'", of="accrued", which="max"),)),
    Rows("event missing", "audit: invariant 6", ("DELETE FROM events WHERE id = (SELECT max(id) FROM events WHERE type LIKE 'order.%')",)),
    Rows("state changed without an event", "audit: invariant 6", (f"UPDATE orders SET state = 'placed' WHERE id = {_ORDER}",)),
    Rows("gap in the versions of a stream", "journal audit: stream.gap", ("UPDATE events SET version = version + 1 WHERE id = (SELECT max(id) FROM events WHERE type LIKE 'order.%')",)),
    Rows(
        "second order under one key", "audit: invariant 7",
        (f"INSERT INTO orders (number, {_COPIED}) SELECT number || 'X', {_COPIED} FROM orders WHERE id = {_ORDER}",),
    ),
    Rows("allotment below its use", "audit: invariant 9", ("UPDATE controls SET amount_fen = reserved_fen - 1 WHERE kind = 'allotment' AND reserved_fen > 0",)),
    Rows("money of another unit", "audit: invariant 10", ("UPDATE controls SET unit_id = unit_id + 1 WHERE kind = 'allotment'",)),
    Rows("accepted without a contract", "audit: invariant 11", ("DELETE FROM contracts",)),
    Rows("reservation past its deadline", "audit: invariant 12", (f"UPDATE orders SET due_at = '2020-01-01 00:00:00.000000' WHERE id = {_ORDER}",)),
    Rows(
        "acknowledged order gone", "history: acknowledged orders",
        (f"DELETE FROM order_lines WHERE order_id = {_ORDER}", f"DELETE FROM orders WHERE id = {_ORDER}"),
    ),
    Rows("receipt missing", "outbox: receipts", ("DELETE FROM event_receipts WHERE event_id = (SELECT max(event_id) FROM event_receipts)",)),
    Rows("leaf gone", "journal audit: leaf.gap", ("DELETE FROM journal_leaves WHERE idx = 3",)),
    Rows("entry of a leaf changed", "journal audit: leaf.changed", ("UPDATE journal_leaves SET entry = x'7b7d' WHERE idx = 3",)),
)


def rewritten(scene: Scene) -> None:
    """History rewritten from an early entry on and signed with the true key, as the owner of the log could."""
    edge = rebuilt(scene, _first_trade(scene))
    scene.checkpoint.write_text(scene.signer.sign(Head(scene.signer.name, scene.size, edge.root()).text))


def _first_trade(scene: Scene) -> int:
    rows = tiles.unbundle((scene.directory / tiles.path(tiles.ENTRIES, 0, tiles.width_at(scene.size, 0, 0))).read_bytes())
    return next(number for number, row in enumerate(rows) if b'"type":"trade"' in row)


FORGERIES = (
    Forgery("entry changed in a published bundle", "independent verifier", FILES["bit in an entry"][1]),
    Forgery("checkpoint forged with another key", "independent verifier", FILES["signed by another key"][1]),
    Forgery("history rewritten and signed again", "independent verifier", rewritten),
)


def scene_of(directory: Path, signer: note.Signer) -> Scene:
    """The published log as something that may be forged."""
    size = int((directory / "checkpoint").read_text().split("\n")[1])
    return Scene(directory, size, signer, random.Random(7))
