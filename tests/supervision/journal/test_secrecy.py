"""The tiles alone reveal no buyer, no supplier, no amount, no number of lines and no number of bidders."""

import json
from collections import Counter

from supervision.journal import leaf, tiles, tree
from tests.supervision.journal.world import Quoted, placed

CANARIES = ("金丝雀小学", "金丝雀文具", "7777777700", "7777777", "411081", "A02010000", "DD-CANARY", "4242424")


def entries_of(world):
    size = world.head().size
    return [
        json.loads(entry)
        for n in range((size + 255) // 256)
        for entry in tiles.unbundle(tiles.read(world.directory, tiles.ENTRIES, n, tiles.width_at(size, 0, n)))
    ]


def everything(world):
    return b"".join(file.read_bytes() for file in world.directory.rglob("*") if file.is_file())


def test_no_planted_value_is_found_in_any_file(world):
    world.order(40)
    world.record(placed("DD-CANARY", unit="金丝雀小学", supplier="金丝雀文具", amount_fen=77_777_777_00), stream="DD-CANARY")
    world.record(Quoted(supplier="金丝雀文具", amount_fen=4_242_424), stream="DD-CANARY-Q")
    world.sequence()
    public = everything(world)
    assert len(entries_of(world)) == 42
    for canary in CANARIES:
        assert canary.encode() not in public
        assert json.dumps(canary).strip('"').encode() not in public


def test_an_order_of_one_line_and_one_of_twenty_look_alike(world):
    for number, lines in (("DD-1", 1), ("DD-5", 5), ("DD-20", 20)):
        world.record(placed(number, lines=lines), stream=number)
    world.sequence()
    shown = entries_of(world)
    assert {(leaf_["type"], len(json.dumps(leaf_)), tuple(sorted(leaf_))) for leaf_ in shown} == {
        ("trade", len(json.dumps(shown[0])), ("root", "schema", "stream", "time", "type"))
    }


def test_the_offers_of_one_inquiry_cannot_be_counted_together(world):
    for inquiry, offers in (("XJ-1", 7), ("XJ-2", 3)):
        world.record(*(Quoted(supplier=f"s{n}", amount_fen=n) for n in range(offers)), stream=inquiry)
    world.record(*(placed("DD-1") for _ in range(5)), stream="DD-1")
    world.sequence()
    shown = entries_of(world)
    assert Counter(entry["stream"] for entry in shown).most_common(1)[0][1] == 1
    assert Counter(entry["type"] for entry in shown) == {"trade": 15}


def test_knowing_the_order_but_not_the_salt_proves_nothing(world):
    """A guess of every field does not lead to the root: two equal orders have nothing in common."""
    world.record(placed("DD-1"), stream="DD-1")
    world.record(placed("DD-1"), stream="DD-1b")
    world.sequence()
    one, other = entries_of(world)
    assert one["root"] != other["root"]
    assert not set(one.values()) & set(other.values()) - {leaf.SCHEMA, "trade", one["time"]}


def test_a_leaf_is_never_larger_than_eight_kibibytes(world):
    world.record(placed("DD-1", lines=2000), stream="DD-1")
    world.sequence()
    (entry,) = tiles.unbundle(tiles.read(world.directory, tiles.ENTRIES, 0, 1))
    assert len(entry) < 300
    assert tree.leaf_hash(entry) == world.head().root
