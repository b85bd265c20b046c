"""Asset cards follow signed acceptance and payment."""

import pytest
from sqlalchemy import select

from app.config import Settings
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, Role
from orders.assets import handlers, queries, rules, service
from orders.assets.rules import Bundle, bundles
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.deliveries import service as deliveries
from orders.payments import service as payments
from orders.payments.wire.answers import Payment, Status
from orders.purchases.states import State
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


@pytest.fixture
def follow(session):
    """Lets the cards catch up with the events."""
    (consumer,) = handlers.consumers(Settings())
    return lambda: steps.run(session, consumer)


def pay(session, world, order) -> None:
    application = steps.apply(session, world, order)
    payment = Payment(
        id="pi_1", status=Status.SUCCEEDED, amount_fen=application.amount_fen, captured_fen=application.amount_fen, refunded_fen=0,
        currency="cny", destination=None, receipt="ch_1", metadata={"application": application.number}, created_at=application.applied_at,
    )
    session.rollback()
    with commit(session):
        assert payments.settle(session, payment)


def store(session, world, card, **changes) -> None:
    session.rollback()
    with commit(session):
        found, order = queries.by_number(session, world.actor(Role.ASSET_MANAGER), card.number)
        service.store(session, world.actor(Role.ASSET_MANAGER), found, order, **{"keeper": "张保管", "place": "301 室", **changes})


def test_accepted_pieces_get_cards_by_serial_number_or_together():
    assert list(bundles(3, ["A", "B", "C"], carded=1)) == [Bundle(1, "B"), Bundle(1, "C")]
    assert list(bundles(3, [], carded=1)) == [Bundle(2, None)]
    assert list(bundles(3, [], carded=3)) == []


def test_signed_acceptance_drafts_cards_for_what_was_accepted_and_no_more(session, world, follow):
    order = steps.delivered(session, world, {world.laser: 5})
    steps.judge(session, world, order, (2, 0), serials="SN1 SN2")
    assert follow() == 1
    steps.judge(session, world, order, (2, 1))
    follow()
    follow()
    cards = queries.cards_of(session, order)
    assert [(card.serial, card.quantity, card.value_fen, card.state) for card in cards] == [
        ("SN1", 1, 1_000_00, CardState.DRAFT),
        ("SN2", 1, 1_000_00, CardState.DRAFT),
        (None, 2, 2_000_00, CardState.DRAFT),
    ]
    assert {(card.class_code, card.unit_id) for card in cards} == {(factories.LASER, world.unit.id)}


def test_supplies_and_cheap_goods_make_no_card(session, world, follow):
    order = steps.accepted(session, world, {world.paper: 10})
    follow()
    assert queries.cards_of(session, order) == []


def test_goods_that_were_only_deemed_accepted_make_no_card(session, world, follow):
    order = steps.delivered(session, world, {world.laser: 2})
    with commit(session):
        deliveries.deem_accepted(session, SYSTEM, steps.fresh(session, order))
    follow()
    assert queries.cards_of(session, order) == []


def test_an_order_without_cards_closes_when_it_is_paid(session, world, follow):
    order = steps.invoiced(session, world, {world.paper: 10})
    pay(session, world, order)
    assert steps.fresh(session, order).state is State.PAID
    follow()
    assert steps.fresh(session, order).state is State.CLOSED
    steps.books_hold(session)


def test_a_stored_card_is_registered_with_value_and_voucher_when_the_order_is_paid(session, world, follow):
    order = steps.invoiced(session, world, {world.laser: 2})
    follow()
    (card,) = queries.cards_of(session, order)
    store(session, world, card)
    session.rollback()
    assert session.get_one(AssetCard, card.id).state is CardState.STORED
    pay(session, world, order)
    follow()
    session.rollback()
    (card,) = queries.cards_of(session, order)
    assert (card.state, card.voucher, card.value_fen, card.keeper) == (CardState.REGISTERED, "ch_1", 2_000_00, "张保管")
    assert steps.fresh(session, order).state is State.CLOSED
    told = session.scalars(select(Event.type).where(Event.stream == card.number).order_by(Event.version)).all()
    assert told == ["asset.drafted", "asset.stored", "asset.registered"]
    steps.books_hold(session)


def test_a_paid_order_waits_for_its_last_card(session, world, follow):
    order = steps.delivered(session, world, {world.laser: 2})
    steps.judge(session, world, order, serials="SN1 SN2")
    steps.invoice(session, world, order)
    pay(session, world, order)
    follow()
    first, second = queries.cards_of(session, order)
    store(session, world, first)
    assert steps.fresh(session, order).state is State.PAID
    store(session, world, second, serial="SN-2B")
    assert steps.fresh(session, order).state is State.CLOSED
    assert [card.serial for card in queries.cards_of(session, order)] == ["SN1", "SN-2B"]


def test_only_the_asset_manager_of_the_unit_completes_a_card_and_once(session, world, follow):
    order = steps.accepted(session, world, {world.laser: 1})
    follow()
    (card,) = queries.cards_of(session, order)
    with commit(session):
        stranger = factories.staff(session, factories.unit(session), [Role.ASSET_MANAGER])[Role.ASSET_MANAGER]
    for actor, refusal in ((stranger, Missing), (world.actor(Role.ORDER_CLERK), Missing)):
        with pytest.raises(refusal):
            queries.by_number(session, actor, card.number)
    session.rollback()
    with pytest.raises(Forbidden), commit(session):
        service.store(session, world.actor(Role.FINANCE), *queries.by_number(session, world.actor(Role.FINANCE), card.number), keeper="甲", place="乙")
    with pytest.raises(rules.KeeperMissing):
        store(session, world, card, keeper=" ")
    store(session, world, card)
    with pytest.raises(rules.NotADraft):
        store(session, world, card)
