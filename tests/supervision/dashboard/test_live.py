"""The live stream over a real server: resumed without gap or repetition, polled when there is no seat."""

import json
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from werkzeug.serving import make_server

from app.policy import Role
from supervision.dashboard import broadcast, queries
from supervision.dashboard.broadcast import Broadcaster, frames
from supervision.dashboard.rules import StreamFull
from tests.orders import steps


@pytest.fixture
def served(watched):
    server = make_server("127.0.0.1", 0, watched.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def client(watched, base):
    secret = watched.visitor(watched.supervisor).client.get_cookie("mall_session").value
    return httpx.Client(base_url=base, cookies={"mall_session": secret}, timeout=30, trust_env=False)


def told(response) -> Iterator[dict]:
    """The messages of an event stream, as a browser reads them."""
    event, index = "message", None
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "id":
            index = int(value)
        elif name == "data":
            yield {"event": event, "id": index, **json.loads(value)}


def read(response, *, until: int) -> list[dict]:
    """Messages up to an index."""
    found = []
    for message in told(response):
        found.append(message)
        if message["id"] >= until:
            return found
    return found


def head(watched) -> int:
    with watched.session() as session:
        return queries.head(session)


def order(watched) -> None:
    with watched.session() as session:
        steps.confirmed(session, watched.world, {watched.world.laser: 1})
    watched.work()


def test_a_cut_stream_goes_on_where_it_stopped(watched, served):
    watched.work()
    start = head(watched)
    with client(watched, served) as browser:
        with browser.stream("GET", "/watch/stream/events", params={"after": start}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            order(watched)
            first = read(response, until=start + 2)
        order(watched)
        end = head(watched)
        with browser.stream("GET", "/watch/stream/events", headers={"Last-Event-ID": str(first[-1]["id"])}) as response:
            second = read(response, until=end)
    messages = first + second
    at = start
    for message in messages:
        assert message["after"] == at, "nothing may lie between one message and the next"
        at = message["id"]
    indices = [each["leaf_index"] for each in messages if each["event"] == "entry"]
    with watched.session() as session:
        expected, reached = queries.after(session, watched.supervisor, queries.Filter(), start)
    assert indices == [each.leaf_index for each in expected]
    assert len(indices) == len(set(indices)) == 6
    assert reached == at == end


def test_a_filter_hides_lines_but_never_the_sequence(watched, served):
    order(watched)
    watched.refuse()
    watched.work()
    end = head(watched)
    with client(watched, served) as browser, browser.stream("GET", "/watch/stream/events", params={"after": -1, "risk": "block"}) as response:
        messages = read(response, until=end)
    assert [each["state_name"] for each in messages if each["event"] == "entry"] == ["已阻断"]
    assert (messages[0]["after"], messages[-1]["id"]) == (-1, end)


def test_polling_gives_the_same_and_204_when_nothing_is_new(watched):
    order(watched)
    visitor = watched.visitor(Role.SUPERVISOR)
    answer = visitor.get("/watch/stream/since?after=-1").json
    assert (answer["after"], answer["head"]) == (-1, head(watched))
    assert [each["state_name"] for each in answer["items"][-3:]] == ["待审批", "待供应商确认", "已确认，待发货"]
    assert visitor.get(f"/watch/stream/since?after={answer['head']}").status_code == 204
    other = watched.visitor(watched.other).get("/watch/stream/since?after=-1").json
    assert (other["items"], other["head"]) == ([], answer["head"])
    assert watched.visitor(Role.BUYER).get("/watch/stream/since").status_code == 403


def test_the_cursor_feed_of_the_api_neither_skips_nor_repeats(watched):
    order(watched)
    watched.refuse()
    watched.work()
    call, after, seen = watched.caller(watched.supervisor), -1, []
    while True:
        answer = call("GET", f"/api/v1/stream?after={after}&limit=2").json
        seen += [each["leaf_index"] for each in answer["items"]]
        if answer["head"] == after:
            break
        after = answer["head"]
    whole = call("GET", "/api/v1/stream").json
    assert seen == [each["leaf_index"] for each in whole["items"]] == sorted(set(seen))
    assert (after, whole["items"][-1]["rules"]) == (head(watched), ["PRICE"])
    assert call("GET", "/api/v1/stream?region=410300").status_code == 404
    assert call("GET", "/api/v1/stream?after=-2").status_code == 422


def test_a_program_with_a_token_gets_the_events_too(watched, served):
    order(watched)
    headers = {"Authorization": f"Bearer {watched.caller(watched.supervisor).token}", "Last-Event-ID": "-1"}
    program = httpx.Client(base_url=served, headers=headers, timeout=30, trust_env=False)
    with program, program.stream("GET", "/api/v1/stream/events") as response:
        messages = read(response, until=head(watched))
    assert [each["type"] for each in messages if each["event"] == "entry"][-1] == "order.confirmed"


def test_when_all_seats_are_taken_browsers_poll_and_programs_are_told(watched, monkeypatch):
    monkeypatch.setattr(broadcast.Broadcaster, "take_seat", lambda self: (_ for _ in ()).throw(StreamFull()))
    assert watched.visitor(Role.SUPERVISOR).get("/watch/stream/events").status_code == 204
    answer = watched.caller(watched.supervisor)("GET", "/api/v1/stream/events")
    assert (answer.status_code, answer.json["code"]) == (503, "stream.full")


def test_seats_are_few_and_given_back_once(watched):
    broadcaster = Broadcaster(watched.session, most=1)
    seat = broadcaster.take_seat()
    with pytest.raises(StreamFull):
        broadcaster.take_seat()
    seat.give_back()
    seat.give_back()
    assert broadcaster.seats == 0
    again = broadcaster.take_seat()
    again.give_back()


def test_a_stream_ends_by_itself_and_beats_while_nothing_happens(watched):
    broadcaster = Broadcaster(watched.session, most=1)
    seat = broadcaster.take_seat()
    began = time.monotonic()
    said = list(frames(broadcaster, lambda index: ([], index), 5, longest=0.3, beat=0.1))
    seat.give_back()
    assert said[0] == "retry: 1000\n\n"
    assert set(said[1:]) == {": still here\n\n"}
    assert 0.3 <= time.monotonic() - began < 5
