"""Required documents by date, kind and class; handing them in; renewals; and the warning before they end (rule K05)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.kernel.uploads import Upload
from app.policy import OrganisationKind, Role
from catalog.qualifications import queries, rules, service
from catalog.qualifications.rules import (
    EndMissing,
    EndsBeforeItBegins,
    NotWaiting,
    OutOfDate,
    PaperIncomplete,
    ReasonMissing,
    UnknownRequirement,
)
from catalog.qualifications.states import PaperState
from catalog.qualifications.tables import Qualification
from catalog.suppliers.tables import SupplierClass
from catalog.taxonomy import service as taxonomy
from supervision.alerts import handlers
from supervision.alerts.tables import Alert
from tests import factories
from tests.catalog import suppliers_at_the_door as door

EVERYBODY = {"business_licence", "financial_statement", "tax_and_insurance", "clean_record"}


@pytest.fixture
def seller(session):
    with commit(session):
        return factories.supplier(session, kind="经销商")


@pytest.fixture
def manager(session, seller):
    return of_supplier(session, seller)


def of_supplier(session, supplier, role=Role.SUPPLIER_ADMIN):
    with commit(session):
        return factories.actor(session, factories.person(session, session.get_one(Organisation, supplier.organisation_id), role))


def keeper(session, region=factories.CITY, role=Role.SUPERVISOR, kind=OrganisationKind.FINANCE):
    with commit(session):
        return factories.actor(session, factories.person(session, factories.organisation(session, kind, region=region), role))


def required(session, kind, classes, on=None):
    return {each.code for each in queries.wanted(session, kind, classes, on or clock.today()) if each.required}


@pytest.mark.both_databases
def test_what_is_required_follows_from_kind_class_and_day(session):
    assert required(session, None, ()) == EVERYBODY
    assert required(session, "电商", ["A0504"]) == EVERYBODY | {"telecom_licence"}
    assert required(session, "经销商", ["A0232", "A0401"]) == EVERYBODY | {"brand_authorisation", "medical_device_licence", "publication_licence"}
    assert required(session, "服务商", ["C0504", "C2309"]) == EVERYBODY | {"security_licence", "printing_licence"}
    assert required(session, "协议供货商", (), date(2021, 1, 1)) == EVERYBODY
    assert required(session, "协议供货商", (), date(2022, 3, 1)) == EVERYBODY | {"framework_agreement"}


def test_a_later_row_of_a_requirement_takes_over_on_its_day(session):
    today = clock.today()
    (licence,) = (each for each in queries.wanted(session, None, (), today) if each.code == "business_licence")
    with commit(session):
        more = vars(licence) | {"ends": True, "valid_from": today + timedelta(days=1), "doc_no": "豫财购〔2026〕9号"}
        service.add_requirement(session, rules.Wanted(**more))
    assert [each.ends for each in queries.wanted(session, None, (), today) if each.code == "business_licence"] == [False]
    assert [each.ends for each in queries.wanted(session, None, (), today + timedelta(days=1)) if each.code == "business_licence"] == [True]


@pytest.mark.both_databases
def test_a_renewal_waits_beside_the_document_in_force_and_replaces_it_when_it_is_accepted(session, manager, tmp_path):
    reviewer = keeper(session)
    with commit(session):
        old = door.renewed(session, manager, tmp_path, number="旧-1")
    with commit(session):
        service.accept(session, reviewer, old.id)
    with commit(session):
        new = door.renewed(session, manager, tmp_path, number="新-2")
    assert [row.paper.number for row in queries.current(session, manager.organisation_id)["business_licence"]] == ["新-2", "旧-1"]
    assert [each.number for each in queries.accepted(session, manager.organisation_id)] == ["旧-1"]
    assert [each.row.paper.id for each in queries.waiting(session, reviewer)] == [new.id]
    with commit(session):
        service.accept(session, reviewer, new.id)
    session.refresh(old)
    assert (old.state, [each.number for each in queries.accepted(session, manager.organisation_id)]) == (PaperState.REPLACED, ["新-2"])
    with pytest.raises(NotWaiting), commit(session):
        service.send_back(session, reviewer, new.id, "不清楚")
    found = session.scalars(select(Event.type).where(Event.stream == f"supplier/{manager.organisation_id}/papers").order_by(Event.version))
    assert list(found) == ["supplier.paper_handed_in", "supplier.paper_accepted"] * 2


def test_a_returned_document_says_why_and_gives_way_to_the_next(session, manager, tmp_path):
    reviewer = keeper(session, role=Role.CATALOGUE_ADMIN, kind=OrganisationKind.AGENCY)
    with commit(session):
        first = door.renewed(session, manager, tmp_path)
    with pytest.raises(ReasonMissing), commit(session):
        service.send_back(session, reviewer, first.id, " ")
    with commit(session):
        service.send_back(session, reviewer, first.id, "印章不清楚")
    assert (first.state, first.return_reason) == (PaperState.RETURNED, "印章不清楚")
    with commit(session):
        second = door.renewed(session, manager, tmp_path)
    session.refresh(first)
    assert (first.state, second.state) == (PaperState.REPLACED, PaperState.WAITING)


@pytest.mark.parametrize(
    ("refusal", "requirement", "more"),
    [
        (UnknownRequirement, "security_licence", {}),
        (PaperIncomplete, "business_licence", {"number": "", "issuer": ""}),
        (PaperIncomplete, "business_licence", {"valid_from": None}),
        (EndMissing, "brand_authorisation", {"valid_to": None}),
        (EndsBeforeItBegins, "business_licence", {"valid_from": date(2026, 1, 2), "valid_to": date(2026, 1, 1)}),
        (OutOfDate, "business_licence", {"valid_to": date(2024, 1, 1)}),
        (OutOfDate, "business_licence", {"valid_from": date(2999, 1, 1), "valid_to": None}),
    ],
)
def test_what_does_not_fit_the_requirement_is_refused_and_nothing_is_kept(session, manager, tmp_path, refusal, requirement, more):
    wanted = queries.wanted_of_supplier(session, manager.organisation_id, clock.today())
    with pytest.raises(refusal), commit(session):
        service.hand_in(
            session, manager, tmp_path, wanted, requirement=requirement, paper=door.paper(**more), content=door.content(), file_name="a.pdf"
        )
    assert (factories.how_many(session, Qualification), factories.how_many(session, Upload), list(tmp_path.glob("*/*"))) == (0, 0, [])


@pytest.mark.both_databases
def test_a_file_is_for_the_supplier_itself_and_for_who_reviews_in_its_region(session, seller, manager, tmp_path):
    with commit(session):
        paper = door.renewed(session, manager, tmp_path)
    with commit(session):
        rival = factories.supplier(session)
        unit = factories.unit(session)
        buyer = factories.actor(session, factories.person(session, unit, Role.BUYER, Role.UNIT_ADMIN))
    inside = [manager, keeper(session), keeper(session, "410000"), keeper(session, role=Role.CATALOGUE_ADMIN, kind=OrganisationKind.AGENCY)]
    outside = [
        of_supplier(session, rival), of_supplier(session, seller, Role.ORDER_CLERK), buyer, keeper(session, factories.OTHER_CITY),
        keeper(session, factories.COUNTY), keeper(session, role=Role.AUDITOR, kind=OrganisationKind.AUDIT),
    ]  # fmt: skip
    assert [queries.by_id(session, actor, paper.id).paper.id for actor in inside] == [paper.id] * 4
    for actor in outside:
        with pytest.raises(Missing):
            queries.by_id(session, actor, paper.id)
        assert queries.waiting(session, actor) == []
    for actor in outside[:3]:
        with pytest.raises(Forbidden), commit(session):
            service.accept(session, actor, paper.id)
    assert paper.state is PaperState.WAITING


# ---------------------------------------------------------------- K05


@pytest.fixture
def licensed(session, seller, manager, tmp_path):
    """Documents that end in 29, 30 and 31 days, and one without an end, all accepted."""
    reviewer = keeper(session)
    with commit(session):
        session.add_all(SupplierClass(supplier_id=seller.organisation_id, code=code) for code in ("A0232", "C2309"))
    wanted = queries.wanted_of_supplier(session, manager.organisation_id, clock.today())
    left = {"brand_authorisation": 29, "medical_device_licence": 30, "printing_licence": 31, "clean_record": None}
    with commit(session):
        for code, days in left.items():
            until = None if days is None else clock.today() + timedelta(days=days)
            made = service.hand_in(
                session, manager, tmp_path, wanted, requirement=code, paper=door.paper(valid_to=until), content=door.content(), file_name="a.pdf"
            )
            service.accept(session, reviewer, made.id)
    return manager


@pytest.mark.both_databases
def test_a_document_is_warned_of_thirty_days_before_its_end_once(session, licensed):
    ending = queries.ending(session, licensed.organisation_id)
    assert [each.requirement for each in ending] == ["brand_authorisation", "medical_device_licence"]
    engine = session.get_bind()
    session.rollback()
    assert handlers.scan(lambda: Session(engine)) == 2
    assert handlers.scan(lambda: Session(engine)) == 0
    alerts = list(session.scalars(select(Alert).where(Alert.rule == "K05").order_by(Alert.id)))
    assert [(each.supplier_id, each.region, each.severity.value) for each in alerts] == [(licensed.organisation_id, factories.CITY, "yellow")] * 2
    assert '"days": 30' in alerts[0].inputs


def test_the_days_of_the_warning_are_a_dated_figure(session, licensed):
    with commit(session):
        taxonomy.set_parameter(session, rule="K05", name="d", value=10, valid_from=clock.today(), doc_no="测试")
    assert queries.ending(session, licensed.organisation_id) == []
