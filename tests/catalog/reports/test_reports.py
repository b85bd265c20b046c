"""Anyone signed in reports an offer, the keeper answers, the reporter reads the answer, the supplier never learns who it was."""

import json
from html import unescape

import pytest
from sqlalchemy import select

from app.accounts.people.tables import Person
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.listings.states import Shelf
from catalog.questions import service as questions
from catalog.reports import queries, service
from catalog.reports.rules import AlreadyReported, ReportClosed, ReportWordsMissing, TooManyReports
from catalog.reports.states import ReportKind, ReportState
from catalog.reports.tables import Report
from tests import factories
from tests.app.accounts.conftest import KEPT


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


@pytest.fixture
def keeper(session, world):
    with commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        return factories.actor(session, factories.person(session, agency, Role.CATALOGUE_ADMIN))


def reported(session, world, role=Role.BUYER, **more):
    with commit(session):
        facts = {"kind": ReportKind.PRICE, "words": "高于官网"} | more
        return service.report(session, world.actor(role), world.laser.id, **facts)


@pytest.mark.both_databases
def test_a_report_is_answered_once_and_the_reporter_reads_it(session, world, keeper):
    row = reported(session, world)
    assert (row.listing_version, row.supplier_id, row.state) == (1, world.supplier.organisation_id, ReportState.OPEN)
    with pytest.raises(ReportWordsMissing), commit(session):
        service.decide(session, keeper, row.id, upheld=True, answer="")
    with commit(session):
        service.decide(session, keeper, row.id, upheld=True, answer="已责令改价")
    shown = queries.by_id(session, world.actor(Role.BUYER), row.id)
    assert (shown.state, shown.answer) == (ReportState.UPHELD, "已责令改价")
    with pytest.raises(ReportClosed), commit(session):
        service.decide(session, keeper, row.id, upheld=False, answer="改判")
    events = [(e.type, e.owner_id, json.loads(e.body)) for e in session.scalars(select(Event).where(Event.stream == f"report/{row.id}").order_by(Event.version))]
    assert [(kind, owner) for kind, owner, _ in events] == [("report.made", None), ("report.decided", None)]
    assert not any("made_by" in body or "person" in body for _, _, body in events)


@pytest.mark.both_databases
def test_others_see_nothing_of_it(session, world, keeper):
    row = reported(session, world)
    for role in (Role.APPROVER, Role.LISTER, Role.SUPERVISOR):
        actor = world.actor(role)
        with pytest.raises(Missing):
            queries.by_id(session, actor, row.id)
        assert queries.page(session, actor).rows == [] and queries.of_listing(session, actor, world.laser.id) == []
        with pytest.raises(Forbidden), commit(session):
            service.decide(session, actor, row.id, upheld=False, answer="不成立")
    assert [each.id for each in queries.page(session, keeper).rows] == [row.id] and queries.counts(session, keeper) == {"open": 1}


@pytest.mark.both_databases
def test_one_open_report_of_one_person_about_one_thing(session, world, keeper):
    row = reported(session, world)
    with pytest.raises(AlreadyReported) as refused:
        reported(session, world)
    assert refused.value.number == row.id and factories.how_many(session, Report) == 1
    reported(session, world, role=Role.APPROVER)
    with commit(session):
        asked = questions.ask(session, world.actor(Role.BUYER), world.laser.id, words="在吗")
    reported(session, world, question_id=asked.id, kind=ReportKind.WORDS)
    with commit(session):
        service.decide(session, keeper, row.id, upheld=False, answer="价格正常")
    reported(session, world)
    assert factories.how_many(session, Report) == 4


def test_what_cannot_be_seen_cannot_be_reported(session, world):
    with commit(session):
        other = questions.ask(session, world.actor(Role.BUYER), world.paper.id, words="在吗")
    with pytest.raises(Missing):
        reported(session, world, question_id=other.id)
    with commit(session):
        world.laser.shelf = Shelf.DRAFT
    with pytest.raises(Missing):
        reported(session, world)
    assert factories.how_many(session, Report) == 0


def test_a_day_has_room_for_so_many_reports(session, world):
    with commit(session):
        offers = [factories.listing(session, factories.supplier(session), factories.product(session)) for _ in range(21)]
        for offer in offers[:20]:
            service.report(session, world.actor(Role.BUYER), offer.id, kind=ReportKind.OTHER, words="试")
    with pytest.raises(TooManyReports), commit(session):
        service.report(session, world.actor(Role.BUYER), offers[20].id, kind=ReportKind.OTHER, words="试")
    assert factories.how_many(session, Report) == 20


def text(answer):
    return unescape(answer.get_data(as_text=True))


def test_a_report_travels_through_the_pages(shop):
    laser = shop.world.laser
    with shop.session() as session, commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        person = session.get_one(Person, factories.person(session, agency, Role.CATALOGUE_ADMIN).id)
        person.login, person.password_hash = "catalogue", KEPT
    here = f"/reports/new/{laser.id}"
    acceptor, keeper = shop.browser(Role.ACCEPTOR), shop.browser()
    keeper.sign_in("catalogue")
    assert shop.browser().get(here).status_code == 303, "nobody reports without signing in"
    bad = acceptor.post(here, here, kind="price", words="")
    assert bad.status_code == 422 and "请写明情况" in text(bad)
    assert acceptor.post(here, here, kind="price", words="比官网贵 200 元").status_code == 303
    again = acceptor.post(here, here, kind="price", words="再报一次")
    assert again.status_code == 422 and "正在处理" in text(again) and "再报一次" in text(again)
    queue = text(keeper.get("/reports/"))
    assert "比官网贵 200 元" in queue and "价格虚高或虚低" in queue
    with shop.session() as session:
        number = session.scalars(select(Report.id)).one()
    assert "比官网贵 200 元" in text(keeper.get(f"/upkeep/listings/{laser.id}"))
    assert keeper.post(f"/reports/{number}/dismiss", "/reports/", words="").status_code == 422
    assert keeper.post(f"/reports/{number}/dismiss", "/reports/", words="配置不同，价格正常").status_code == 303
    assert "配置不同，价格正常" in text(acceptor.get("/reports/own"))
    assert "比官网贵" not in text(shop.browser(Role.BUYER).get("/reports/own"))
    assert shop.browser(Role.LISTER).get("/reports/").status_code == 403
