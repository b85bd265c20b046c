"""The reference data that ships with the product: complete, dated, and found by region."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from app.kernel.db import Base, commit, make_engine
from app.kernel.regions import Level
from app.kernel.workdays import Deadline, Unit
from catalog.taxonomy import queries, rules, service
from catalog.taxonomy.rules import CategoryKind, TermName, What
from catalog.taxonomy.tables import Category, ClassRule, Limit, MallCategory, RuleParameter, Term

DAY = date(2026, 11, 24)
ZHENGZHOU, JINSHUI, LANKAO, HENAN = "410100", "410105", "410225", "410000"
TABLES = [table.__table__ for table in (Category, MallCategory, Limit, Term, ClassRule, RuleParameter)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('taxonomy') / 'mall.sqlite'}")
    Base.metadata.create_all(engine, tables=TABLES)  # type: ignore[arg-type]
    with Session(engine) as session, commit(session):
        service.load_reference(session, supplement=True)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Reads what is loaded; what a test adds is rolled back."""
    with Session(engine) as session:
        yield session
        session.rollback()
        queries.forget(session)


def test_the_whole_procurement_catalogue_is_loaded(session: Session) -> None:
    rows = session.scalars(select(Category)).all()
    assert len(rows) == 4304
    assert Counter(row.kind for row in rows) == {CategoryKind.GOODS: 3482, CategoryKind.WORKS: 201, CategoryKind.SERVICES: 621}
    assert sum(row.leaf for row in rows) == 3843
    assert queries.category(session, "A02010105").name == "台式计算机"


def test_every_category_hangs_under_the_code_it_is_cut_from(session: Session) -> None:
    for row in session.scalars(select(Category).where(Category.level > 0)):
        assert row.parent_code == rules.at_level(row.code, row.level - 1)
        assert rules.covers(row.parent_code, row.code)


def test_loading_twice_adds_nothing_and_keeps_what_was_set(session: Session) -> None:
    before = session.scalars(select(func.count()).select_from(Limit)).one()
    service.add_limit(
        session, what=What.DIRECT_CEILING, kind=CategoryKind.GOODS, amount_fen=1, valid_from=DAY, doc_no="豫财购〔2026〕1号"
    )
    again = service.load_reference(session, supplement=True)
    assert set(vars(again).values()) == {0}
    assert session.scalar(select(func.count()).select_from(Limit)) == before + 1


def test_the_supplement_is_not_loaded_unless_asked_for() -> None:
    plain = {row["category_code"] for row in service.mall_catalogue(supplement=False)}
    assert "A02010105" in plain
    assert "A02021109" not in plain
    assert {row["category_code"] for row in service.mall_catalogue(supplement=True) if row["supplement"]} & plain == set()


def test_all_34_rows_of_the_provincial_catalogue_are_in_the_mall_with_existing_codes(session: Session) -> None:
    rows = session.scalars(select(MallCategory).where(MallCategory.supplement.is_(False))).all()
    assert len({name for row in rows for name in row.listed_as.split("、")}) == 34
    assert {row.doc_no for row in rows} == {"河南省政府集中采购目录及标准（2020年版）"}
    assert all(queries.exists(session, row.category_code) for row in rows)


@pytest.mark.parametrize(
    ("code", "sold"),
    [
        ("A02010105", True),
        ("A02021006", True),  # 针式打印机
        ("A02021005", False),  # 3D 打印机: the document lists inkjet, laser and dot matrix only
        ("A08060399", True),  # 信息安全软件
        ("A02030505", True),  # 客车
        ("A05010201", True),  # below 家具
        ("A05040199", False),  # office supplies are not furniture
        ("C21040000", True),
        ("A02080703", False),  # left out on purpose
        ("A07060303", False),  # left out on purpose
        ("B01000000", False),
    ],
)
def test_the_mall_sells_a_category_through_any_category_above_it(session: Session, code: str, sold: bool) -> None:
    assert queries.in_mall(session, code, JINSHUI, DAY) is sold


def test_the_left_out_categories_exist_but_are_nowhere_sold(session: Session) -> None:
    assert service.left_out() == ("A02080703", "A07060303")
    assert all(queries.category(session, code).leaf for code in service.left_out())


def test_the_mall_catalogue_can_grow_in_one_region_from_a_day_on(session: Session) -> None:
    service.open_category(session, category_code="A02080703", region_code=ZHENGZHOU, valid_from=DAY, doc_no="郑财购〔2026〕2号")
    assert queries.in_mall(session, "A02080703", JINSHUI, DAY)
    assert not queries.in_mall(session, "A02080703", JINSHUI, date(2026, 11, 23))
    assert not queries.in_mall(session, "A02080703", LANKAO, DAY)


@pytest.mark.parametrize(
    ("what", "region", "yuan"),
    [
        (What.MALL_CEILING, HENAN, 500_000),
        (What.MALL_CEILING, ZHENGZHOU, 300_000),
        (What.MALL_CEILING, JINSHUI, 300_000),
        (What.DIRECT_CEILING, JINSHUI, 50_000),
        (What.OPEN_TENDER_LIMIT, HENAN, 2_000_000),
        (What.ASSET_VALUE, LANKAO, 1_000),
    ],
)
def test_limits_are_found_by_the_region_s_level(session: Session, what: What, region: str, yuan: int) -> None:
    row = queries.limit(session, what, region, CategoryKind.GOODS, DAY)
    assert row.amount_fen == yuan * 100
    assert row.doc_no


def test_the_closest_limit_wins_then_the_latest(session: Session) -> None:
    def ceiling(region: str, on: date = DAY) -> int:
        return queries.limit(session, What.MALL_CEILING, region, CategoryKind.GOODS, on).amount_fen

    def put(amount_fen: int, valid_from: date, **place: Any) -> None:
        service.add_limit(
            session, what=What.MALL_CEILING, kind=CategoryKind.GOODS, amount_fen=amount_fen, valid_from=valid_from, doc_no="试", **place
        )

    put(7, date(2020, 1, 1), region_code=ZHENGZHOU)
    put(8, DAY, region_level=Level.COUNTY)
    assert (ceiling(ZHENGZHOU), ceiling(JINSHUI), ceiling(LANKAO)) == (7, 7, 8)
    assert ceiling(LANKAO, date(2026, 11, 23)) == 300_000_00
    put(9, date(2026, 1, 1), region_code=JINSHUI)
    assert (ceiling(JINSHUI), ceiling("410102")) == (9, 7)
    assert [row.amount_fen for row in queries.limits(session, JINSHUI, DAY) if (row.what, row.kind) == ("mall_ceiling", "goods")] == [9]


def test_a_missing_limit_or_period_is_refused_by_name(session: Session) -> None:
    with pytest.raises(rules.NoLimit) as refused:
        queries.limit(session, What.MALL_CEILING, JINSHUI, CategoryKind.WORKS, DAY)
    assert (refused.value.what, refused.value.region, refused.value.on) == ("mall_ceiling", "金水区", DAY)
    with pytest.raises(rules.NoTerm):
        queries.term(session, "nothing", JINSHUI, DAY)


@pytest.mark.parametrize(
    ("name", "days", "unit"),
    [
        (TermName.APPROVE, 3, Unit.WORKDAYS),
        (TermName.CONFIRM, 3, Unit.WORKDAYS),
        (TermName.EXPLAIN_HOLD, 3, Unit.WORKDAYS),
        (TermName.DELIVER, 5, Unit.WORKDAYS),
        (TermName.ACCEPT, 5, Unit.WORKDAYS),
        (TermName.PAYMENT_MALL, 45, Unit.DAYS),
        (TermName.PAYMENT_SME, 30, Unit.DAYS),
        (TermName.PAYMENT_SME_CAP, 60, Unit.DAYS),
        (TermName.PUBLISH_CONTRACT, 2, Unit.WORKDAYS),
        (TermName.FILE_CONTRACT, 7, Unit.WORKDAYS),
        (TermName.PLAN_RETURN, 2, Unit.WORKDAYS),
        (TermName.HOLD_PRICE_STOCK, 7, Unit.DAYS),
        (TermName.RATE, 15, Unit.DAYS),
    ],
)
def test_the_default_periods_are_those_of_the_documents(session: Session, name: TermName, days: int, unit: Unit) -> None:
    row = queries.term(session, name, JINSHUI, DAY)
    assert (row.days, row.unit) == (days, unit)


def test_every_named_period_and_limit_has_a_row(session: Session) -> None:
    assert {row.name for row in queries.terms(session, JINSHUI, DAY)} == set(TermName)
    assert {row.what for row in queries.limits(session, JINSHUI, DAY)} == set(What)
    assert rules.TERM_LABELS.keys() == set(TermName)
    assert rules.LIMIT_LABELS.keys() == set(What)


def test_a_period_ends_on_a_working_day(session: Session) -> None:
    assert queries.term(session, TermName.DELIVER, JINSHUI, DAY).after(DAY) == Deadline(date(2026, 12, 1))


def test_the_law_of_the_day_is_cited(session: Session) -> None:
    old = queries.term(session, TermName.PAYMENT_SME, JINSHUI, date(2025, 5, 31))
    new = queries.term(session, TermName.PAYMENT_SME, JINSHUI, date(2025, 6, 1))
    assert "728" in old.doc_no
    assert "802" in new.doc_no


@pytest.mark.parametrize(
    ("code", "inside", "outside"),
    [
        ("A02010105", "31002", "30201"),  # desktop computers on office expenses: the audit's classic
        ("A05010201", "31002", "30201"),
        ("A05040101", "30201", "31002"),
        ("A02021109", "30201", "30213"),  # a keyboard may be either
        ("C23090199", "30202", "30201"),
        ("C21040000", "30209", "30213"),
        ("C23120200", "30213", "30231"),
        ("C23120302", "30231", "30213"),
        ("C22010200", "30215", "30201"),
    ],
)
def test_economic_classes_fit_categories_by_the_longest_prefix(session: Session, code: str, inside: str, outside: str) -> None:
    classes = queries.classes_for(session, code, DAY)
    assert inside in classes
    assert outside not in classes


def test_a_category_without_class_rows_is_not_restricted(session: Session) -> None:
    assert queries.classes_for(session, "B01010000", DAY) == frozenset()


def test_rule_parameters_are_dated(session: Session) -> None:
    assert queries.parameters(session, "S02", DAY) == {
        "d": 30, "n": 2, "L": 3, "what": "mall_ceiling", "stage": "hold", "severity": "red",
    }
    service.set_parameter(session, rule="S02", name="d", value=60, valid_from=date(2027, 1, 1), doc_no="豫财购〔2026〕3号")
    assert queries.parameters(session, "S02", DAY)["d"] == 30
    assert queries.parameters(session, "S02", date(2027, 1, 1))["d"] == 60
    for rule in ("S04", "T01", "T02", "T03", "T04", "X02", "X03", "P01", "P02", "B11"):
        assert {"stage", "severity"} <= queries.parameters(session, rule, DAY).keys()


@pytest.mark.parametrize(
    ("code", "percent"), [("A02010105", 13), ("A04010101", 9), ("C21040000", 6), ("C23120200", 13), ("B01000000", 9)]
)
def test_the_usual_tax_rate_follows_the_category(session: Session, code: str, percent: int) -> None:
    assert queries.tax_rate_percent(session, code, DAY) == percent


def test_the_tree_is_walked_down_and_up(session: Session) -> None:
    assert [row.code for row in queries.children(session)] == ["A", "B", "C"]
    assert "A02010105" in [row.code for row in queries.children(session, "A02010100")]
    assert [row.name for row in queries.ancestors(session, "A02010105")] == ["货物", "设备", "信息化设备", "计算机", "台式计算机"]
    assert queries.names(session, ["A02010105", "X"]) == {"A02010105": "台式计算机"}
    with pytest.raises(rules.UnknownCategory):
        queries.category(session, "A99999999")


def test_categories_are_found_by_words_and_by_code(session: Session) -> None:
    assert queries.search_categories(session, "复印纸")[0].code == "A05040101"
    assert "A02021003" in [row.code for row in queries.search_categories(session, "黑白 打印机")]
    assert {row.code for row in queries.search_categories(session, "a020210")} >= {"A02021000", "A02021003"}
    assert queries.search_categories(session, "  ") == ()


def test_asking_again_costs_no_statement(session: Session, engine: Engine) -> None:
    queries.limit(session, What.MALL_CEILING, JINSHUI, CategoryKind.GOODS, DAY)
    queries.category(session, "A02010105")
    asked: list[str] = []
    listen = lambda *facts: asked.append(facts[2])
    event.listen(engine, "before_cursor_execute", listen)
    queries.limit(session, What.DIRECT_CEILING, HENAN, CategoryKind.SERVICES, DAY)
    queries.in_mall(session, "A02010105", HENAN, DAY)
    queries.category(session, "A05040101")
    event.remove(engine, "before_cursor_execute", listen)
    assert asked == []
