"""A buyer asks, the supplier answers, everybody reads, the keeper hides what does not belong there."""

import json
from html import unescape

import pytest
from sqlalchemy import select

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.listings.states import Shelf
from catalog.questions import queries, service
from catalog.questions.rules import QuestionClosed, QuestionReasonMissing, TooManyQuestions, WordsMissing
from catalog.questions.states import QuestionState
from catalog.questions.tables import Question
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


def stranger(session):
    """The lister of another supplier."""
    with commit(session):
        seller = session.get_one(Organisation, factories.supplier(session).organisation_id)
        return factories.staff(session, seller, [Role.LISTER])[Role.LISTER]


def asked(session, world, words="是否包含硒鼓？"):
    with commit(session):
        return service.ask(session, world.actor(Role.BUYER), world.laser.id, words=words)


@pytest.mark.both_databases
def test_a_question_is_answered_once_and_everybody_reads_both(session, world):
    row = asked(session, world, "  是否包含  硒鼓？ ")
    assert (row.words, row.state, row.listing_version, row.region) == ("是否包含 硒鼓？", QuestionState.OPEN, 1, factories.CITY)
    with commit(session):
        service.answer(session, world.actor(Role.LISTER), row.id, words="包含一支")
    (shown,) = queries.on_product(session, None, world.laser.product_id)
    assert (shown.words, shown.answer, shown.state) == ("是否包含 硒鼓？", "包含一支", QuestionState.ANSWERED)
    with pytest.raises(QuestionClosed), commit(session):
        service.answer(session, world.actor(Role.LISTER), row.id, words="更正")
    events = session.scalars(select(Event).where(Event.stream == f"question/{row.id}").order_by(Event.version))
    assert [(event.type, json.loads(event.body)["words"]) for event in events] == [("question.asked", "是否包含 硒鼓？"), ("question.answered", "包含一支")]


@pytest.mark.both_databases
def test_only_the_supplier_asked_answers_and_only_buyers_ask(session, world):
    row, other = asked(session, world), stranger(session)
    with pytest.raises(Missing), commit(session):
        service.answer(session, other, row.id, words="我来答")
    with pytest.raises(Forbidden), commit(session):
        service.answer(session, world.actor(Role.BUYER), row.id, words="自答")
    with pytest.raises(Forbidden), commit(session):
        service.ask(session, world.actor(Role.LISTER), world.laser.id, words="自问")
    assert session.get_one(Question, row.id).state is QuestionState.OPEN and factories.how_many(session, Question) == 1


def test_nobody_asks_about_what_cannot_be_bought_or_asks_nothing(session, world):
    with commit(session):
        world.paper.shelf = Shelf.OFF_SHELF
    for words, listing, kind in (("在吗", world.paper.id, Missing), ("  ", world.laser.id, WordsMissing), ("问" * 501, world.laser.id, WordsMissing)):
        with pytest.raises(kind), commit(session):
            service.ask(session, world.actor(Role.BUYER), listing, words=words)
    assert factories.how_many(session, Question) == 0


def test_a_day_has_room_for_so_many_questions(session, world):
    for number in range(20):
        asked(session, world, f"问题 {number}")
    with pytest.raises(TooManyQuestions) as refused:
        asked(session, world, "再问一个")
    assert (refused.value.asked, refused.value.most) == (20, 20)


@pytest.mark.both_databases
def test_what_is_hidden_is_seen_by_asker_supplier_and_keeper_only(session, world, keeper):
    row = asked(session, world)
    with pytest.raises(QuestionReasonMissing), commit(session):
        service.hide(session, keeper, row.id, reason=" ")
    with pytest.raises(Forbidden), commit(session):
        service.hide(session, world.actor(Role.SUPERVISOR), row.id, reason="广告")
    with commit(session):
        service.hide(session, keeper, row.id, reason="广告")
    product = world.laser.product_id
    for reader in (None, world.actor(Role.APPROVER), stranger(session), world.actor(Role.SUPERVISOR)):
        assert queries.on_product(session, reader, product) == []
    for reader in (world.actor(Role.BUYER), world.actor(Role.LISTER), keeper):
        assert [each.hidden_reason for each in queries.on_product(session, reader, product)] == ["广告"]
    assert queries.of_supplier(session, stranger(session)).rows == [] and queries.counts_of_supplier(session, world.actor(Role.LISTER)) == {"hidden": 1}


# ---------------------------------------------------------------- pages


def text(answer):
    return unescape(answer.get_data(as_text=True))


def test_question_and_answer_travel_through_the_pages(shop):
    laser = shop.world.laser
    buyer, lister, here = shop.browser(Role.BUYER), shop.browser(Role.LISTER), f"/questions/about/{laser.id}"
    assert here in text(shop.browser().get(f"/products/{laser.product_id}")), "the product page leads there"
    assert "还没有人提问" in text(shop.browser().get(here))
    empty = buyer.post(here, here, words="")
    assert empty.status_code == 422 and "必填" in text(empty)
    assert buyer.post(here, here, words="是否包含<b>硒鼓</b>？").status_code == 303
    page = text(lister.get("/questions/"))
    assert "是否包含<b>硒鼓</b>？" in page and "郑州市采购单位" in page
    with shop.session() as session:
        number = session.scalars(select(Question.id)).one()
    bad = lister.post(f"/questions/{number}/answer", "/questions/", words="答" * 501)
    assert bad.status_code == 422 and "答" * 501 in text(bad), "what was typed is still there"
    assert lister.post(f"/questions/{number}/answer", "/questions/", words="包含一支").status_code == 303
    public = shop.browser().get(here, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in public
    assert "答：包含一支" in public and "&lt;b&gt;硒鼓" in public and "<b>硒鼓" not in public


def test_the_keeper_hides_a_question_by_page(shop):
    laser = shop.world.laser
    here = f"/questions/about/{laser.id}"
    shop.browser(Role.BUYER).post(here, here, words="加微信便宜")
    with shop.session() as session, commit(session):
        number = session.scalars(select(Question.id)).one()
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        person = session.get_one(Person, factories.person(session, agency, Role.CATALOGUE_ADMIN).id)
        person.login, person.password_hash = "catalogue", KEPT
    keeper = shop.browser()
    keeper.sign_in("catalogue")
    page = f"/questions/{number}"
    assert keeper.post(f"{page}/hide", page, reason="").status_code == 422
    assert keeper.post(f"{page}/hide", page, reason="广告").status_code == 303
    assert "加微信便宜" not in text(shop.browser().get(here))
    assert shop.browser(Role.BUYER).get(page).status_code == 403
