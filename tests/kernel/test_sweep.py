"""A sweep goes through all its rows, whatever one of them does."""

import logging

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.kernel import sweep
from app.kernel.errors import Conflict
from app.kernel.outbox import ConsumerFloor


class Faster(Conflict):
    """Somebody was faster."""

    code = "test.faster"
    message = "faster"


def test_one_row_in_trouble_keeps_no_other_waiting(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def work(session: Session, key: str) -> bool:
        session.add(ConsumerFloor(consumer=key, event_id=1))
        session.flush()
        if key == "broken":
            raise ZeroDivisionError
        if key == "late":
            raise Faster
        return key != "idle"

    with caplog.at_level(logging.INFO, logger="mall.sweep"):
        done = sweep.each(lambda: Session(engine), ["broken", "late", "idle", "good"], work, name="test", meanwhile=(Faster,))
    assert done == 1
    assert [(record.levelname, record.__dict__["key"]) for record in caplog.records] == [("ERROR", "broken"), ("INFO", "late")]
    with Session(engine) as session:
        assert set(session.scalars(select(ConsumerFloor.consumer))) == {"idle", "good"}
