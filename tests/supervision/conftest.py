"""A world that is watched: the application with its journal, its gate, and a worker that can be let run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Timer
from app.kernel.worker import Worker
from app.policy import Actor, OrganisationKind, Role
from catalog.taxonomy import queries as taxonomy
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import Gate, SubmissionRefused
from supervision.alerts import handlers as alerts
from supervision.alerts.rules import gate
from supervision.dashboard import handlers as dashboard
from supervision.disclosure import handlers as disclosure
from supervision.journal import service as journal
from tests import factories
from tests.orders.visits import Shop


class Watched(Shop):
    """The shop with supervisors of the province, the city and another city, and an auditor."""

    def __init__(self, app: Flask, url: str) -> None:
        super().__init__(app, url)
        settings: Settings = app.config["SETTINGS"]
        self.settings = settings
        journal.create_key(settings.journal_key_path, settings.journal_origin)
        self.turn = journal.turns(settings.folder("journal"), settings.journal_key_path)
        with self.session() as session, commit(session):
            self.province = self._bureau(session, "410000", Role.SUPERVISOR)
            self.other = self._bureau(session, factories.OTHER_CITY, Role.SUPERVISOR)
            self.colleague = factories.actor(session, factories.person(session, self.world.finance, Role.SUPERVISOR))
            office = factories.organisation(session, OrganisationKind.AUDIT, region=factories.CITY)
            self.auditor = factories.actor(session, factories.person(session, office, Role.AUDITOR))

    @staticmethod
    def _bureau(session: Session, region: str, role: Role) -> Actor:
        of = factories.organisation(session, OrganisationKind.FINANCE, region=region)
        return factories.actor(session, factories.person(session, of, role))

    @property
    def supervisor(self) -> Actor:
        return self.world.actor(Role.SUPERVISOR)

    def gate(self, session: Session) -> Gate:
        return gate(lambda day: taxonomy.parameters(session, "S02", day))

    def wish(self, quantity: int, *, price_fen: int | None = None) -> Wish:
        listing = self.world.laser
        return Wish(
            listing_id=listing.id,
            quantity=quantity,
            seen_price_fen=listing.price_fen if price_fen is None else price_fen,
            plan_line_id=self.world.lines[0].id,
            address_id=None,
        )

    def refuse(self, quantity: int = 1) -> str:
        """A submission at a price that is no longer so: refused, remembered; its number."""
        buyer, wishes, key = self.world.actor(Role.BUYER), [self.wish(quantity, price_fen=1)], factories.serial("key-")
        with self.session() as session:
            with pytest.raises(SubmissionRefused) as refused, commit(session):
                submission.submit(session, buyer, wishes, key=key, gates=[self.gate(session)])
            with commit(session):
                return submission.record_attempt(session, buyer, refused.value, wishes, key=key)

    def work(self) -> None:
        """Let consumers, sequencer and stream do all that is due."""
        consumers: tuple[Consumer, ...] = (*alerts.consumers(self.settings), *disclosure.consumers(self.settings))
        timers = (*alerts.timers(self.settings), Timer("journal", 1.0, self.turn), *dashboard.timers(self.settings))
        Worker(self.session, consumers, timers).drain()


@pytest.fixture
def watched(database_url: str, tmp_path: Path) -> Iterator[Watched]:
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url))
    mall = Watched(app, database_url)
    yield mall
    mall.engine.dispose()
    with app.app_context():
        db.engine.dispose()
