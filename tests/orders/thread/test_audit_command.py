"""`mall audit` says of every invariant whether it holds, for people and for programs."""

import json

from sqlalchemy import update

from app.kernel.db import commit
from orders.budgets.rules import INVARIANTS
from orders.purchases.states import State
from orders.purchases.tables import Order
from orders.thread.cli import audit_command
from tests.orders import steps


def test_books_in_order_are_accepted(shop):
    with shop.session() as session:
        steps.accepted(session, shop.world, {shop.world.laser: 1})
    run = shop.app.test_cli_runner()
    answer = run.invoke(audit_command, ["--json"])
    report = json.loads(answer.output)
    assert (answer.exit_code, report["accepted"], report["findings"]) == (0, True, [])
    assert [(one["number"], one["name"], one["findings"]) for one in report["invariants"]] == [(number, name, 0) for number, name in INVARIANTS.items()]
    told = run.invoke(audit_command)
    assert (told.exit_code, "accepted" in told.output, INVARIANTS[12] in told.output) == (0, True, True)


def test_a_state_changed_by_hand_is_told_with_its_place(shop):
    with shop.session() as session:
        number = steps.confirmed(session, shop.world, {shop.world.laser: 1}).number
        with commit(session):
            session.execute(update(Order).where(Order.number == number).values(state=State.SHIPPED))
    run = shop.app.test_cli_runner()
    answer = run.invoke(audit_command, ["--json"])
    assert answer.exit_code == 1
    assert json.loads(answer.output)["findings"] == [{"invariant": 6, "subject": number, "expected": "state confirmed", "found": "state shipped"}]
    told = run.invoke(audit_command)
    assert (told.exit_code, number in told.output, "not accepted" in told.output) == (1, True, True)
