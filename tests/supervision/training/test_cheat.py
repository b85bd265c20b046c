"""Ten tricks are tried for real: each is refused by its rule, moves nothing, and leaves its record; one that is not refused is shown."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rich.console import Console
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.web.extensions import db
from catalog.listings.tables import Listing
from catalog.taxonomy.rules import What
from catalog.taxonomy.tables import Limit
from orders.budgets.tables import Control, Move
from orders.carts.tables import CartItem
from orders.purchases.tables import Attempt, Order
from supervision.journal import receipts, service
from supervision.training.cli import prepare
from supervision.training.scales import Size
from supervision.training.trials import EVENT, MOST_A_MINUTE
from supervision.training.tricks import TRICKS, Trick
from tests import databases
from tests.supervision.training.test_tour import mall, token

__all__ = ["mall"]

pytestmark = pytest.mark.timeout(300)


def world(app: Flask) -> dict[str, object]:
    """Everything that a trick must leave alone."""
    with app.app_context(), Session(db.engine) as session:
        return {
            "controls": session.execute(
                select(Control.id, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen, Control.ordered)
                .where(Control.reserved_fen + Control.committed_fen + Control.accrued_fen + Control.paid_fen > 0)
                .order_by(Control.id)
            ).all(),
            "moves": session.scalar(select(func.count(Move.id))),
            "stock": session.execute(select(Listing.id, Listing.stock, Listing.price_fen).order_by(Listing.id)).all(),
            "orders": session.execute(select(Order.id, Order.state, Order.version).order_by(Order.id)).all(),
            "cart": session.scalar(select(func.count(CartItem.id))),
        }


def count(app: Flask, query: Select[tuple[int]]) -> int:
    with app.app_context(), Session(db.engine) as session:
        return session.scalar(query) or 0


def trial(app: Flask) -> dict[str, Any]:
    """What the log holds of the last trial."""
    with app.app_context(), Session(db.engine) as session:
        found = session.scalars(select(Event).where(Event.type == EVENT).order_by(Event.id.desc()).limit(1)).one()
        body: dict[str, Any] = json.loads(found.body)
        return body | {"number": found.stream}


def try_(app: Flask, name: str) -> str:
    """One click; the page that it leads to."""
    client = app.test_client()
    answer = client.post(f"/tour/cheat/{name}", data={"csrf_token": token(client.get("/tour/cheat").text)})
    assert answer.status_code == 303, answer.text
    return client.get(answer.location).text


def test_each_trick_is_refused_by_its_rule_moves_nothing_and_leaves_its_records(mall):
    for trick in TRICKS:
        if trick.before is not None:
            try_(mall, trick.name)  # what is prepared once and stays
    before = world(mall)
    for trick in TRICKS:
        attempts, events = count(mall, select(func.count(Attempt.id))), count(mall, select(func.count(Event.id)))
        page = try_(mall, trick.name)
        told = trial(mall)
        assert (told["trick"], told["result"], told["code"]) == (trick.name, "refused", trick.code), told
        assert told["before"] == told["after"] != {}
        assert world(mall) == before, trick.name
        is_submission = trick.code == "submission.refused"
        assert count(mall, select(func.count(Attempt.id))) - attempts == is_submission, trick.name
        assert count(mall, select(func.count(Event.id))) - events == 1 + is_submission, trick.name
        _says(page, trick, told)


def _says(page: str, trick: Trick, told: dict[str, Any]) -> None:
    """The page names the article, the rule, the code, and the record."""
    for words in (trick.title, trick.article, trick.code, told["number"], "已拒绝，什么都没有动", "项一致"):
        assert str(words) in page, (trick.name, words)
    assert "缺陷" not in page
    if trick.rule:
        assert trick.rule in {each["rule"] for each in told["verdicts"] if each["outcome"] == "block"}
        assert f"（{trick.rule}）" in page
        assert str(told["attempt"]) in page


def test_one_fen_is_enough(mall):
    page = try_(mall, "one-fen")
    block = next(each for each in trial(mall)["verdicts"] if each["rule"] == "B02")
    assert block["facts"]["over_fen"] == 1
    assert "超出 0.01 元" in page


def test_two_halves_of_a_split_are_seen_as_one(mall):
    try_(mall, "split")
    block = next(each for each in trial(mall)["verdicts"] if each["rule"] == "P02")
    assert block["inputs"]["lines"] == [1, 2]
    assert block["facts"]["total_fen"] >= 60_000_00


def test_all_ten_are_tried_in_turn_and_summed_up(mall):
    client = mall.test_client()
    answer = client.post("/tour/cheat", data={"csrf_token": token(client.get("/tour/cheat").text)})
    page = client.get(answer.location).text
    assert "拒绝 10 / 10" in page
    assert "10 招全部被拒绝" in page


def test_a_trick_that_is_not_refused_is_shown_as_a_defect(mall):
    with mall.app_context(), Session(db.engine) as session, commit(session):
        session.execute(update(Limit).where(Limit.what.in_([What.DIRECT_CEILING, What.MALL_CEILING])).values(amount_fen=10**12))
    page = try_(mall, "split")
    assert trial(mall)["result"] in {"accepted", "otherwise"}
    assert "缺陷" in page
    assert "什么都没有动</span>" not in page
    assert count(mall, select(func.count(Order.id)).where(Order.total_fen >= 10**11)) == 0


def test_a_browser_with_scripts_gets_the_card_alone(mall):
    client = mall.test_client()
    data = {"csrf_token": token(client.get("/tour/cheat").text)}
    card = client.post("/tour/cheat/no-plan", data=data, headers={"HX-Request": "true"})
    assert card.status_code == 200
    assert card.text.lstrip().startswith('<section class="sheet" id="trick-no-plan"')
    assert "<html" not in card.text
    assert 'hx-get="/tour/cheat/proofs/SW' in card.text


def test_the_event_has_a_place_in_the_log_and_a_receipt_that_verifies(mall, training_database: Settings):
    try_(mall, "own-approval")
    number = trial(mall)["number"]
    client = mall.test_client()
    assert client.get(f"/tour/cheat/receipts/{number}").status_code == 503
    with mall.app_context():
        engine = db.engine
    signer = service.signer_at(training_database.journal_key_path)
    service.sequence(lambda: Session(engine), training_database.folder("journal"), signer)
    page = client.get(f"/tour/cheat?tried={number}").text
    index = re.search(r'href="(/log/\d+)"', page)
    assert index is not None
    assert client.get(index[1]).status_code == 200
    proven = receipts.verify(receipts.parse(client.get(f"/tour/cheat/receipts/{number}").text), signer.verifier)
    assert json.loads(proven.fields["code"]) == "order.same_person"


def test_whoever_looks_after_the_supervisor_lands_at_the_attempt(mall):
    try_(mall, "split")
    told, client = trial(mall), mall.test_client()
    page = client.get(f"/tour/cheat?tried={told['number']}").text
    to = f"/watch/attempts/{told['attempt']}"
    answer = client.post("/tour/as", data={"csrf_token": token(page), "as": "supervisor.zz", "to": to})
    assert answer.location == to
    assert "P02" in client.get(to).text
    elsewhere = client.post("/tour/as", data={"csrf_token": token(page), "as": "supervisor.zz", "to": "//evil.example/watch/"})
    assert elsewhere.location == "/"


def test_unknown_tricks_and_trials_are_not_found_and_a_flood_is_stopped(mall):
    client = mall.test_client()
    data = {"csrf_token": token(client.get("/tour/cheat").text)}
    assert client.post("/tour/cheat/no-such", data=data).status_code == 404
    assert client.get("/tour/cheat?tried=SW000000-000000-0").status_code == 404
    with mall.app_context(), Session(db.engine) as session, commit(session):
        session.add_all(Event(stream=f"flood/{each}", version=1, type=EVENT, body="{}", at=clock.now()) for each in range(MOST_A_MINUTE))
    assert client.post("/tour/cheat/no-plan", data=data).status_code == 429


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.peer("postgresql")
def test_all_ten_are_refused_on_postgresql(tmp_path: Path):
    from wsgi import create_app

    url = databases.fresh_postgresql()
    app = create_app(Settings(data_dir=tmp_path, database_url=url))
    with app.app_context():
        prepare(Size.SMALL, 1, Console(quiet=True))
    try:
        for trick in TRICKS:
            if trick.before is not None:
                try_(app, trick.name)  # what is prepared once and stays
        before = world(app)
        for trick in TRICKS:
            try_(app, trick.name)
            told = trial(app)
            assert (told["trick"], told["result"]) == (trick.name, "refused"), told
            assert world(app) == before, trick.name
    finally:
        with app.app_context():
            db.engine.dispose()
        app.extensions["mall.search"].close()
        databases.drop(url)
