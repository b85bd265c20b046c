"""Questions that find nothing: counted without anybody's name, decided by a catalogue administrator, taken up by the search."""

from datetime import date, timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.search import lexicon
from catalog.taxonomy import service as taxonomy
from catalog.vocabulary import queries, rules, service
from catalog.vocabulary.states import MissState
from catalog.vocabulary.tables import Miss, MissMark, Synonym
from tests import factories
from tests.app.accounts.conftest import KEPT, Browser

TODAY = date(2026, 3, 5)


@pytest.fixture
def keeper(shop):
    """The browser of a catalogue administrator."""
    with shop.session() as session, commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        factories.person(session, agency, Role.CATALOGUE_ADMIN, login="keeper", password_hash=KEPT)
    browser = Browser(shop.app)
    assert browser.sign_in("keeper").status_code == 303
    return browser


def send(browser, address, words=None, page="/vocabulary/"):
    return browser.post(f"/vocabulary/{address}", page, **({"words": words} if words is not None else {}))


@pytest.fixture(autouse=True)
def unlearnt():
    yield
    lexicon.learn([])


def note(session, question, reader, on=TODAY):
    with commit(session):
        return service.note(session, question, on, rules.mark("secret", on, question, reader))


def missed(shop, question="印表机架", readers=3):
    with shop.session() as session:
        for reader in range(readers):
            note(session, question, str(reader))
        return session.scalar(select(Miss.id).where(Miss.question == question))


def events(shop):
    with shop.session() as session:
        wanted = Event.type.startswith("synonym.") | Event.type.startswith("miss.")
        return [(event.type, event.body) for event in session.scalars(select(Event).where(wanted).order_by(Event.id))]


@pytest.mark.both_databases
def test_a_question_counts_once_for_each_reader_and_day(shop):
    with shop.session() as session:
        counted = [note(session, "云桌面", reader, on) for on in (TODAY, TODAY + timedelta(1)) for reader in ("甲", "乙", "甲")]
        (miss,) = session.scalars(select(Miss)).all()
        assert counted == [True, True, False] * 2
        assert (miss.readers, miss.days, miss.first_on, miss.last_on) == (4, 2, TODAY, TODAY + timedelta(1))
        assert session.scalar(select(func.count()).select_from(MissMark)) == 2, "the marks of yesterday are gone"


def test_marks_of_one_reader_connect_neither_days_nor_questions():
    one, other_day = rules.mark("s", TODAY, "笔", "甲"), rules.mark("s", TODAY + timedelta(1), "笔", "甲")
    assert len({one, other_day, rules.mark("s", TODAY, "纸", "甲"), rules.mark("s", TODAY, "笔", "乙"), rules.mark("t", TODAY, "笔", "甲")}) == 5
    assert rules.mark("s", TODAY, "笔", "甲") == one


@pytest.mark.parametrize("question", ["13800138000", "张三 410105199001011234", "a@b.cn", "https://x", "x" * 31, "笔", "<b>", "www.x.cn"])
def test_what_may_be_a_person_or_is_no_question_is_not_kept(shop, question):
    with shop.session() as session:
        assert not note(session, question, "甲")
        assert session.scalar(select(func.count()).select_from(Miss)) == 0


def test_the_queue_shows_what_enough_readers_asked_most_asked_first(shop):
    missed(shop, "云桌面", 2)
    missed(shop, "无人机", 3)
    missed(shop, "3d打印笔", 5)
    with shop.session() as session:
        assert [miss.question for miss in queries.waiting(session, TODAY)] == ["3d打印笔", "无人机"]
        with commit(session):
            taxonomy.set_parameter(session, rule="Q01", name="readers", value=2, valid_from=date(2026, 3, 6), doc_no="测试")
        assert [miss.question for miss in queries.waiting(session, date(2026, 3, 6))] == ["3d打印笔", "无人机", "云桌面"]


def test_a_synonym_answers_the_question_and_is_found_at_once_everywhere(shop, keeper):
    miss_id, buyer = missed(shop), shop.browser()
    assert "没有符合的商品" in unescape(buyer.get("/search?q=印表机架").get_data(as_text=True))
    answer = send(keeper, f"misses/{miss_id}/synonym", "激光打印机，打印机")
    assert answer.status_code == 303
    engine = shop.app.extensions["mall.search"]
    before = engine.stats().generation
    shop.drain()
    assert engine.stats().generation > before
    html = unescape(buyer.get("/search?q=印表机架").get_data(as_text=True))
    assert "没有符合的商品" not in html and 'class="card"' in html
    with shop.session() as session:
        assert queries.groups(session) == [("印表机架", "激光打印机", "打印机")]
        assert session.get_one(Miss, miss_id).state is MissState.SYNONYM
    ((kind, body),) = events(shop)
    assert kind == "synonym.added" and '"question":"印表机架"' in body


def test_a_synonym_that_is_taken_back_is_forgotten(shop, keeper):
    assert send(keeper, "synonyms", "印表机架、打印机").status_code == 303
    shop.drain()
    assert lexicon.terms("印表机架") == ("打印机",)
    with shop.session() as session:
        synonym_id = session.scalar(select(Synonym.id))
    assert send(keeper, f"synonyms/{synonym_id}/remove").status_code == 303
    shop.drain()
    assert lexicon.terms("印表机架") == () and [kind for kind, _ in events(shop)] == ["synonym.added", "synonym.removed"]
    assert send(keeper, f"synonyms/{synonym_id}/remove").status_code == 404


@pytest.mark.parametrize(("step", "state", "kind"), [("dismiss", MissState.DISMISSED, "miss.dismissed"), ("goods", MissState.GOODS_MISSING, "miss.goods_missing")])
def test_a_question_is_decided_once(shop, keeper, step, state, kind):
    miss_id = missed(shop)
    assert send(keeper, f"misses/{miss_id}/{step}").status_code == 303
    again = send(keeper, f"misses/{miss_id}/dismiss")
    assert again.status_code == 409 and "已经处理过" in again.get_data(as_text=True)
    with shop.session() as session:
        assert session.get_one(Miss, miss_id).state is state and queries.waiting(session, TODAY) == []
    assert [told for told, _ in events(shop)] == [kind]
    assert "印表机架" in keeper.get("/vocabulary/").get_data(as_text=True), "decisions are listed"


@pytest.mark.parametrize(
    ("words", "said"),
    [("打印机", "现在是 1 个"), ("", "请写同义词"), ("打印机，<script>", "不能作同义词"), ("打印机，打印机", "现在是 1 个"), ("一" * 31 + "，二", "最长 30 个字")],
)
def test_words_that_cannot_be_synonyms_are_refused_with_a_reason_and_kept_as_typed(shop, keeper, words, said):
    answer = send(keeper, "synonyms", words)
    html = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and said in html
    assert not words or f'value="{words}"' in html
    with shop.session() as session:
        assert queries.groups(session) == [] and events(shop) == []


def test_words_that_are_synonyms_already_are_refused(shop, keeper):
    send(keeper, "synonyms", "甲，乙")
    again = send(keeper, "synonyms", "乙，甲")
    assert again.status_code == 422 and "已经是同义词" in again.get_data(as_text=True)
    assert len(events(shop)) == 1


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.LISTER, Role.SUPERVISOR])
def test_nobody_else_sees_or_changes_the_words(shop, role):
    miss_id, other = missed(shop), shop.browser(role)
    denied = (302, 303) if role is None else (403,)
    assert other.get("/vocabulary/").status_code in denied
    for address in (f"misses/{miss_id}/dismiss", f"misses/{miss_id}/goods", f"misses/{miss_id}/synonym", "synonyms"):
        assert send(other, address, "甲，乙", page="/sign-in" if role is None else "/").status_code in denied
    with shop.session() as session:
        assert session.get_one(Miss, miss_id).state is MissState.OPEN and events(shop) == []


def test_readers_of_the_search_page_are_counted_by_their_questions_alone(shop):
    for agent in ("甲", "乙", "甲"):
        shop.app.test_client().get("/search?q=喵喵喵+量子传真", headers={"User-Agent": agent.encode().hex()})
    shop.browser().get("/search?q=打印机")
    shop.browser().get("/search?q=打印机&low=999999")
    with shop.session() as session:
        ((question, readers),) = session.execute(select(Miss.question, Miss.readers)).all()
    assert (question, readers) == ("喵喵喵 量子传真", 2), "what only filters hide was found"


def test_the_table_of_questions_does_not_grow_without_end(shop, monkeypatch):
    monkeypatch.setattr(service, "MOST_OPEN", 2)
    with shop.session() as session:
        assert [note(session, question, "甲") for question in ("云桌面", "无人机", "机器狗", "云桌面")] == [True, True, False, False]
        assert note(session, "云桌面", "乙")
