import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from supervision.journal import leaf

AT = datetime(2026, 11, 24, 4, 11, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Stored:
    id: int = 12
    stream: str = "DD261124-7K3M9Q-4"
    version: int = 2
    prev_version: int | None = 1
    type: str = "order.placed"
    body: str = '{"amount_fen":123456,"supplier":"河南中原办公","unit":"许昌一中"}'
    region: str | None = "411000"
    owner_id: int | None = 7
    actor_id: int | None = None
    at: datetime = AT


def test_a_leaf_has_five_members_and_no_more():
    salts = leaf.new_salts(12)
    shown = json.loads(leaf.entry_of(Stored(), salts))
    assert set(shown) == {"root", "schema", "stream", "time", "type"}
    assert rfc8785.dumps(shown) == leaf.entry_of(Stored(), salts)
    assert (shown["schema"], shown["time"], shown["type"]) == ("mall-journal/1", "2026-11-24T04:11:00Z", "trade")


@given(st.none() | st.integers() | st.text() | st.floats(allow_nan=False) | st.booleans() | st.lists(st.integers()))
def test_a_value_is_written_as_events_are_stored(value):
    assert leaf._text(value) == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_the_family_tells_the_matter_and_not_what_became_of_it():
    assert leaf.family("order.placed") == leaf.family("order.rejected") == leaf.family("quotation.offered") == "trade"
    assert leaf.family("budget.reserved") == "money"
    assert leaf.family("weather.changed") == "other"


def test_one_field_or_forty_the_leaf_has_the_same_shape():
    few = Stored(body='{"a":1}')
    many = Stored(body=json.dumps({f"f{n:02d}": n for n in range(40)}, sort_keys=True, separators=(",", ":")))
    entries = [leaf.entry_of(event, leaf.new_salts(len(leaf.fields_of(event)))) for event in (few, many)]
    assert len(entries[0]) == len(entries[1])
    assert len(leaf.fields_of(many)) == leaf.SLOTS


def test_no_byte_of_the_stored_text_is_unbound():
    for body in ('{"a":1}', '{"a": 1}', '{"a":1.0}', '{"b":1,"a":2}', "[1]", "not json", "", '{"@id":3}', '{"a":1,"a":1}', '{"a":"\\u4e2d"}'):
        fields = leaf.fields_of(Stored(body=body))[9:]
        text = fields[0][1] if fields[0][0] == leaf.WHOLE else "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in fields) + "}"
        assert text == body


def test_the_same_moment_in_another_zone_is_the_same_leaf():
    salts = leaf.new_salts(12)
    elsewhere = AT.astimezone(timezone(timedelta(hours=8)))
    assert leaf.entry_of(Stored(), salts) == leaf.entry_of(replace(Stored(), at=elsewhere), salts)


@pytest.mark.parametrize(
    "change",
    [
        {"id": 13}, {"stream": "DD"}, {"version": 3}, {"prev_version": None}, {"type": "order.paid"}, {"region": None},
        {"owner_id": 8}, {"actor_id": 1}, {"at": AT + timedelta(microseconds=1)}, {"body": Stored.body.replace("6", "7")},
        {"body": Stored.body.replace("unit", "Unit")},
    ],
)  # fmt: skip
def test_a_change_to_anything_is_another_leaf(change):
    salts = leaf.new_salts(12)
    assert leaf.entry_of(Stored(), salts) != leaf.entry_of(replace(Stored(), **change), salts)


def test_each_field_opens_alone_and_only_with_its_own_value():
    event = Stored()
    fields = leaf.fields_of(event)
    salts = leaf.new_salts(len(fields))
    entry, row = leaf.entry_of(event, salts), leaf.slots(fields, salts)
    (amount,) = leaf.open_fields(fields, salts, ["amount_fen"])
    assert amount.value == "123456"
    leaf.check_openings(entry, row, [amount])
    for wrong in (
        replace(amount, value="123457"),
        replace(amount, field="unit"),
        replace(amount, slot=amount.slot + 1),
        replace(amount, slot=99),
        replace(amount, salt=bytes(16)),
    ):
        with pytest.raises(leaf.BadOpening):
            leaf.check_openings(entry, row, [wrong])
    with pytest.raises(leaf.BadOpening):
        leaf.check_openings(entry, row[::-1], [])
    with pytest.raises(leaf.BadOpening):
        leaf.check_openings(entry, row[:-1], [])
    with pytest.raises(leaf.BadOpening):
        leaf.check_openings(entry + b" ", row, [])
    with pytest.raises(leaf.BadOpening):
        leaf.check_openings(b"{", row, [])


def test_the_stream_id_of_one_stream_is_new_in_every_leaf():
    events = [Stored(version=v) for v in (2, 3)]
    shown = [json.loads(leaf.entry_of(event, leaf.new_salts(12)))["stream"] for event in events]
    assert shown[0] != shown[1]


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=20) | st.none() | st.lists(st.integers(), max_size=4), max_size=40))
def test_whatever_the_body_every_opened_field_holds(body):
    event = Stored(body=json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace").decode())
    fields = leaf.fields_of(event)
    salts = leaf.new_salts(len(fields))
    openings = leaf.open_fields(fields, salts, [name for name, _ in fields])
    assert len(openings) == len(fields) <= leaf.SLOTS
    leaf.check_openings(leaf.entry_of(event, salts), leaf.slots(fields, salts), openings)
