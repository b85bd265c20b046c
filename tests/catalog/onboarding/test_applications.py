"""The way of a firm into the library: a draft in parts, submitted, returned with reasons, mended, admitted."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people import queries as people
from app.accounts.people.rules import LoginTaken
from app.kernel import clock, credit_codes
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.kernel.sheets import table_of
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.onboarding import handlers, queries, rules, service
from catalog.onboarding.rules import AlreadyRegistered, Incomplete, NoReason, NotAFirm, NotNow, NotOpen, UnknownSubject
from catalog.onboarding.states import Part, State
from catalog.onboarding.tables import Application, Remark
from catalog.qualifications import queries as papers
from catalog.qualifications.states import PaperState
from catalog.suppliers import queries as suppliers
from catalog.suppliers.rules import Dishonest, UnknownArea
from catalog.suppliers.service import import_dishonest
from catalog.suppliers.states import Scale, Standing
from tests import factories
from tests.catalog import suppliers_at_the_door as door
from tests.catalog.suppliers.test_dishonest import HEAD, line


def keeper(session, region=factories.CITY, role=Role.SUPERVISOR, kind=OrganisationKind.FINANCE):
    with commit(session):
        return factories.actor(session, factories.person(session, factories.organisation(session, kind, region=region), role))


def types(session, application):
    return list(session.scalars(select(Event.type).where(Event.stream == application.number).order_by(Event.version)))


@pytest.mark.both_databases
def test_a_firm_registers_fills_in_is_returned_with_reasons_mends_and_is_admitted(session, tmp_path):
    reviewer = keeper(session)
    with commit(session):
        application, actor = door.filled(session, tmp_path)
    assert (application.state, actor.roles, queries.missing(session, application)) == (State.DRAFT, {Role.SUPPLIER_ADMIN}, {})
    with commit(session):
        service.submit(session, actor)
    assert (application.state, application.round) == (State.SUBMITTED, 1)
    assert application.due_at > clock.now()
    reasons = {"contact": "收款账户与开户名不一致", "paper:business_licence": "扫描件不清楚", "scope": " "}
    with commit(session):
        service.send_back(session, reviewer, application.number, reasons)
    assert application.state is State.RETURNED
    assert queries.remarks(session, application) == {"contact": "收款账户与开户名不一致", "paper:business_licence": "扫描件不清楚"}
    returned = papers.current(session, application.organisation_id)["business_licence"][0].paper
    assert (returned.state, returned.return_reason) == (PaperState.RETURNED, "扫描件不清楚")
    with pytest.raises(Incomplete) as refused, commit(session):
        service.submit(session, actor)
    assert refused.value.missing == "营业执照"
    with commit(session):
        service.save(session, actor, Part.CONTACT, door.CONTACT | {"bank_account": "6222000099998888"})
        door.hand_in(session, actor, tmp_path, "business_licence", number="第二次")
    with commit(session):
        service.submit(session, actor)
    assert (application.round, queries.remarks(session, application)) == (2, {})
    with commit(session):
        service.admit(session, reviewer, application.number)
    supplier = suppliers.by_id(session, application.organisation_id)
    assert (supplier.standing, supplier.kind, supplier.scale, supplier.bank_account) == (Standing.ACTIVE, "经销商", Scale.SMALL, "6222000099998888")
    assert suppliers.areas(session, supplier.organisation_id) == ("410100", "410300")
    assert suppliers.classes(session, supplier.organisation_id) == ("A0202", "A0504")
    assert people.roles_of(session, actor.person_id) == {Role.SUPPLIER_ADMIN, Role.LISTER, Role.ORDER_CLERK}
    accepted = papers.accepted(session, supplier.organisation_id)
    assert {each.number for each in accepted if each.requirement == "business_licence"} == {"第二次"}
    assert {each.requirement for each in accepted} == {each.code for each in queries.wanted_of(session, application) if each.required}
    moves = [each.removeprefix("supplier.application_") for each in types(session, application) if "saved" not in each and "agreement" not in each]
    assert moves == ["begun", "submitted", "returned", "submitted", "admitted"]


@pytest.mark.both_databases
def test_a_draft_keeps_every_part_between_steps_and_says_what_it_lacks(session, tmp_path):
    with commit(session):
        application, actor = door.joined(session)
    with commit(session):
        service.save(session, actor, Part.COMPANY, {"kind": "电商", "scale": None, "legal_representative": "", "address": "经三路 9 号"})
    session.expire_all()
    assert (application.kind, application.address, application.legal_representative) == ("电商", "经三路 9 号", None)
    lacking = queries.missing(session, application)
    assert lacking[Part.COMPANY] == ("企业规模", "法定代表人", "成立日期", "注册资本", "经营范围")
    assert lacking[Part.SCOPE] == ("经营品类", "供货区域")
    assert lacking[Part.CONTACT] == ("电子邮箱", "开户银行", "银行账号", "国库支付收款账户")
    assert "增值电信业务经营许可证" in lacking[Part.PAPERS]
    assert lacking[Part.AGREEMENT] == ("入驻协议",)
    with pytest.raises(Incomplete), commit(session):
        service.submit(session, actor)
    assert (application.state, types(session, application)) == (State.DRAFT, ["supplier.application_begun", "supplier.application_saved"])


@pytest.mark.parametrize(
    ("part", "values", "refusal"),
    [
        (Part.CONTACT, {"email": "nobody"}, rules.BadEmail),
        (Part.CONTACT, {"bank_account": "12"}, rules.BadAccount),
        (Part.CONTACT, {"payee_account": "a b"}, rules.BadPayeeAccount),
        (Part.COMPANY, {"founded_on": clock.today() + timedelta(days=1)}, rules.FoundedLater),
        (Part.SCOPE, {"areas": ["999999"]}, UnknownArea),
    ],
)
def test_a_field_of_the_wrong_shape_is_refused_by_name_and_nothing_is_kept(session, part, values, refusal):
    with commit(session):
        application, actor = door.joined(session)
    with pytest.raises(refusal) as refused, commit(session):
        service.save(session, actor, part, values)
    assert refused.value.field == next(iter(values))
    assert types(session, application) == ["supplier.application_begun"]


def test_who_registers_needs_a_credit_code_of_a_firm_that_nobody_has(session):
    with commit(session):
        there = factories.supplier(session)
        held = session.get_one(Organisation, there.organisation_id).credit_code
        taken = factories.person(session, session.get_one(Organisation, there.organisation_id)).login
    wrong = door.credit_code()
    wrong = wrong[:17] + ("0" if wrong[17] != "0" else "1")
    refused = [
        (credit_codes.WrongCheckDigit, {"credit_code": wrong}),
        (credit_codes.WrongLength, {"credit_code": "91"}),
        (NotAFirm, {"credit_code": door.credit_code(front="11")}),
        (AlreadyRegistered, {"credit_code": held}),
        (LoginTaken, {"login": taken}),
    ]
    before = factories.how_many(session, Organisation)
    for kind, more in refused:
        with pytest.raises(kind) as no, commit(session):
            door.joined(session, **more)
        assert no.value.field == next(iter(more))
    assert (factories.how_many(session, Organisation), factories.how_many(session, Application)) == (before, 0)


def test_what_was_submitted_is_not_written_in_until_it_is_withdrawn(session, tmp_path):
    with commit(session):
        application, actor = door.filled(session, tmp_path)
        service.submit(session, actor)
    for attempt in (
        lambda: service.save(session, actor, Part.COMPANY, {"address": "别处"}),
        lambda: service.agree(session, actor, "2026-1"),
        lambda: service.note_papers(session, actor),
    ):
        with pytest.raises(NotOpen), commit(session):
            attempt()
    with pytest.raises(NotNow), commit(session):
        service.submit(session, actor)
    assert application.address == door.COMPANY["address"]
    with commit(session):
        service.withdraw(session, actor)
        service.save(session, actor, Part.COMPANY, {"address": "别处"})
    assert (application.state, application.address, application.due_at) == (State.DRAFT, "别处", None)


def test_a_new_version_of_the_agreement_is_accepted_anew(session, tmp_path):
    with commit(session):
        application, actor = door.filled(session, tmp_path)
        first = queries.agreement(session)
    assert (application.agreement_version, application.agreed_by) == (first.version, actor.person_id)
    with commit(session):
        service.publish_agreement(session, "2026-2", "新协议", "一、新条款。", clock.today())
    assert queries.missing(session, application) == {Part.AGREEMENT: ("入驻协议",)}
    with pytest.raises(rules.AgreementChanged), commit(session):
        service.agree(session, actor, first.version)
    with commit(session):
        service.agree(session, actor, "2026-2")
    assert queries.missing(session, application) == {}
    assert session.get_one(queries.Agreement, first.version).text.startswith("一、供应商承诺")


@pytest.mark.both_databases
def test_who_stands_on_a_list_of_dishonest_firms_is_neither_submitted_nor_admitted(session, tmp_path):
    reviewer = keeper(session)
    with commit(session):
        application, actor = door.filled(session, tmp_path)
        code = session.get_one(Organisation, application.organisation_id).credit_code
        other = door.submitted(session, tmp_path)
        other_code = session.get_one(Organisation, other.organisation_id).credit_code
        import_dishonest(session, SYSTEM, table_of((HEAD + line(code) + line(other_code)).encode()))
    with pytest.raises(Dishonest), commit(session):
        service.submit(session, actor)
    with pytest.raises(Dishonest), commit(session):
        service.admit(session, reviewer, other.number)
    assert (application.state, other.state) == (State.DRAFT, State.SUBMITTED)
    assert not suppliers.has_entered(session, other.organisation_id)


def test_a_return_names_at_least_one_item_of_the_application(session, tmp_path):
    reviewer = keeper(session)
    with commit(session):
        application = door.submitted(session, tmp_path)
    for kind, reasons in ((NoReason, {"company": " "}), (UnknownSubject, {"nothing": "x"}), (UnknownSubject, {"paper:security_licence": "x"})):
        with pytest.raises(kind), commit(session):
            service.send_back(session, reviewer, application.number, reasons)
    assert (application.state, factories.how_many(session, Remark)) == (State.SUBMITTED, 0)


@pytest.mark.both_databases
def test_an_application_is_for_the_firm_and_once_handed_over_for_who_reviews_its_region(session, tmp_path):
    reviewers = [keeper(session), keeper(session, "410000"), keeper(session, role=Role.CATALOGUE_ADMIN, kind=OrganisationKind.AGENCY)]
    far = [keeper(session, factories.OTHER_CITY), keeper(session, factories.COUNTY)]
    with commit(session):
        application, actor = door.filled(session, tmp_path)
        _, rival = door.joined(session)
        buyer = factories.actor(session, factories.person(session, factories.unit(session), Role.BUYER))
    paper = papers.current(session, application.organisation_id)["business_licence"][0].paper.id
    for stranger in (*reviewers, *far, rival, buyer):
        with pytest.raises(Missing):
            queries.by_number(session, stranger, application.number)
        with pytest.raises(Missing):
            papers.by_id(session, stranger, paper)
    with commit(session):
        service.submit(session, actor)
    for reviewer in reviewers:
        assert queries.by_number(session, reviewer, application.number).id == application.id
        assert papers.by_id(session, reviewer, paper).paper.id == paper
        assert [row.application.id for row in queries.listing(session, reviewer, State.SUBMITTED).rows] == [application.id]
    for stranger in (*far, rival, buyer):
        with pytest.raises(Missing):
            queries.by_number(session, stranger, application.number)
        assert application.id not in [row.application.id for row in queries.listing(session, stranger, None).rows]
    for stranger in (rival, buyer, actor):
        with pytest.raises(Forbidden), commit(session):
            service.admit(session, stranger, application.number)
    assert application.state is State.SUBMITTED


@pytest.mark.both_databases
def test_a_draft_that_nobody_goes_on_with_lapses_and_its_credit_code_is_free(session, tmp_path, monkeypatch):
    with commit(session):
        application, _actor = door.joined(session)
        code = session.get_one(Organisation, application.organisation_id).credit_code
        waiting = door.submitted(session, tmp_path)
    engine, began = session.get_bind(), clock.now()
    for days, lapsed in ((90, 0), (92, 1), (93, 0)):
        session.rollback()
        monkeypatch.setattr(clock, "now", lambda days=days: began + timedelta(days=days))
        assert handlers.lapse(lambda: Session(engine)) == lapsed
    session.expire_all()
    firm = session.get_one(Organisation, application.organisation_id)
    assert (application.state, waiting.state, firm.active, firm.credit_code) == (State.LAPSED, State.SUBMITTED, False, None)
    with commit(session):
        again, _ = door.joined(session, credit_code=code)
    assert again.state is State.DRAFT
