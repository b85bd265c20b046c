"""Who stands at the door of the supplier library when the training province opens: applications, and a licence that ends soon.

All of it goes through the product's own services, after the year was written in bulk.
"""

from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people.tables import Person, Post
from app.kernel import clock, contents, credit_codes, typeset
from app.kernel.contents import Content
from app.kernel.db import commit
from app.policy import Actor
from catalog.listings.tables import Listing
from catalog.onboarding import queries as applications
from catalog.onboarding import service as onboarding
from catalog.onboarding.rules import PAPER, Joining
from catalog.onboarding.states import Part
from catalog.products.tables import Product
from catalog.qualifications import queries as qualifications
from catalog.qualifications import service as papers
from catalog.qualifications.rules import Paper
from catalog.suppliers import service as suppliers
from catalog.suppliers.states import Scale
from catalog.suppliers.tables import StandingDecision, SupplierClass
from supervision.alerts import handlers as alerts
from supervision.training.key import Planted

ENDS_IN_DAYS: Final = 24
"""Inside the thirty days of rule K05."""

KEEPER: Final = "supervisor.zz"
PROVINCE_KEEPER: Final = "supervisor.hn"
SELLER: Final = "manager.s01"
ISSUER: Final = "郑州市市场监督管理局"

FIRMS: Final[tuple[tuple[str, str, str, str, dict[str, str]], ...]] = (
    ("郑州启辰办公设备有限公司", "410105", "经销商", "firm.qc", {}),
    (
        "郑州和光印务有限公司", "410100", "服务商", "firm.hg",
        {f"{PAPER}printing_licence": "扫描件缺少副本的变更页，请补全后重新上传", "contact": "收款账户名称与企业名称不一致"},
    ),
    ("郑州云岫电子商务有限公司", "410100", "电商", "firm.yx", {}),
)
"""Name, home, kind, login of the administrator, and why it was returned; the last one has only begun."""

CLASSES: Final = {"经销商": ["A0202", "A0504"], "服务商": ["C2309"], "电商": ["A0201", "A0504"]}


def fill(sessions: Callable[[], Session], folder: Path) -> Planted:
    """Let firms apply, and one supplier renew its papers; returns what rule K05 must find."""
    with sessions() as session, commit(session):
        kept = session.scalars(select(Person.password_hash).where(Person.login == SELLER)).one()
        suppliers.complete(session)
        _decree(session)
        _classes(session)
        planted = _licences(session, folder)
        for number, firm in enumerate(FIRMS):
            _apply(session, folder, firm, kept, number, whole=number + 1 < len(FIRMS))
    alerts.scan(sessions)
    return planted


def _decree(session: Session) -> None:
    """The one supplier that is suspended when the province opens: by whom, and on what paper."""
    decided = {"starts_at": clock.now() - timedelta(days=40), "decided_for": "河南省财政厅", "document_no": "豫财购〔2026〕41号"}
    session.execute(update(StandingDecision).values(**decided, basis="河南省政府采购网上商城规则第十八条"))


def _classes(session: Session) -> None:
    """Suppliers were admitted for what they list."""
    code = func.substr(Product.category_code, 1, 5)
    listed = select(Listing.supplier_id, code).join(Product, Product.id == Listing.product_id).distinct()
    session.execute(insert(SupplierClass).from_select(["supplier_id", "code"], listed))


def _licences(session: Session, folder: Path) -> Planted:
    """One supplier's licences: in force, about to end, and one renewed that waits.

    What ends soon is none that it must have: its offers stay on the shelf when the clock of the province is put forward.
    """
    manager, keeper = actor_of(session, SELLER), actor_of(session, PROVINCE_KEEPER)
    wanted = qualifications.wanted_of_supplier(session, manager.organisation_id or 0, clock.today())
    left: dict[str, int | None] = {"business_licence": None, "sme_statement": ENDS_IN_DAYS, "tax_and_insurance": 200}
    for number, (code, days) in enumerate(left.items()):
        title = next(each.title for each in wanted if each.code == code)
        for again in range(1 + (code == "business_licence")):
            made = papers.hand_in(
                session, manager, folder, wanted,
                requirement=code,
                paper=_paper(f"ZZ{2024 + again}{number + 1:04d}", days),
                content=_scan(manager.organisation_name, title),
                file_name=f"{title}.pdf",
            )  # fmt: skip
            if not again:
                papers.accept(session, keeper, made.id)
    what = f"一份声明 {ENDS_IN_DAYS} 日后到期，三十日内须提醒"
    return Planted(rule="K05", subject=manager.organisation_name, login="s01", region=manager.region, what=what)


def _apply(
    session: Session, folder: Path, firm: tuple[str, str, str, str, dict[str, str]], kept: str, number: int, *, whole: bool
) -> None:
    name, region, kind, login, reasons = firm
    code = credit_codes.make(Random(name), region=region)  # no secret is drawn from it  # nosec B311
    who = Joining(name=name, credit_code=code, region=region, person="林知夏", phone=f"0371-0000{number:04d}", login=login)
    application = onboarding.join(session, who, password_hash=kept)
    actor = actor_of(session, login)
    company: dict[str, Any] = {
        "kind": kind, "scale": Scale.SMALL, "legal_representative": "沈怀瑾", "founded_on": date(2016, 5, 18), "capital_fen": 8_000_000_00,
        "address": "郑州市金水区文化路 66 号", "business": "办公用品、印刷品、电子产品的销售与服务",
    }  # fmt: skip
    onboarding.save(session, actor, Part.COMPANY, company)
    onboarding.save(session, actor, Part.SCOPE, {"classes": CLASSES[kind], "areas": ["410000"]})
    if not whole:
        return
    contact = {
        "contact": "林知夏", "phone": who.phone, "email": f"{login}@example.cn", "bank_name": "中原银行郑州分行",
        "bank_account": f"41000000000{number:05d}", "payee_account": f"acct_door{number:06d}",
    }  # fmt: skip
    onboarding.save(session, actor, Part.CONTACT, contact)
    wanted = applications.wanted_of(session, application)
    for place, each in enumerate(wanted, start=1):
        if each.required:
            papers.hand_in(
                session, actor, folder, wanted,
                requirement=each.code, paper=_paper(f"{code[-6:]}-{place:02d}", 700), content=_scan(name, each.title),
                file_name=f"{each.title}.pdf", at_once=False,
            )  # fmt: skip
    onboarding.agree(session, actor, applications.agreement(session).version)
    onboarding.submit(session, actor)
    if reasons:
        onboarding.send_back(session, actor_of(session, KEEPER), application.number, reasons)


def _paper(number: str, days: int | None) -> Paper:
    today = clock.today()
    until = None if days is None else today + timedelta(days=days)
    return Paper(number=number, issuer=ISSUER, valid_from=today - timedelta(days=400), valid_to=until)


def _scan(name: str, title: str) -> Content:
    """A page that says what it stands for."""
    content = {"title": title, "name": name, "mark": typeset.DEMO_MARK}
    data = typeset.pdf((files("supervision.training") / "data" / "scan.typ").read_bytes(), content, at=clock.now())
    return Content(kind=contents.Kind.PDF, data=data)


def actor_of(session: Session, login: str) -> Actor:
    """The person with this login, with all his roles."""
    person = session.scalars(select(Person).where(Person.login == login)).one()
    of = session.get_one(Organisation, person.organisation_id)
    return Actor(
        person_id=person.id,
        name=person.name,
        organisation_id=of.id,
        organisation_kind=of.kind,
        organisation_name=of.name,
        region=of.region,
        roles=frozenset(session.scalars(select(Post.role).where(Post.person_id == person.id))),
    )
