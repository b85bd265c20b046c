"""The tour carries a newcomer through the whole journey by real sessions; in production it does not exist."""

import json
import re
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.accounts.people.tables import Person
from app.accounts.sessions.tables import SignInSession
from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from app.web.extensions import db
from orders.payments import service as payments
from orders.payments.tables import PaymentApplication
from orders.payments.wire.answers import Payment, Status
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import State
from orders.purchases.tables import Order
from supervision.training import guide
from supervision.training.hands import Hands

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def mall(training_database: Settings):
    from wsgi import create_app

    app = create_app(training_database)
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["mall.search"].close()


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def continue_(client) -> str:
    """Click the button of the strip; where it leads."""
    answer = client.post("/tour/continue", data={"csrf_token": token(client.get("/tour").text)})
    assert answer.status_code in {302, 303}
    return answer.location


def who(session: Session) -> str:
    """The login of the session that was opened last."""
    query = select(Person.login).join(SignInSession, SignInSession.person_id == Person.id).order_by(SignInSession.id.desc()).limit(1)
    return session.scalars(query).one()


def buy(session: Session) -> int:
    """What the newcomer does at the first stop."""
    buyer = people.actor_of(session, session.scalars(select(Person.id).where(Person.login == guide.LOGINS[Role.BUYER])).one())
    found = guide.product(session)
    line = next(row for row in guide.budget_lines(session) if row["category"] == "A02021003" and row["pieces_left"])
    assert found is not None
    wish = Wish(
        listing_id=found["listing_id"], quantity=1, seen_price_fen=found["price_fen"], plan_line_id=line["plan_line_id"], address_id=None
    )
    with commit(session):
        made = submission.submit(session, buyer, [wish], key="tour-test")
    return session.scalars(select(Order.id).where(Order.submission_id == made.id)).one()


def test_the_tour_leads_through_every_role_with_real_sessions_and_logs_each(mall):
    client = mall.test_client()
    answer = client.post("/tour/start", data={"csrf_token": token(client.get("/tour").text)})
    assert answer.location.startswith("/search?q=")
    with mall.app_context():
        engine = db.engine
    hands = Hands(lambda: Session(engine), Random(1))
    with Session(engine) as session:
        assert who(session) == "buyer.zz01"
        order = buy(session)
        number = session.get_one(Order, order).number
    strip = client.get("/tour").text
    assert number in strip
    logins = []
    for _ in range(12):
        where = continue_(client)
        with Session(engine) as session:
            state = session.get_one(Order, order).state
            logins.append(who(session))
            page = client.get(where)
            assert page.status_code == 200, where
            assert 'class="tour"' in page.text
            if state in {State.PAID, State.CLOSED} and "/assets/" not in where:
                break
        if state is State.PAYING:
            with Session(engine) as session, commit(session):
                row = session.scalars(select(PaymentApplication).where(PaymentApplication.order_id == order)).one()
                payment = Payment(
                    id="pi_tour",
                    status=Status.SUCCEEDED,
                    amount_fen=row.amount_fen,
                    captured_fen=row.amount_fen,
                    refunded_fen=0,
                    currency="cny",
                    destination=row.payee_account,
                    receipt="GK1",
                    metadata={"application": row.number},
                    created_at=clock.now(),
                )
                payments.settle(session, payment)
        else:
            hands.step(order)
    seller = next(login for login in logins if login.startswith("clerk."))
    assert list(dict.fromkeys(logins)) == [
        "approver.zz01",
        seller,
        "acceptor.zz01",
        "finance.zz01",
        *(["asset.zz01"] if "asset.zz01" in logins else []),
        "supervisor.zz",
    ]
    assert continue_(client) == f"/watch/orders/{number}"
    assert client.get(f"/watch/orders/{number}").status_code == 200
    assert continue_(client).startswith("/portal")
    assert continue_(client) == "/tour"
    assert 'class="tour"' not in client.get("/portal").text
    with Session(engine) as session:
        taken = session.scalars(select(Event.stream).where(Event.type == "session.tour_identity")).all()
    assert len(taken) >= len(logins)
    assert len(set(taken)) == 1


def test_demo_logins_let_in_with_one_click_and_no_other_login_does(mall):
    client = mall.test_client()
    page = client.get("/sign-in").text
    assert "buyer.zz01" in page
    assert client.post("/tour/as", data={"csrf_token": token(page), "as": "supervisor.zz"}).status_code in {302, 303}
    assert client.get("/watch/stream").status_code == 200
    assert client.post("/tour/as", data={"csrf_token": token(page), "as": "buyer.ly02"}).status_code == 404
    assert client.post("/tour/as", data={"as": "buyer.zz01"}).status_code == 400


def test_programs_are_told_how_to_begin_and_their_tokens_work(mall):
    result = mall.test_cli_runner().invoke(args=["mall", "demo", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert {person["role"] for person in told["logins"]} == {role.value for role in guide.LOGINS}
    assert told["budget_lines"][0]["free_fen"] > 0
    assert told["product"]["price_fen"] > 0
    buyer = next(person for person in told["logins"] if person["role"] == "buyer")
    answer = mall.test_client().get("/api/v1/orders", headers={"Authorization": f"Bearer {buyer['token']}"})
    assert answer.status_code == 200
    key = mall.test_cli_runner().invoke(args=["mall", "demo", "key", "--json"])
    assert {each["rule"] for each in json.loads(key.stdout)["planted"]} == {"K05", "S02", "S04", "T01", "T02", "T03", "T04", "X02", "X03"}


def test_half_a_province_is_not_opened(mall, training_database: Settings):
    (training_database.folder("") / "training.making").touch()
    result = mall.test_cli_runner().invoke(args=["mall", "demo"])
    assert result.exit_code == 1
    assert "interrupted" in result.output


def test_production_has_no_tour(tmp_path: Path):
    from wsgi import create_app

    settings = Settings(mode="production", data_dir=tmp_path, secret_key="x" * 40, payment_webhook_secrets=("whsec_own",))
    app = create_app(settings)
    assert not [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("training.")]
    assert app.extensions["mall.slots"].fillers["tour"] == []
    result = app.test_cli_runner().invoke(args=["mall", "demo", "advance", "1d"])
    assert result.exit_code == 1
    assert "production" in result.output
