"""Suppliers as a table: registered as organisations and let into the library, or found there as the row says."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.organisations import service as register
from app.accounts.organisations.queries import Organisation
from app.accounts.organisations.rules import NewOrganisation, check_code, check_phone
from app.bulk.entity import Cells, Entity, Judged, Verdict, differing, problem
from app.bulk.states import Outcome
from app.kernel import credit_codes, regions
from app.kernel.errors import N_
from app.kernel.sheets import BadCell, CellProblem, Column, SheetRow
from app.policy import Actor, OrganisationKind, Permission
from catalog.suppliers import queries, service
from catalog.suppliers.rules import SCALE_NAMES
from catalog.suppliers.states import Scale
from catalog.suppliers.tables import Supplier


def _scale(text: str) -> Scale:
    found = next((scale for scale, name in SCALE_NAMES.items() if text in {name, scale.value}), None)
    if found is None:
        raise BadCell(N_("不在可选的范围内"), N_("从这些里选一个：%(words)s"), words="、".join(SCALE_NAMES.values()))
    return found


def _region(text: str) -> str:
    if text not in regions.REGIONS:
        raise BadCell(N_("没有这个行政区划代码"), N_("使用六位区划代码，如 410105（金水区）"))
    return text


def _credit_code(text: str) -> str:
    credit_codes.check(text)
    return text


COLUMNS: Final = (
    Column("code", N_("机构编码"), parse=check_code, sample="S410001", most=20),
    Column("name", N_("供应商名称"), sample="郑州某某办公设备有限公司", most=120),
    Column("credit_code", N_("统一社会信用代码"), parse=_credit_code, most=18),
    Column("region", N_("区划代码"), parse=_region, sample="410105"),
    Column("kind", N_("类型"), sample="电商", most=20),
    Column("scale", N_("规模"), parse=_scale, words=tuple(SCALE_NAMES.values()), sample="小型企业"),
    Column("legal_representative", N_("法定代表人"), most=40),
    Column("contact", N_("联系人"), most=40),
    Column("phone", N_("电话"), parse=check_phone, most=20),
    Column("bank_name", N_("开户银行"), most=80),
    Column("bank_account", N_("银行账号"), most=40),
    Column("payee_account", N_("收款账户"), note=N_("在支付通道的账户"), most=60),
)


_problem = partial(problem, COLUMNS)


def judge(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """New codes are registered and let in; registered suppliers are let in; whoever is in must stand as the row says."""
    known = organisations.by_codes(session, {row["code"] for row in rows})
    library = queries.those(session, [each.id for each in known.values()])
    taken = organisations.by_credit_codes(session, {row["credit_code"] for row in rows})
    met: dict[str, int] = memory.setdefault("credit_codes", {})
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    for row in rows:
        here = known.get(row["code"])
        wrong = []
        if here is None and (row["credit_code"] in taken or row["credit_code"] in met):
            wrong.append(_problem(row, "credit_code", N_("该代码已登记"), N_("删去这一行，或改正代码")))
        elif here is not None and here.kind is not OrganisationKind.SUPPLIER:
            wrong.append(_problem(row, "code", N_("该编码属于另一类机构"), N_("换一个编码")))
        elif here is not None and (other := differing(row, _stands(here, library.get(here.id)), COLUMNS)):
            way_out = N_("资料由供应商自行变更，或在供应商页办理")
            wrong.append(_problem(row, "code", N_("该供应商已登记，这些内容不同：%(columns)s"), way_out, columns=other))
        if here is None:
            met[row["credit_code"]] = row.line
        problems += wrong
        if not wrong:
            entered = here is not None and here.id in library
            judged.append(Judged(row, Outcome.UNCHANGED if entered else Outcome.ADDED, here.id if here else None))
    return judged, problems


def _stands(here: Organisation, supplier: Supplier | None) -> dict[str, object]:
    own: dict[str, object] = {"code": here.code, "name": here.name, "credit_code": here.credit_code or "", "region": here.region}
    if supplier is not None:
        names = ("kind", "scale", "legal_representative", "contact", "phone", "bank_name", "bank_account", "payee_account")
        own |= {name: getattr(supplier, name) for name in names}
    return own


def write(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Register whoever is new and let all of them in."""
    entries = []
    for each in judged:
        row = each.row
        organisation_id = each.intent
        if organisation_id is None:
            new = NewOrganisation(
                kind=OrganisationKind.SUPPLIER, code=row["code"], name=row["name"], region=row["region"], credit_code=row["credit_code"]
            )
            organisation_id = register.register(session, actor, new).id
        more = {name: row[name] for name in (column.name for column in COLUMNS) if name not in {"code", "credit_code", "region"}}
        entries.append(service.Entry(organisation_id=organisation_id, **more))
    service.enter_all(session, actor, entries)


def export(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The library by name, narrowed by `q` as the page is."""
    q = " ".join(args.get("q", "").split())[:60]
    cursor: str | None = None
    while True:
        page = queries.visible(session, q=q, cursor=cursor, limit=500)
        houses = organisations.of_ids(session, [row.organisation_id for row in page.rows])
        for row in page.rows:
            told = _stands(houses[row.organisation_id], row)
            yield {name: str(value) for name, value in {**told, "scale": SCALE_NAMES[row.scale]}.items()}
        if (cursor := page.next) is None:
            return


ENTITIES: Final = (
    Entity(
        name="suppliers", label=N_("供应商库"), note=N_("登记机构并入库；已在库的供应商资料不能用表格修改"), columns=COLUMNS, key=("code",),
        imports=Permission.ORGANISATION_REGISTER, exports=Permission.ORGANISATION_REGISTER, judge=judge, write=write, export=export,
        page="suppliers.index",
    ),
)  # fmt: skip
