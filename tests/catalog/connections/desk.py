"""A supplier of a small world whose own shop the mall calls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Role
from catalog.connections import handlers, service
from catalog.connections.handlers import Line
from catalog.connections.states import Job
from catalog.connections.tables import ConnectedGood, Connection
from catalog.listings.tables import Listing
from catalog.products import service as products
from catalog.products.rules import FactInput
from catalog.products.service import Definition
from catalog.products.states import FactKind
from tests.factories import World
from tests.supplier_shop import Shop

DOOR, SEAL = Door(loopback=True, longest_s=2), Seal("k" * 40)
LINE = Line(DOOR, SEAL, wait_s=0.001)


@dataclass
class Desk:
    """The session of a test, its world and its shop."""

    session: Session
    world: World
    shop: Shop

    @property
    def sessions(self) -> Callable[[], Session]:
        engine = self.session.get_bind()
        return lambda: Session(engine, expire_on_commit=False)

    def connect(self, *regions: str, secret: str | None = None) -> None:
        """The supplier's administrator says how its shop is reached."""
        self.session.rollback()
        with commit(self.session):
            service.connect(
                self.session, self.world.actor(Role.SUPPLIER_ADMIN), DOOR, SEAL, base_url=self.shop.url, client_id=self.shop.client_id,
                secret=self.shop.secret if secret is None else secret, regions=regions,
            )  # fmt: skip

    def certify(self, *skus: str) -> None:
        """These goods of the shop, or all, are defined in the mall with an energy certificate, without which the gate lets no printer on the shelf."""
        self.session.rollback()
        proof = FactInput(kind=FactKind.ENERGY, number="CQC26-1", issuer="中国质量认证中心", valid_to=clock.today() + timedelta(days=365))
        with commit(self.session):
            for each in (self.shop.items[sku] for sku in skus or self.shop.items):
                what: dict[str, Any] = {"category_code": each.category, "brand": each.brand, "model": each.model, "title": each.name, "unit": each.unit}
                products.find_or_define(self.session, self.world.actor(Role.LISTER), Definition(**what, facts=[proof]))

    def follow(self, job: Job) -> int:
        """The clock's job, now."""
        self.session.rollback()
        with commit(self.session):
            service.hurry(self.session, self.world.supplier.organisation_id, job)
        return handlers.follow(self.sessions, LINE, job)

    def listing(self, sku: str) -> Listing:
        """The listing with this number, as the database holds it now."""
        self.session.rollback()
        query = select(Listing).where(Listing.sku == sku, Listing.supplier_id == self.world.supplier.organisation_id)
        return self.session.scalars(query.execution_options(populate_existing=True)).one()

    def good(self, sku: str) -> ConnectedGood:
        self.session.rollback()
        return self.session.scalars(select(ConnectedGood).where(ConnectedGood.sku == sku).execution_options(populate_existing=True)).one()

    def connection(self) -> Connection:
        self.session.rollback()
        return self.session.get_one(Connection, self.world.supplier.organisation_id, populate_existing=True)
