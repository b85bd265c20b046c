import json
from dataclasses import replace

import pytest

from app.kernel.errors import Missing
from supervision.journal import leaf, note, queries, receipts, tree
from tests.supervision.journal.world import Paid, placed


@pytest.fixture
def sealed(world):
    world.record(placed("RC-1"), Paid(number="RC-1", amount_fen=5), stream="RC-1")
    world.order(300)
    world.sequence()
    return world


def receipt_of(world, version=2, fields=("amount_fen",)):
    with world.sessions() as session:
        return queries.receipt(session, world.directory, queries.event_of(session, "RC-1", version), fields)


def test_a_receipt_proves_the_step_of_the_order_with_the_public_key_alone(sealed):
    given = receipt_of(sealed)
    text = json.dumps(given.as_json(), ensure_ascii=False)
    proven = receipts.verify(receipts.parse(text), sealed.signer.verifier)
    assert (proven.stream, proven.version, proven.index, proven.size) == ("RC-1", 2, 1, 302)
    assert proven.fields["amount_fen"] == "5"
    assert proven.fields["@type"] == '"payment.settled"'
    assert "number" not in proven.fields


@pytest.mark.peer("log-verifier")
def test_the_outside_verifier_proves_the_same_receipt_and_no_other(sealed):
    file = sealed.folder / "receipt.json"
    text = json.dumps(receipt_of(sealed).as_json(), ensure_ascii=False)
    file.write_text(text)
    answer = sealed.outside("-receipt", str(file), log=False)
    assert (answer.returncode, "leaf 1 of 302" in answer.stdout) == (0, True)
    for old, new in (('"value": "5"', '"value": "6"'), ('"index": 1', '"index": 2'), ("mall-journal/1", "mall-journal/2"), ("\\n302\\n", "\\n303\\n")):
        assert old in text
        file.write_text(text.replace(old, new))
        assert sealed.outside("-receipt", str(file), log=False).returncode == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"index": 2}, "proof"),
        ({"index": 900}, "proof"),
        ({"path": ()}, "proof"),
        ({"entry": b"{}"}, "proof"),
        ({"checkpoint": "log"}, "checkpoint"),
        ({"stream": "RC-2"}, "fields"),
        ({"version": 1}, "fields"),
        ({"openings": ()}, "fields"),
        ({"slots": ()}, "fields"),
    ],
)
def test_a_receipt_that_was_changed_says_where_it_fails(sealed, change, why):
    with pytest.raises(receipts.BadReceipt) as refused:
        receipts.verify(replace(receipt_of(sealed), **change), sealed.signer.verifier)
    assert refused.value.why == why


def test_a_receipt_with_another_value_or_another_key_is_refused(sealed):
    given = receipt_of(sealed)
    openings = tuple(replace(o, value="6") if o.field == "amount_fen" else o for o in given.openings)
    with pytest.raises(receipts.BadReceipt):
        receipts.verify(replace(given, openings=openings), sealed.signer.verifier)
    with pytest.raises(receipts.BadReceipt):
        receipts.verify(given, note.generate(sealed.signer.name).verifier)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '{"schema": "mall-journal-receipt/1"}', "x" * 300_000])
def test_what_is_no_receipt_is_refused_as_such(text):
    with pytest.raises(receipts.BadReceipt) as refused:
        receipts.parse(text)
    assert refused.value.why == "form"


def test_there_is_no_receipt_before_the_checkpoint(world):
    world.record(placed("RC-1"), stream="RC-1")
    with pytest.raises(queries.NotYetSealed):
        receipt_of(world, 1)
    with world.sessions() as session, pytest.raises(Missing):
        queries.event_of(session, "RC-1", 9)


def test_every_earlier_checkpoint_is_proved_to_begin_the_newest(world):
    roots = {}
    for count in (1, 5, 255, 2, 300):
        world.order(count)
        world.sequence()
        roots[world.head().size] = world.head().root
    newest = world.head()
    with world.sessions() as session:
        for size, root in roots.items():
            path = queries.consistency(session, world.directory, size)
            tree.check_consistency(size, newest.size, root, newest.root, path)
        assert queries.consistency(session, world.directory, 6, 261)
        for old, new in ((600, None), (-1, None), (1, 7)):
            with pytest.raises(Missing):
                queries.consistency(session, world.directory, old, new)


def test_every_leaf_of_a_large_log_has_its_proof(sealed):
    with sealed.sessions() as session:
        head = queries.head(session)
        assert head is not None
        for event_id in range(1, 303, 13):
            place = queries.leaf_of(session, event_id)
            assert place is not None
            event = session.get_one(queries.Event, event_id)
            given = queries.receipt(session, sealed.directory, event)
            assert tree.root_by_inclusion(given.index, head.size, given.leaf_hash, given.path) == head.root
            assert [o.field for o in given.openings] == ["@at", "@id", "@prev", "@stream", "@type", "@version"]
            assert set(queries.field_names(event)) >= {"number", "amount_fen", "@actor"}
            assert len(given.slots) == leaf.SLOTS
