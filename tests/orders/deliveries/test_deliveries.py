"""Parcels, receipt, and acceptance line by line, with the money after each step to the fen."""


import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.listings.tables import Listing
from orders.deliveries import handlers, queries, rules, service
from orders.deliveries.rules import Judgement, Piece
from orders.deliveries.states import AcceptanceKind
from orders.deliveries.tables import Acceptance
from orders.purchases import rules as purchase_rules
from orders.purchases.rules import TooLate
from orders.purchases.states import NotNow, State
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def quantities(session, order) -> list[tuple[int, int, int, int, int]]:
    return [(line.quantity, line.shipped, line.delivered, line.accepted, line.returned) for line in steps.lines(session, order)]


def test_goods_go_in_parts_and_never_more_than_was_ordered(session, world):
    order = steps.confirmed(session, world, {world.laser: 5})
    (line,) = steps.lines(session, order)
    clerk = world.actor(Role.ORDER_CLERK)
    refused = (
        ([], rules.NothingToShip),
        ([Piece(line.id, 0)], rules.NothingToShip),
        ([Piece(line.id, 6)], rules.TooManyShipped),
        ([Piece(line.id, -1)], rules.UnknownLine),
        ([Piece(line.id, 1), Piece(line.id, 1)], rules.UnknownLine),
        ([Piece(10**6, 1)], rules.UnknownLine),
    )
    for pieces, refusal in refused:
        with pytest.raises(refusal), commit(session):
            service.ship(session, clerk, steps.fresh(session, order), pieces, carrier="顺丰", tracking="SF1")
    steps.ship(session, world, order, 3)
    with pytest.raises(rules.TooManyShipped) as too_many, commit(session):
        service.ship(session, clerk, steps.fresh(session, order), [Piece(line.id, 3)], carrier="顺丰", tracking="SF2")
    assert (too_many.value.rest, too_many.value.pieces) == (2, 3)
    assert quantities(session, order) == [(5, 3, 0, 0, 0)]
    assert steps.fresh(session, order).state is State.SHIPPED


def test_everything_sent_has_arrived_when_the_last_parcel_has(session, world):
    order = steps.confirmed(session, world, {world.laser: 5})
    first, second = steps.ship(session, world, order, 2), steps.ship(session, world, order, 3)
    steps.receive(session, world, order, second)
    order = steps.fresh(session, order)
    assert order.deliver_by is not None
    assert (order.state, order.due_at) == (State.SHIPPED, order.deliver_by)
    assert quantities(session, order) == [(5, 5, 3, 0, 0)]
    with pytest.raises(rules.AlreadyReceived), commit(session):
        service.receive(session, world.actor(Role.ACCEPTOR), steps.fresh(session, order), second)
    steps.receive(session, world, order, first)
    order = steps.fresh(session, order)
    assert order.state is State.DELIVERED and order.due_at is not None
    assert quantities(session, order) == [(5, 5, 5, 0, 0)]


def test_partial_acceptance_and_return_move_the_money_piece_by_piece(session, world):
    order = steps.delivered(session, world, {world.laser: 5})
    assert steps.funds(session, world) == (95_000_00, 0, 5_000_00, 0, 0)
    steps.judge(session, world, order, (2, 0))
    assert (steps.fresh(session, order).state, steps.funds(session, world)) == (State.DELIVERED, (95_000_00, 0, 3_000_00, 2_000_00, 0))
    steps.judge(session, world, order, (1, 1))
    assert (steps.fresh(session, order).state, steps.funds(session, world)) == (State.DELIVERED, (96_000_00, 0, 1_000_00, 3_000_00, 0))
    steps.books_hold(session)
    steps.judge(session, world, order, (1, 0))
    assert (steps.fresh(session, order).state, steps.funds(session, world)) == (State.ACCEPTED, (96_000_00, 0, 0, 4_000_00, 0))
    assert quantities(session, order) == [(5, 5, 5, 4, 1)]
    session.rollback()
    listing = session.get_one(Listing, world.laser.id)
    assert (listing.stock, listing.sold) == (96, 4)
    assert factories.control(session, world.lines[0].control_id).ordered == 4
    records = queries.acceptances_of(session, order)
    assert [(each.accepted_fen, each.returned_fen) for each in records] == [(2_000_00, 0), (1_000_00, 1_000_00), (1_000_00, 0)]
    steps.books_hold(session)


def test_what_arrived_of_part_of_an_order_is_judged_while_the_rest_is_to_come(session, world):
    order = steps.confirmed(session, world, {world.laser: 5})
    steps.ship(session, world, order, 2)
    steps.receive(session, world, order)
    assert steps.fresh(session, order).state is State.DELIVERED
    steps.judge(session, world, order, (2, 0))
    order = steps.fresh(session, order)
    assert order.deliver_by is not None
    assert (order.state, order.due_at) == (State.SHIPPED, order.deliver_by)
    assert steps.funds(session, world) == (95_000_00, 0, 3_000_00, 2_000_00, 0)
    steps.ship(session, world, order, 3)
    steps.receive(session, world, order)
    steps.judge(session, world, order, (3, 0))
    assert steps.fresh(session, order).state is State.ACCEPTED
    steps.books_hold(session)


def test_sending_everything_back_ends_the_order_and_frees_all(session, world):
    order = steps.delivered(session, world, {world.laser: 3})
    steps.judge(session, world, order, (0, 3))
    assert steps.fresh(session, order).state is State.TERMINATED
    assert steps.funds(session, world) == (100_000_00, 0, 0, 0, 0)
    session.rollback()
    assert session.get_one(Listing, world.laser.id).stock == 100
    steps.books_hold(session)


def test_findings_that_do_not_hold_together_change_nothing(session, world):
    order = steps.delivered(session, world, {world.laser: 3})
    (line,) = steps.lines(session, order)
    refused = (
        (Judgement(line_id=line.id), rules.NothingJudged),
        (Judgement(line_id=line.id, accepted=4), rules.TooManyJudged),
        (Judgement(line_id=line.id, accepted=2, returned=2, reason="坏"), rules.TooManyJudged),
        (Judgement(line_id=line.id, returned=1, reason=" "), rules.ReturnReasonMissing),
        (Judgement(line_id=line.id, accepted=1, safety_ok=False), rules.ItemNotMet),
        (Judgement(line_id=line.id, accepted=2, serials="SN1"), rules.SerialsDiffer),
        (Judgement(line_id=10**6, accepted=1), rules.UnknownLine),
        (Judgement(line_id=line.id, accepted=-1, returned=2, reason="坏"), rules.UnknownLine),
    )
    for judgement, refusal in refused:
        with pytest.raises(refusal), commit(session):
            service.accept(session, world.actor(Role.ACCEPTOR), steps.fresh(session, order), [judgement])
    assert factories.how_many(session, Acceptance) == 0
    assert steps.funds(session, world) == (97_000_00, 0, 3_000_00, 0, 0)


def test_the_buyer_does_not_accept_what_he_ordered_nor_anybody_of_another_unit(session, world):
    order = steps.delivered(session, world, {world.laser: 3})
    (line,) = steps.lines(session, order)
    with commit(session):
        both = factories.person(session, world.unit, Role.BUYER, Role.ACCEPTOR)
        stranger = factories.staff(session, factories.unit(session), [Role.ACCEPTOR])[Role.ACCEPTOR]
        buyer = factories.actor(session, both)
        steps.fresh(session, order).buyer_id = both.id
    for actor, refusal in ((buyer, purchase_rules.SamePerson), (stranger, Missing), (world.actor(Role.FINANCE), Forbidden)):
        with pytest.raises(refusal), commit(session):
            service.accept(session, actor, steps.fresh(session, order), [Judgement(line_id=line.id, accepted=3)])
    assert steps.fresh(session, order).state is State.DELIVERED


def test_goods_nobody_judged_in_time_are_deemed_accepted(session, world, late):
    order = steps.delivered(session, world, {world.laser: 3})
    engine = session.get_bind()
    session.rollback()
    assert handlers.deem_overdue(lambda: Session(engine)) == 0
    late(days=20)
    assert handlers.deem_overdue(lambda: Session(engine)) == 1
    assert handlers.deem_overdue(lambda: Session(engine)) == 0
    order = steps.fresh(session, order)
    assert (order.state, order.acceptor_id) == (State.ACCEPTED, None)
    assert steps.funds(session, world) == (97_000_00, 0, 0, 3_000_00, 0)
    (record,) = queries.acceptances_of(session, order)
    assert (record.acceptance.kind, record.acceptance.actor_id) == (AcceptanceKind.DEEMED, None)
    assert '"kind":"deemed"' in session.scalars(select(Event.body).where(Event.type == "order.accepted")).one()
    assert queries.signed_pieces(session, order) == []
    steps.books_hold(session)


def test_only_the_clock_deems_goods_accepted(session, world):
    order = steps.delivered(session, world, {world.laser: 1})
    with pytest.raises(purchase_rules.SystemOnly), commit(session):
        service.deem_accepted(session, world.actor(Role.ACCEPTOR), steps.fresh(session, order))
    steps.judge(session, world, order)
    with pytest.raises(NotNow), commit(session):
        service.deem_accepted(session, SYSTEM, steps.fresh(session, order))


def test_the_supplier_ships_only_his_own_orders(session, world):
    order = steps.confirmed(session, world, {world.laser: 1})
    (line,) = steps.lines(session, order)
    with commit(session):
        other = factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.ORDER_CLERK])[Role.ORDER_CLERK]
    with pytest.raises(Missing), commit(session):
        service.ship(session, other, steps.fresh(session, order), [Piece(line.id, 1)], carrier="顺丰", tracking="SF1")
    assert quantities(session, order) == [(1, 0, 0, 0, 0)]


def test_an_acceptance_sent_twice_is_one_acceptance(session, world):
    order = steps.confirmed(session, world, {world.laser: 10})
    steps.ship(session, world, order, 10)
    steps.receive(session, world, order)
    order = steps.fresh(session, order)
    line, seen = steps.lines(session, order)[0], order.version
    half = [Judgement(line_id=line.id, accepted=5)]
    with commit(session):
        service.accept(session, world.actor(Role.ACCEPTOR), order, half, seen=seen)
    before = steps.funds(session, world)
    with pytest.raises(TooLate), commit(session):
        service.accept(session, world.actor(Role.ACCEPTOR), steps.fresh(session, order), half, seen=seen)
    assert quantities(session, order) == [(10, 10, 10, 5, 0)]
    assert steps.funds(session, world) == before


def test_a_unit_that_never_signs_cannot_keep_the_clock_from_starting(session, world):
    order = steps.confirmed(session, world, {world.laser: 2})
    parcel = steps.ship(session, world, order, 2)
    with commit(session):
        service.receive(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), parcel)
    order = steps.fresh(session, order)
    assert order.state is State.DELIVERED
    assert order.due_at is not None
    said = session.scalars(select(Event.body).where(Event.stream == order.number, Event.type == "order.delivered")).one()
    assert json.loads(said)["details"]["said_by"] == "supplier"



def test_a_parcel_sent_twice_is_one_parcel(session, world):
    order = steps.confirmed(session, world, {world.laser: 10})
    order = steps.fresh(session, order)
    piece, seen = [Piece(steps.lines(session, order)[0].id, 5)], order.version
    clerk = world.actor(Role.ORDER_CLERK)
    with commit(session):
        service.ship(session, clerk, order, piece, carrier="顺丰", tracking="SF1", seen=seen)
    with pytest.raises(TooLate), commit(session):
        service.ship(session, clerk, steps.fresh(session, order), piece, carrier="顺丰", tracking="SF1", seen=seen)
    assert quantities(session, order) == [(10, 5, 0, 0, 0)]
