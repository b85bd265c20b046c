"""How a profile reads and judges values, and how profiles follow one another by day and down the catalogue."""

from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.profiles import queries, rules, service
from catalog.profiles.rules import Attribute, Profile
from catalog.profiles.states import AttributeKind
from catalog.profiles.tables import Profile as ProfileRow
from tests import factories

SPEED = Attribute(name="打印速度", kind=AttributeKind.NUMBER, unit="页/分", low="1", high="200", required=True)
DUPLEX = Attribute(name="自动双面", kind=AttributeKind.YES_NO)
FORMAT = Attribute(name="幅面", kind=AttributeKind.LIST, options=("A4", "A3"))
WARM = Attribute(name="工作温度", kind=AttributeKind.RANGE, unit="℃", low="-20", high="60")
TYRE = Attribute(name="规格", kind=AttributeKind.TEXT, pattern=r"\d{3}/\d{2}R\d{2}")
SIZE = Attribute(name="重量", kind=AttributeKind.NUMBER)
ALL = Profile(category_code=factories.LASER, attributes=(SPEED, DUPLEX, FORMAT, WARM, TYRE, SIZE))


@pytest.mark.parametrize(("attribute", "typed", "kept"), [
    (SPEED, "33", "33 页/分"), (SPEED, 33, "33 页/分"), (SPEED, "33页/分", "33 页/分"), (SPEED, "33.50 页/分", "33.5 页/分"), (SPEED, "1", "1 页/分"), (SPEED, 200.0, "200 页/分"),
    (SIZE, "1,200", 1200), (SIZE, "8.5", 8.5),
    (DUPLEX, "是", True), (DUPLEX, "无", False), (DUPLEX, True, True),
    (FORMAT, "a4", "A4"),
    (WARM, "10-35", "10～35 ℃"), (WARM, "-10 至 40℃", "-10～40 ℃"), (WARM, "-20~60", "-20～60 ℃"),
    (TYRE, "205/55R16", "205/55R16"),
])  # fmt: skip
def test_a_value_is_kept_as_people_write_it_with_its_unit(attribute, typed, kept):
    value = attribute.read(typed)
    assert value == kept and type(value) is type(kept)
    assert attribute.read(value) == value, "what is kept reads as itself"


@pytest.mark.parametrize(("attribute", "typed", "refusal", "facts"), [
    (SPEED, "快", rules.NotANumber, {"attribute": "打印速度", "value": "快", "unit": "页/分"}),
    (SPEED, "33 ppm", rules.NotANumber, {"attribute": "打印速度", "value": "33 ppm", "unit": "页/分"}),
    (SPEED, "nan", rules.NotANumber, {"attribute": "打印速度", "value": "nan", "unit": "页/分"}),
    (SPEED, "0", rules.OutOfBounds, {"attribute": "打印速度", "value": "0", "bounds": "1～200 页/分"}),
    (SPEED, "200.01", rules.OutOfBounds, {"attribute": "打印速度", "value": "200.01", "bounds": "1～200 页/分"}),
    (DUPLEX, "也许", rules.NotYesOrNo, {"attribute": "自动双面", "value": "也许"}),
    (FORMAT, "A5", rules.NotAnOption, {"attribute": "幅面", "value": "A5", "options": "A4、A3"}),
    (WARM, "35-10", rules.NotARange, {"attribute": "工作温度", "value": "35-10", "example": "-20～60 ℃"}),
    (WARM, "常温", rules.NotARange, {"attribute": "工作温度", "value": "常温", "example": "-20～60 ℃"}),
    (WARM, "10～61", rules.OutOfBounds, {"attribute": "工作温度", "value": "10～61", "bounds": "-20～60 ℃"}),
    (TYRE, "205-55-16", rules.NotOfPattern, {"attribute": "规格", "value": "205-55-16", "pattern": r"\d{3}/\d{2}R\d{2}"}),
    (TYRE, "长" * 201, rules.ValueTooLong, {"attribute": "规格", "value": "长" * 20}),
])  # fmt: skip
def test_a_fault_names_attribute_value_and_rule(attribute, typed, refusal, facts):
    with pytest.raises(refusal) as refused:
        attribute.read(typed)
    assert {name: value for name, value in refused.value.facts.items() if name != "field"} == facts


def test_every_fault_is_told_at_once_and_what_was_typed_stays():
    kept, faults = rules.judged(ALL, {"幅面": "A5", "颜色": "黑", "自动双面": "是"})
    assert [(type(fault), fault.attribute) for fault in faults] == [(rules.ValueMissing, "打印速度"), (rules.NotAnOption, "幅面")]
    assert kept == {"自动双面": True, "幅面": "A5", "颜色": "黑"}
    assert list(kept) == ["自动双面", "幅面", "颜色"], "in the order of the profile, then what else was said"
    with pytest.raises(rules.AttributesRefused) as refused:
        rules.check(ALL, {"幅面": "A5"})
    assert (refused.value.n, refused.value.attribute, refused.value.category) == (2, "打印速度", factories.LASER)
    assert [fault["code"] for fault in refused.value.faults] == ["attribute.missing", "attribute.not_an_option"]


def test_attributes_are_shown_in_profile_order_with_units_and_nothing_said_twice():
    assert rules.arranged(ALL, {"颜色": "黑", "是否进口产品": False, "质保期": "3 年", "幅面": "A4", "打印速度": 33}) == [("打印速度", "33 页/分"), ("幅面", "A4"), ("颜色", "黑")]


@pytest.mark.parametrize("pattern", [r"(a+)+", r"(\d|\d\d)*x", r"a?b?c?d?", r"\d*\d*\d*\d*x", r"(?:a)", r"(a)\1", "[", "x" * 121, r"a{1,9}b{1,9}c+d*"])
def test_a_pattern_that_could_run_away_is_refused(pattern):
    with pytest.raises(rules.BadPattern):
        rules.checked([Attribute(name="规格", kind=AttributeKind.TEXT, pattern=pattern)])


@pytest.mark.parametrize(("attribute", "refusal"), [
    (Attribute(name="", kind=AttributeKind.TEXT), rules.BadName), (Attribute(name="长" * 41, kind=AttributeKind.TEXT), rules.BadName),
    (Attribute(name="甲：乙", kind=AttributeKind.TEXT), rules.BadName), (Attribute(name="是否进口产品", kind=AttributeKind.YES_NO), rules.NameTold),
    (Attribute(name="色", kind=AttributeKind.LIST, options=("黑", "黑")), rules.NoOptions),
    (Attribute(name="重", kind=AttributeKind.NUMBER, low="9", high="1"), rules.BadBounds), (Attribute(name="重", kind=AttributeKind.NUMBER, low="重"), rules.BadBounds),
])  # fmt: skip
def test_an_attribute_that_cannot_be_asked_for_is_refused(attribute, refusal):
    with pytest.raises(refusal):
        rules.checked([attribute])


@pytest.fixture
def agency(session):
    with commit(session):
        return factories.staff(session, factories.organisation(session, OrganisationKind.AGENCY), [Role.CATALOGUE_ADMIN])[Role.CATALOGUE_ADMIN]


@pytest.mark.both_databases
def test_a_profile_holds_from_its_day_on_for_the_categories_below_and_the_narrower_one_overrules(session, agency):
    today, later = clock.today(), clock.today() + timedelta(days=10)
    broad = Attribute(name="产地", kind=AttributeKind.TEXT)
    with commit(session):
        service.write(session, agency, "A02000000", [broad, Attribute(name="幅面", kind=AttributeKind.TEXT)], valid_from=today, note="试行")
        service.write(session, agency, factories.LASER, [SPEED, FORMAT], valid_from=later, note="豫财购〔2026〕1号")
    before, after = queries.of(session, factories.LASER, today), queries.of(session, factories.LASER, later)
    assert [(each.name, each.kind, each.of) for each in before.attributes] == [("产地", AttributeKind.TEXT, "A02000000"), ("幅面", AttributeKind.TEXT, "A02000000")]
    assert [(each.name, each.kind, each.of) for each in after.attributes] == [
        ("打印速度", AttributeKind.NUMBER, factories.LASER), ("幅面", AttributeKind.LIST, factories.LASER), ("产地", AttributeKind.TEXT, "A02000000"),
    ]  # fmt: skip
    assert [(version.category_code, version.number, version.note) for version in after.versions] == [("A02000000", 1, "试行"), (factories.LASER, 1, "豫财购〔2026〕1号")]
    assert queries.of(session, factories.PAPER, today).attributes == ()


@pytest.mark.both_databases
def test_an_attribute_is_archived_and_not_deleted_and_old_versions_stay(session, agency):
    today = clock.today()
    with commit(session):
        service.keep(session, agency, factories.LASER, SPEED, valid_from=today, note="一")
        service.keep(session, agency, factories.LASER, FORMAT, valid_from=today, note="二")
        service.archive(session, agency, factories.LASER, "幅面", archived=True, valid_from=today, note="三")
    profile = queries.of(session, factories.LASER, today)
    assert [each.name for each in profile.asked] == ["打印速度"] and [each.name for each in profile.attributes] == ["打印速度", "幅面"]
    assert rules.judged(profile, {"打印速度": 33})[1] == []
    assert [version.number for version, _ in queries.history(session, factories.LASER)] == [3, 2, 1]
    events = list(session.scalars(factories.select(Event.type).where(Event.stream == f"profile/{factories.LASER}")))
    assert events == ["profile.written"] * 3


def test_who_may_write_a_profile_and_what_is_refused_changes_nothing(session, agency):
    today = clock.today()
    lister = factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.LISTER])[Role.LISTER]
    session.commit()
    refused = [
        (lister, SPEED, today, "依据", Forbidden), (agency, SPEED, today - timedelta(days=1), "依据", rules.StartsInThePast),
        (agency, SPEED, today, " ", rules.NoteMissing), (agency, Attribute(name="", kind=AttributeKind.TEXT), today, "依据", rules.BadName),
    ]  # fmt: skip
    for who, attribute, day, note, refusal in refused:
        with pytest.raises(refusal), commit(session):
            service.keep(session, who, factories.LASER, attribute, valid_from=day, note=note)
    with commit(session):
        service.keep(session, agency, factories.LASER, SPEED, valid_from=today, note="依据")
    with pytest.raises(rules.NameTwice), commit(session):
        service.keep(session, agency, factories.LASER, SPEED, valid_from=today, note="依据")
    assert factories.how_many(session, ProfileRow) == 1


def test_the_shipped_profiles_are_well_formed_and_loaded_once(session):
    shipped = dict(service.shipped())
    assert all(rules.checked(attributes) == attributes for attributes in shipped.values())
    with commit(session):
        assert service.load_profiles(session) == len(shipped)
        assert service.load_profiles(session) == 0
    laser = queries.of(session, factories.LASER, clock.today())
    assert [each.name for each in laser.attributes] == ["打印速度", "自动双面", "网络接口", "产地", "额定功率", "工作温度"]
