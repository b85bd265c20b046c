"""Three units with suppliers and orders at every stage: one's own, one of the same city, one of another; and people of every role."""

import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.accounts.people import service as people
from app.accounts.people.tables import ApiToken
from app.accounts.sessions import service as sessions
from app.accounts.sessions.tables import SignInSession
from app.bulk.entity import REGISTRY
from app.bulk.states import JobState
from app.bulk.tables import BulkJob, BulkPiece
from app.config import Settings
from app.kernel import clock, outbox
from app.kernel.db import Base, commit, make_engine
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import ROLES_OF, SYSTEM, Actor, OrganisationKind, Permission, Role
from catalog.brands import service as brands
from catalog.connections import service as connections
from catalog.connections.tables import ConnectedGood
from catalog.listings import service as listings
from catalog.listings.tables import ListingReview
from catalog.products import service as products
from catalog.products.rules import FactInput
from catalog.products.states import FactKind, Origin
from catalog.questions import service as questions
from catalog.reports import service as reports
from catalog.reports.states import ReportKind
from catalog.search.port import SearchRequest
from catalog.vocabulary import service as vocabulary
from catalog.vocabulary.tables import Miss
from orders.assets.tables import AssetCard
from orders.carts import service as carts
from orders.comparisons import service as comparisons
from orders.comparisons.queries import as_cited
from orders.contracts.tables import Contract
from orders.deliveries.tables import Acceptance
from orders.dispatch.states import DispatchState
from orders.dispatch.tables import Dispatch
from orders.favourites import service as favourites
from orders.favourites.tables import Favourite
from orders.payments.tables import PaymentApplication
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import SubmissionRefused
from orders.purchases.tables import Attempt, Order, Submission
from orders.reorders import service as reorders
from orders.webhooks import service as webhooks
from orders.webhooks.rules import Outcome
from orders.webhooks.tables import WebhookDelivery
from supervision.alerts import service as alerts
from supervision.alerts.rules import Finding
from supervision.alerts.tables import Alert
from supervision.disclosure.tables import Notice
from supervision.journal import service as log
from supervision.prices.tables import IndexPoint
from supervision.training.trials import TrickTried
from tests import databases, factories
from tests.catalog import suppliers_at_the_door as suppliers
from tests.databases import once
from tests.factories import World
from tests.orders import steps
from tests.peers import SHARED

OWN, SIBLING, OTHER, MISSING = "own", "sibling unit", "other city", "missing"
REGIONS = {OWN: factories.CITY, SIBLING: factories.CITY, OTHER: factories.OTHER_CITY}
KIND_OF = {role: kind for kind, roles in ROLES_OF.items() for role in roles}
STAGES = ("submitted", "approved", "confirmed", "delivered", "accepted", "invoiced")
PASSED_OVER = {SignInSession.__tablename__, ApiToken.__tablename__}
"""Tables that every visit touches by itself."""


@dataclass
class Place:
    """What one world offers to the routes: keys by the name of what an address asks for."""

    world: World
    keys: dict[str, Any] = field(default_factory=dict)


TRIAL = "SW261124-000000-0"
"""The number of a trick that was tried."""


@dataclass
class Inhabitants:
    """What a test knows about the land: the worlds with their keys, the people, and what each of them has opened or brought in."""

    places: dict[str, Place] = field(default_factory=dict)
    people: dict[Role, Actor] = field(default_factory=dict)
    opened: dict[tuple[Role | str, str], int] = field(default_factory=dict)
    imports: dict[tuple[Role | str, str], str] = field(default_factory=dict)
    tile: str = ""
    serial: int = 0
    """How far the names of the factories went."""


class Land:
    """The application, three worlds, and a way in for every role of the first."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app, self.engine = app, make_engine(url)
        self.known = Inhabitants()

    @property
    def places(self) -> dict[str, Place]:
        return self.known.places

    @property
    def people(self) -> dict[Role, Actor]:
        return self.known.people

    @property
    def opened(self) -> dict[tuple[Role | str, str], int]:
        return self.known.opened

    @property
    def imports(self) -> dict[tuple[Role | str, str], str]:
        return self.known.imports

    @property
    def tile(self) -> str:
        return self.known.tile

    def settle(self) -> None:
        """Let everybody come, and do what there is to do at every stage."""
        settings: Settings = self.app.config["SETTINGS"]
        log.create_key(settings.journal_key_path, settings.journal_origin)
        for relation, region in REGIONS.items():
            with self.session() as session:
                with commit(session):
                    world = factories.world(session, region=region)
                self.places[relation] = Place(world, self._busy(session, world))
        self.people.update(self._people())
        for who, actor in self._holders().items():
            self.opened.update({(who, kind): self._opened(actor, kind) for kind in ("session", "token")})
            self.imports.update({(who, kind): self._imported(actor, kind) for kind in ("import", "entity")})
        self._tried()
        self.app.extensions["mall.worker"]().drain()
        self.known.tile = next(
            str(path.relative_to(settings.folder("journal") / "tile")) for path in settings.folder("journal").glob("tile/0/*.p/*")
        )
        for place in self.places.values():
            with self.session() as session:
                place.keys |= self._made_by_the_worker(session, place.keys["order"])

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    # ------------------------------------------------------------ what there is

    def _tried(self) -> None:
        """A trick of the training province that somebody tried."""
        empty: dict[str, Any] = {"facts": {}, "verdicts": (), "before": {}, "after": {}, "attempt": None}
        told = TrickTried(trick="no-plan", result="unplayed", code=None, message="", way_out="", basis="", name="陈知远", **empty)
        with self.session() as session, commit(session):
            outbox.record(session, SYSTEM, told, stream=TRIAL, version=1)

    def _busy(self, session: Session, world: World) -> dict[str, Any]:
        """Orders at every stage, and one thing of every other kind."""
        pieces = {world.laser: 1}
        orders = {stage: getattr(steps, stage)(session, world, pieces).number for stage in STAGES}
        sent = steps.confirmed(session, world, pieces)
        steps.ship(session, world, sent)
        paying = steps.invoiced(session, world, pieces)
        application = steps.apply(session, world, paying)
        buyer, unit_id = world.actor(Role.BUYER), world.unit.id
        comparison = self._cited(session, world)
        wish = Wish(listing_id=world.laser.id, quantity=99, seen_price_fen=1_000_00, plan_line_id=world.lines[0].id, address_id=None)
        session.rollback()
        try:
            with commit(session):
                submission.submit(session, buyer, [wish], key=factories.serial("refused-"))
        except SubmissionRefused as refused:
            with commit(session):
                submission.record_attempt(session, buyer, refused, [wish], key=factories.serial("refused-"))
        with commit(session):
            found = Finding(
                rule="T01", key=paying.number, region=world.unit.region, unit_id=unit_id, order=paying.number, inputs={}, parameters={}
            )
            raised = alerts.raise_alert(session, found)
            item = carts.add(session, buyer, world.laser.id, 1)
            again = reorders.create(session, buyer, "常购")
            reorders.put(session, buyer, again.id, [(world.laser.id, 1)])
            seller = session.get_one(Organisation, world.supplier.organisation_id)
            spare = {
                kind: factories.person(session, of).id
                for kind, of in ((OrganisationKind.UNIT, world.unit), (OrganisationKind.SUPPLIER, seller))
            }
            self._connected(session, world, sent.number)
            told = {role: self._told(session, world.actor(role)) for role in (Role.SUPPLIER_ADMIN, Role.UNIT_ADMIN)}
            assert raised is not None
            brand_id = next(iter(brands.named(session, SYSTEM, [factories.serial("牌")]).values())).id
            (proof,) = products.record_facts(session, world.actor(Role.LISTER), world.laser.product_id, [FactInput(kind=FactKind.ENERGY)])
            folder = self.app.config["SETTINGS"].folder("uploads")
            paper = suppliers.renewed(session, world.actor(Role.SUPPLIER_ADMIN), folder).id
            entry = suppliers.submitted(session, folder, region=world.unit.region).number
            alert, item_id, list_id = raised.number, item.id, again.id
            kept = self._kept(session, buyer, world)
            asked = f"量子传真{unit_id}"
            vocabulary.note(session, asked, clock.today(), "mark")
            miss_id = session.scalars(select(Miss.id).where(Miss.question == asked)).one()
            synonym_id = vocabulary.add_synonym(session, SYSTEM, [asked, "传真"]).id
            review = self._review(session, world)
            talk = self._talk(session, world)
            month = date(2020, 1, 1)
            session.merge(IndexPoint(category_code=factories.LASER, month=month, index_bp=10_000, matched=0, products=3, lines=3, at=clock.now()))
        return {
            **{f"order {stage}": number for stage, number in orders.items()},
            "order shipped": sent.number,
            "order": paying.number,
            "comparison": comparison,
            "submission": session.scalars(select(Submission.number).where(Submission.id == paying.submission_id)).one(),
            "attempt": session.scalars(select(Attempt.number).where(Attempt.unit_id == unit_id)).one(),
            "application": application.number,
            "alert": alert,
            "item": item_id,
            "paper": paper,
            "entry": entry,
            "reorder list": list_id,
            **kept,
            "person unit": spare[OrganisationKind.UNIT],
            "person supplier": spare[OrganisationKind.SUPPLIER],
            "address": session.scalars(select(Address.id).where(Address.organisation_id == unit_id)).one(),
            "title": session.scalars(select(InvoiceTitle.id).where(InvoiceTitle.organisation_id == unit_id)).one(),
            "listing": world.laser.id,
            "any listing": world.paper.id,
            "live listing": world.laser.id,
            **talk,
            "review": review,
            "product": world.laser.product_id,
            "brand": brand_id,
            "category": factories.LASER,
            "proof": proof,
            "index": factories.LASER,
            "supplier": world.supplier.organisation_id,
            **{f"{name} {role}": key for role, keys in told.items() for name, key in keys.items()},
            "plan": world.plan.number,
            "miss": miss_id,
            "synonym": synonym_id,
            "allotment": world.allotment.number,
        }

    def _connected(self, session: Session, world: World, number: str) -> None:
        """The supplier's own shop with one of its goods, switched off so that nothing leaves, and an order that it once refused."""
        settings: Settings = self.app.config["SETTINGS"]
        admin, seller = world.actor(Role.SUPPLIER_ADMIN), world.supplier.organisation_id
        connections.connect(
            session, admin, Door(), Seal(settings.secret_key), base_url="https://shop.example/api", client_id="mall", secret="secret", regions=()
        )
        connections.switch(session, admin, on=False)
        session.add(ConnectedGood(supplier_id=seller, sku="C-1", title="打印机", images="[]", trouble="listing.duplicate", seen_at=clock.now()))
        order = session.scalars(select(Order).where(Order.number == number)).one()
        session.add(
            Dispatch(
                order_id=order.id, trade_no=order.number, supplier_id=seller, state=DispatchState.REFUSED, shop_order="SO1", note="现价 1 元",
                first_sent_at=clock.now(), next_at=clock.now(),
            )
        )  # fmt: skip

    def _kept(self, session: Session, buyer: Actor, world: World) -> dict[str, int]:
        """A star, something awaited and a saved search of the buyer's."""
        favourites.star(session, buyer, world.laser.product_id)
        awaited = favourites.wait_for(session, buyer, world.laser.product_id, 1_00)
        engine = self.app.extensions["mall.search"]
        engine.rebuild(())
        search = favourites.save_search(session, buyer, engine, words="纸", question="q=纸", request=SearchRequest(q="纸"))
        star = session.scalars(select(Favourite.id).where(Favourite.person_id == buyer.person_id)).one()
        return {"star": star, "awaited": awaited.id, "saved search": search.id}

    def _told(self, session: Session, admin: Actor) -> dict[str, int]:
        """An endpoint with a notice of an order and one of a test, switched off so that nothing leaves."""
        settings: Settings = self.app.config["SETTINGS"]
        endpoint, _ = webhooks.add(session, admin, Door(), Seal(settings.secret_key), url="https://hooks.example/mall", types=["order.approved"])
        approved = select(outbox.Event).where(outbox.Event.type == "order.approved").order_by(outbox.Event.id.desc()).limit(1)
        event = session.scalars(approved).one()
        endpoint.created_at = event.at
        webhooks.write(session, [event], settings.address)
        notice = session.scalars(select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)).one()
        webhooks.test(session, admin, endpoint, settings.address)
        webhooks.settle(session, notice.id, Outcome(500, None, 5, "POST https://hooks.example/mall", "500"))
        webhooks.switch(session, admin, endpoint, on=False)
        return {"endpoint": endpoint.id, "notice sent": notice.id}

    def _cited(self, session: Session, world: World) -> str:
        """A frozen comparison that an order cites."""
        buyer = world.actor(Role.BUYER)
        wish = Wish(listing_id=world.laser.id, quantity=1, seen_price_fen=1_000_00, plan_line_id=world.lines[0].id, address_id=None)
        session.rollback()
        with commit(session):
            sheet = comparisons.freeze_offers(session, buyer, [world.laser.id, world.paper.id])
            submission.submit(session, buyer, [wish], key=factories.serial("citing-"), cited=as_cited(sheet))
            return sheet.number

    def _review(self, session: Session, world: World) -> int:
        """An offer of an imported product, which waits for the keeper."""
        product = factories.product(session, origin=Origin.IMPORTED)
        facts = {"product_id": product.id, "sku": factories.serial("K"), "title": product.title, "price_fen": 1_000_00, "stock": 1}
        made = listings.create(session, world.actor(Role.LISTER), listings.NewListing(**facts))  # type: ignore[arg-type]
        return session.scalars(select(ListingReview.id).where(ListingReview.listing_id == made.id)).one()

    def _talk(self, session: Session, world: World) -> dict[str, Any]:
        """A question about an offer, and a report of it."""
        buyer = world.actor(Role.BUYER)
        asked = questions.ask(session, buyer, world.laser.id, words="是否包含硒鼓？")
        made = reports.report(session, buyer, world.laser.id, kind=ReportKind.PRICE, words="高于官网")
        return {"question": asked.id, "any question": asked.id, "report": made.id}

    def _made_by_the_worker(self, session: Session, number: str) -> dict[str, Any]:
        order_id = select(Order.id).where(Order.number == number).scalar_subquery()
        contract = session.scalars(select(Contract).where(Contract.order_id == order_id)).one()
        return {
            "contract": contract.number,
            "acceptance": session.scalars(select(Acceptance.number).where(Acceptance.order_id == order_id)).one(),
            "card": session.scalars(select(AssetCard.number).where(AssetCard.order_id == order_id)).one(),
            "notice": session.scalars(select(Notice.number).where(Notice.contract_number == contract.number)).first(),
            "application": session.scalars(select(PaymentApplication.number).where(PaymentApplication.order_id == order_id)).one(),
            "alert": session.scalars(select(Alert.number).where(Alert.order_number == number)).first(),
        }

    def _people(self) -> dict[Role, Actor]:
        """One person of every role, all on the side of the first world."""
        own = self.places[OWN].world
        made = dict(own.people)
        with self.session() as session, commit(session):
            houses = {OrganisationKind.FINANCE: session.get_one(Organisation, made[Role.SUPERVISOR].organisation_id)}
            for role in Role:
                kind = KIND_OF[role]
                if role not in made:
                    if kind not in houses:
                        houses[kind] = factories.organisation(session, kind, region=factories.CITY)
                    made[role] = factories.actor(session, factories.person(session, houses[kind], role))
        return made

    # ------------------------------------------------------------ going in

    def visitor(self, role: Role | None, *, program: bool) -> FlaskClient:
        """A browser or a program of somebody, freshly let in; of nobody when no role is given."""
        client = self.app.test_client()
        if role is None:
            return client
        actor = self.people[role]
        assert actor.person_id
        with self.session() as session, commit(session):
            if program:
                _, secret = people.issue_token(session, actor, name="test", scopes=actor.granted, ttl=timedelta(minutes=10))
                client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
            else:
                client.set_cookie("mall_session", sessions.open_for(session, actor.person_id))
        return client

    def _holders(self) -> dict[Role | str, Actor]:
        """Everybody of the first world by role, and the buyers of the others by relation."""
        holders: dict[Role | str, Actor] = dict(self.people.items())
        for relation, place in self.places.items():
            holders[relation] = place.world.actor(Role.BUYER)
        return holders

    def _opened(self, who: Actor, kind: str) -> int:
        """Another open session or token of somebody."""
        assert who.person_id
        with self.session() as session, commit(session):
            if kind == "token":
                return people.issue_token(session, who, name="test", scopes=(Permission.ACCOUNT_USE,), ttl=timedelta(days=1))[0].id
            sessions.open_for(session, who.person_id)
            return session.scalars(select(func.max(SignInSession.id)).where(SignInSession.person_id == who.person_id)).one() or 0

    def _imported(self, who: Actor, kind: str) -> str:
        """Something the person may import, else export; and an import of it that his organisation has made, with a row that failed."""
        entities = REGISTRY.open_to(who)
        entity = next((each for each in entities if who.may(each.imports)), entities[0] if entities else next(iter(REGISTRY.entities.values())))
        if kind == "entity":
            return entity.name
        with self.session() as session, commit(session):
            job = BulkJob(
                token=factories.serial("import-"), entity=entity.name, organisation_id=who.organisation_id, person_id=who.person_id, region=who.region,
                file_name="a.csv", file_size=4, format="csv", digest="", head_line=1, headings='["a"]', samples='[["b"]]', mapping="{}",
                state=JobState.DONE, version=5, rows=1, failed=1, created_at=clock.now(),
            )  # fmt: skip
            session.add(job)
            session.flush()
            session.add(BulkPiece(job_id=job.id, number=0, data=b"a\nb\n"))
            return job.token

    def counts(self) -> dict[str, int]:
        """Rows of every table that a visit does not touch by itself."""
        with self.engine.connect() as connection:
            tables = [table for table in Base.metadata.sorted_tables if table.name not in PASSED_OVER]
            return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


@contextmanager
def land(folder: Path) -> Iterator[Land]:
    """A copy of the land in this folder; forms need no token of their page here, for only the policy is looked at."""
    template = Path(once("land-template", _make))
    shutil.copytree(template, folder)
    with _inhabited(folder) as made:
        made.known = pickle.loads((folder / INHABITANTS).read_bytes())
        factories.go_on_from(made.known.serial)
        yield made


INHABITANTS = "inhabitants.pickle"


def _make() -> str:
    """Settle the land once for the whole run."""
    folder = Path(os.environ[SHARED]) / "land"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    databases.fresh_sqlite(folder)
    with _inhabited(folder) as made:
        made.settle()
        made.known.serial = int(factories.serial(""))
        (folder / INHABITANTS).write_bytes(pickle.dumps(made.known))
        with made.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return str(folder)


@contextmanager
def _inhabited(folder: Path) -> Iterator[Land]:
    from app.web.extensions import db
    from wsgi import create_app

    url = f"sqlite:///{folder / 'mall.sqlite'}"
    app = create_app(Settings(data_dir=folder, database_url=url, base_url="http://127.0.0.1:9"))
    app.config["WTF_CSRF_ENABLED"] = False
    made = Land(app, url)
    yield made
    app.extensions["mall.search"].close()
    made.engine.dispose()
    with app.app_context():
        db.engine.dispose()
