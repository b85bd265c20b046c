"""Confirming, refusing, and ending a contract by both signatures."""

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.listings.tables import Listing
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from orders.contracts import documents, handlers, queries, rules, service
from orders.contracts.tables import Contract, ContractDocument, Termination
from orders.purchases.states import NotNow, State
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def test_confirming_makes_contract_filing_text_and_digest_at_once_and_commits_the_money(session, world):
    order = steps.approved(session, world, {world.laser: 5})
    assert steps.funds(session, world) == (95_000_00, 5_000_00, 0, 0, 0)
    order = steps.confirmed(session, world, {world.laser: 3})
    assert steps.funds(session, world) == (92_000_00, 5_000_00, 3_000_00, 0, 0)
    contract = queries.of_order(session, order)
    assert order.state is State.CONFIRMED and order.due_at is not None
    assert (contract.amount_fen, contract.payment_days, contract.is_sme) == (3_000_00, 30, True)
    assert contract.sha256 == hashlib.sha256(contract.text.encode()).hexdigest()
    for words in (contract.number, contract.filing_number, order.number, "叁仟元整", "属于中小企业", "¥3,000.00", "30 日内", world.unit.credit_code):
        assert words in contract.text
    last = session.scalars(select(Event).where(Event.stream == order.number, Event.version == order.version)).one()
    assert last.type == "order.confirmed" and contract.sha256 in last.body
    steps.books_hold(session)


def test_a_large_supplier_is_paid_in_the_malls_own_time(session, world):
    with commit(session):
        session.execute(update(Supplier).values(scale="large"))
    order = steps.confirmed(session, world, {world.laser: 1})
    contract = queries.of_order(session, order)
    assert (contract.payment_days, contract.is_sme) == (45, False)
    assert "不属于中小企业" in contract.text and "收到发票之日起 45 日内" in contract.text


def test_a_second_confirmation_changes_nothing(session, world):
    order = steps.confirmed(session, world, {world.laser: 2})
    with pytest.raises(NotNow), commit(session):
        service.confirm(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    assert factories.how_many(session, Contract) == 1
    assert steps.funds(session, world) == (98_000_00, 0, 2_000_00, 0, 0)


def test_only_the_order_clerk_of_its_supplier_confirms(session, world):
    order = steps.approved(session, world, {world.laser: 2})
    with commit(session):
        other = factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.ORDER_CLERK])[Role.ORDER_CLERK]
    for actor, refusal in ((other, Missing), (world.actor(Role.LISTER), Forbidden), (world.actor(Role.APPROVER), Missing)):
        with pytest.raises(refusal), commit(session):
            service.confirm(session, actor, steps.fresh(session, order))
    assert steps.fresh(session, order).state is State.PLACED
    assert steps.funds(session, world) == (98_000_00, 2_000_00, 0, 0, 0)


def test_a_suspended_supplier_concludes_no_contract(session, world):
    order = steps.approved(session, world, {world.laser: 2})
    with commit(session):
        session.execute(update(Supplier).values(standing=Standing.SUSPENDED))
    with pytest.raises(rules.SupplierMayNotTrade), commit(session):
        service.confirm(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    assert factories.how_many(session, Contract) == 0


def test_refusing_gives_money_pieces_and_stock_back_and_keeps_the_code(session, world):
    order = steps.approved(session, world, {world.laser: 2})
    assert session.get_one(Listing, world.laser.id).stock == 98
    for code, note, refusal in (("whim", "", rules.UnknownRefusalCode), ("other", " ", rules.ReasonMissing)):
        with pytest.raises(refusal), commit(session):
            service.refuse(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), code, note)
    with commit(session):
        service.refuse(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "out_of_stock")
    session.rollback()
    assert steps.fresh(session, order).state is State.REFUSED
    assert steps.funds(session, world) == (100_000_00, 0, 0, 0, 0)
    assert session.get_one(Listing, world.laser.id).stock == 100
    assert '"code":"out_of_stock"' in session.scalars(select(Event.body).where(Event.type == "order.refused")).one()
    steps.books_hold(session)


def test_ending_a_contract_before_dispatch_takes_both_signatures(session, world):
    order = steps.confirmed(session, world, {world.laser: 4})
    buyer, clerk = world.actor(Role.BUYER), world.actor(Role.ORDER_CLERK)
    with commit(session):
        service.propose_termination(session, buyer, steps.fresh(session, order), "需求取消")
    with pytest.raises(rules.OtherSideSigns), commit(session):
        service.agree_termination(session, buyer, steps.fresh(session, order))
    with pytest.raises(rules.AlreadyProposed), commit(session):
        service.propose_termination(session, clerk, steps.fresh(session, order), "停产")
    assert steps.funds(session, world) == (96_000_00, 0, 4_000_00, 0, 0)
    with commit(session):
        service.agree_termination(session, clerk, steps.fresh(session, order))
    order = steps.fresh(session, order)
    assert order.state is State.TERMINATED
    assert steps.funds(session, world) == (100_000_00, 0, 0, 0, 0)
    session.rollback()
    assert session.get_one(Listing, world.laser.id).stock == 100
    steps.books_hold(session)


def test_a_proposal_can_be_declined_and_made_again(session, world):
    order = steps.confirmed(session, world, {world.laser: 1})
    with commit(session):
        service.propose_termination(session, world.actor(Role.BUYER), steps.fresh(session, order), "需求取消")
    with commit(session):
        service.drop_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    assert factories.how_many(session, Termination) == 0
    with pytest.raises(rules.NothingProposed), commit(session):
        service.agree_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    with commit(session):
        service.propose_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "停产")
    spoken = session.scalars(select(Event.type).where(Event.type.startswith("contract.")).order_by(Event.id)).all()
    assert spoken == ["contract.termination_proposed", "contract.termination_dropped", "contract.termination_proposed"]


@pytest.mark.only_postgresql
def test_a_proposal_signed_meanwhile_can_no_longer_be_dropped(session, world):
    order = steps.confirmed(session, world, {world.laser: 1})
    with commit(session):
        service.propose_termination(session, world.actor(Role.BUYER), steps.fresh(session, order), "需求取消")
    with pytest.raises(rules.NothingProposed), commit(session):
        mine = steps.fresh(session, order)
        seen = queries.termination_of(session, queries.of_order(session, mine))
        assert seen.agreed_at is None
        with Session(session.get_bind()) as other, commit(other):
            service.agree_termination(other, world.actor(Role.ORDER_CLERK), steps.fresh(other, order))
        service.drop_termination(session, world.actor(Role.BUYER), mine)
    assert factories.how_many(session, Termination) == 1


def test_what_was_not_sent_can_be_ended_once_what_was_sent_is_judged(session, world):
    order = steps.confirmed(session, world, {world.laser: 5})
    steps.ship(session, world, order, 3)
    with pytest.raises(rules.GoodsUnderWay), commit(session):
        service.propose_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "停产")
    steps.receive(session, world, order)
    steps.judge(session, world, order, (2, 1))
    assert steps.fresh(session, order).state is State.SHIPPED
    assert steps.funds(session, world) == (96_000_00, 0, 2_000_00, 2_000_00, 0)
    with commit(session):
        service.propose_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "停产")
    with commit(session):
        service.agree_termination(session, world.actor(Role.BUYER), steps.fresh(session, order))
    order = steps.fresh(session, order)
    assert (order.state, order.total_fen) == (State.ACCEPTED, 3_000_00)
    assert steps.funds(session, world) == (98_000_00, 0, 0, 2_000_00, 0)
    steps.books_hold(session)


def test_the_document_has_the_same_bytes_every_time_and_is_noted_once(session, world, tmp_path: Path):
    order = steps.confirmed(session, world, {world.laser: 2})
    settings = Settings(data_dir=tmp_path)
    (consumer,) = handlers.consumers(settings)
    assert steps.run(session, consumer) == 1 and steps.run(session, consumer) == 0
    document = session.scalars(select(ContractDocument)).one()
    contract = queries.of_order(session, order)
    assert contract
    file = documents.file_of(contract, settings)
    content = file.read_bytes()
    assert content.startswith(b"%PDF-") and hashlib.sha256(content).hexdigest() == document.sha256
    assert documents.pdf_of(contract, address=settings.address, demo=False) != content
    file.unlink()
    assert documents.file_of(contract, settings).read_bytes() == content, "a lost file is made again with the same digest"
    assert [each.name for each in file.parent.iterdir()] == [file.name]
