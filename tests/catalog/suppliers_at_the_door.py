"""Builders of firms on their way into the library: registered, filled in, submitted; and of their documents."""

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.kernel import clock, contents, credit_codes
from app.kernel.contents import Bounds, Content
from app.policy import Actor
from catalog.onboarding import queries, service
from catalog.onboarding.rules import Joining
from catalog.onboarding.states import Part
from catalog.onboarding.tables import Application
from catalog.qualifications import queries as qualifications
from catalog.qualifications import service as papers
from catalog.qualifications.rules import Paper
from catalog.qualifications.tables import Qualification
from catalog.suppliers.states import Scale
from tests import factories

BOUNDS = Bounds(most_bytes=1_000_000, most_pixels=1_000_000)
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"

COMPANY: dict[str, Any] = {
    "kind": "经销商", "scale": Scale.SMALL, "legal_representative": "方明远", "founded_on": date(2015, 3, 1), "capital_fen": 5_000_000_00,
    "address": "郑州市金水区经三路 9 号", "business": "办公设备、文具用品销售",
}  # fmt: skip
SCOPE = {"classes": ["A0202", "A0504"], "areas": ["410100", "410300"]}
CONTACT = {
    "contact": "何迎春", "phone": "0371-60001234", "email": "sales@mingze.example.cn", "bank_name": "中原银行郑州分行",
    "bank_account": "6222 0000 1234 5678", "payee_account": "acct_mingze0001",
}  # fmt: skip


def content(data: bytes = PDF) -> Content:
    """A small document."""
    return contents.look(data, BOUNDS)


def paper(**more: Any) -> Paper:
    """What stands on a document that holds for another year."""
    plain: dict[str, Any] = {"number": "91410100-1", "issuer": "郑州市市场监督管理局", "valid_from": date(2020, 1, 1), "valid_to": clock.today() + timedelta(days=365)}
    return Paper(**(plain | more))


def credit_code(**more: Any) -> str:
    """A correct credit code that nobody in this run has."""
    return credit_codes.make(Random(factories.serial("onboarding")), **{"front": "91", "region": factories.CITY, **more})


def joined(session: Session, *, region: str = factories.CITY, **more: Any) -> tuple[Application, Actor]:
    """A firm that registered itself, with its administrator."""
    name = factories.serial("郑州明泽办公")
    plain = {"name": f"{name}有限公司", "credit_code": credit_code(), "region": region, "person": "方达", "phone": "0371-60001111", "login": factories.serial("firm")}
    application = service.join(session, Joining(**(plain | more)), password_hash="!")
    return application, factories.actor(session, people.by_id(session, application.applicant_id))


def hand_in(session: Session, actor: Actor, folder: Path, requirement: str, *, at_once: bool = False, **more: Any) -> Qualification:
    """A document of an application."""
    wanted = queries.wanted_of(session, queries.own(session, actor))
    return papers.hand_in(
        session, actor, folder, wanted, requirement=requirement, paper=paper(**more), content=content(), file_name="扫描件.pdf", at_once=at_once
    )


def filled(session: Session, folder: Path, *, region: str = factories.CITY, **more: Any) -> tuple[Application, Actor]:
    """An application that lacks nothing."""
    application, actor = joined(session, region=region, **more)
    service.save(session, actor, Part.COMPANY, COMPANY)
    service.save(session, actor, Part.SCOPE, SCOPE)
    service.save(session, actor, Part.CONTACT, CONTACT)
    for each in queries.wanted_of(session, application):
        if each.required:
            hand_in(session, actor, folder, each.code)
    service.agree(session, actor, queries.agreement(session).version)
    return application, actor


def submitted(session: Session, folder: Path, *, region: str = factories.CITY, **more: Any) -> Application:
    """An application that waits for review."""
    application, actor = filled(session, folder, region=region, **more)
    return service.submit(session, actor)


def renewed(session: Session, actor: Actor, folder: Path, **more: Any) -> Qualification:
    """A licence that a supplier of the library handed in anew."""
    wanted = qualifications.wanted_of_supplier(session, actor.organisation_id or 0, clock.today())
    return papers.hand_in(
        session, actor, folder, wanted, requirement="business_licence", paper=paper(**more), content=content(), file_name="营业执照.pdf"
    )
