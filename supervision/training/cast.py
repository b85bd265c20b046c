"""Who plays in the training province: units in three levels, finance departments, agencies, auditors, suppliers, the operator.

Everybody has a login that says who he is: `buyer.zz01` is the buyer of the first unit of 郑州, `supervisor.zz` watches the
city, `clerk.s01` handles the orders of the first supplier. All share one password.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from app.accounts.organisations import events as organisation_events
from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.accounts.people import events as people_events
from app.accounts.people.service import OPERATOR_NAME
from app.accounts.people.tables import Person, PersonState, Post
from app.kernel import credit_codes, regions
from app.kernel.events import Fact
from app.policy import OrganisationKind, Role
from catalog.suppliers import events as supplier_events
from catalog.suppliers.service import stream_of
from catalog.suppliers.states import Scale, Standing
from catalog.suppliers.tables import Supplier
from orders.purchases.rules import Past
from supervision.training import goods
from supervision.training.scales import CITY_OF_THE_TOUR, PROVINCE, letters
from supervision.training.scales import Scale as WorldScale
from supervision.training.writer import Writer

PASSWORD: Final = "training-mall-2026"  # noqa: S105 - the password of every login of the training province, printed by `mall demo`

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉梅琳建国志远晓东海燕春雷文博思远雨桐子涵浩然欣怡嘉琪俊峰立新红卫"

UNIT_LOGINS: Final = {
    Role.BUYER: "buyer",
    Role.APPROVER: "approver",
    Role.ACCEPTOR: "acceptor",
    Role.FINANCE: "finance",
    Role.ASSET_MANAGER: "asset",
    Role.UNIT_ADMIN: "admin",
}
SUPPLIER_LOGINS: Final = {Role.ORDER_CLERK: "clerk", Role.LISTER: "lister", Role.SUPPLIER_ADMIN: "manager"}
BUREAU_LOGINS: Final = {
    Role.SUPERVISOR: "supervisor",
    Role.PLAN_CLERK: "plans",
    Role.PERMIT_OFFICER: "permits",
    Role.RULE_ADMIN: "rules",
    Role.DISCLOSURE_EDITOR: "disclosure",
}
OPERATOR_LOGINS: Final = {
    Role.SYSTEM_ADMIN: "system.admin",
    Role.SECURITY_ADMIN: "security.admin",
    Role.AUDIT_ADMIN: "audit.admin",
}
_KIND_WORDS: Final = {goods.UnitKind.ORGAN: "机关", goods.UnitKind.INSTITUTION: "事业单位", goods.UnitKind.MASS: "群团组织"}
_SUPPLIER_WORDS: Final = {"e-shop": "电商", "framework": "协议供货商", "dealer": "经销商", "service": "服务商"}


@dataclass(kw_only=True)
class Player:
    """An organisation with its people by role."""

    id: int
    name: str
    region: str
    tag: str
    credit_code: str
    people: dict[Role, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class Unit(Player):
    """A purchasing unit: where goods go, who is billed, and what it ordered lately."""

    level: int
    staff: int
    places: dict[int, str] = field(default_factory=dict)
    past: list[Past] = field(default_factory=list)
    withdrawn: int = 0
    """How often it took an approved order back or ended a contract; kept below rule X02 but for planted ones."""

    @property
    def title(self) -> str:
        """The invoice title."""
        return self.name


@dataclass(kw_only=True)
class Seller(Player):
    """A supplier."""

    kind: str
    scale: Scale
    categories: frozenset[str]
    legal: str
    bank: str
    account: str
    payee: str
    areas: str
    suspended_from: datetime | None = None
    turned_down: int = 0
    """How often it refused an order or let one lapse; kept below rule X03 but for planted ones."""

    def trades_at(self, at: datetime) -> bool:
        """Whether it may trade at this moment."""
        return self.suspended_from is None or at < self.suspended_from

    def serves(self, region: str) -> bool:
        """Whether it delivers to a region."""
        return self.areas == PROVINCE or regions.within(region, self.areas)

    @property
    def is_sme(self) -> bool:
        """Whether it is a micro, small or medium enterprise."""
        return self.scale is not Scale.LARGE


@dataclass(kw_only=True)
class Cast:
    """Everybody."""

    units: list[Unit]
    sellers: list[Seller]
    bureaus: dict[str, Player]
    """Finance departments by region."""


class Casting:
    """Registers organisations and gives people their logins."""

    def __init__(self, writer: Writer, rng: Random, at: datetime, password_hash: str) -> None:
        self.writer = writer
        self.rng = rng
        self.at = at
        self.password_hash = password_hash
        self.by_code: dict[str, int] = {}
        self.numbers: dict[str, int] = {}

    def _organisation(
        self,
        kind: OrganisationKind,
        *,
        code: str,
        name: str,
        short: str,
        credit_code: str | None,
        region: str,
        level: int = 1,
        parent: int | None = None,
        unit_kind: str | None = None,
    ) -> int:
        number = self.writer.id(Organisation)
        self.by_code[code] = number
        self.writer.add(
            Organisation,
            {
                "id": number,
                "kind": kind,
                "code": code,
                "name": name,
                "short_name": short,
                "credit_code": credit_code,
                "region": region,
                "parent_id": parent,
                "level": level,
                "unit_kind": unit_kind,
                "active": True,
                "registered_at": self.at,
            },
        )
        fact = organisation_events.OrganisationRegistered(
            organisation_id=number, kind=kind.value, code=code, name=name, region=region, parent_id=parent
        )
        self._event(fact, f"organisation/{number}", 1, region, number)
        return number

    def _event(self, fact: Fact, stream: str, version: int, region: str, owner: int) -> None:
        self.at += timedelta(seconds=1)
        self.writer.record(fact, stream=stream, version=version, region=region, owner=owner, actor=None, at=self.at)

    def _person(self, login: str, organisation: int, region: str, *roles: Role) -> int:
        number = self.writer.id(Person)
        name = self.rng.choice(_SURNAMES) + "".join(self.rng.sample(_GIVEN, self.rng.choice((1, 2, 2))))
        self.writer.add(
            Person,
            {
                "id": number,
                "organisation_id": organisation,
                "login": login,
                "name": name,
                "phone": f"0371-0000{self.rng.randint(0, 9999):04d}",
                "password_hash": self.password_hash,
                "must_change_password": False,
                "totp_secret": None,
                "totp_last_step": None,
                "failures": 0,
                "locked_until": None,
                "sessions_from": None,
                "state": PersonState.ACTIVE,
                "version": 1,
                "created_at": self.at,
            },
        )
        for role in roles:
            self.writer.add(Post, {"person_id": number, "role": role, "granted_by": None, "granted_at": self.at})
        held = tuple(sorted(role.value for role in roles))
        fact = people_events.PersonAdded(person_id=number, organisation_id=organisation, name=name, roles=held)
        self._event(fact, f"person/{number}", 1, region, organisation)
        return number

    def unit(self, seed: goods.UnitSeed) -> Unit:
        """A unit with an address or two, an invoice title and one person for each role."""
        code = f"{seed.region_code}{seed.code}"
        parent = self.by_code.get(f"{seed.region_code}{seed.parent_code}") if seed.parent_code else None
        place = letters(seed.region_code)
        self.numbers[place] = self.numbers.get(place, 0) + 1
        tag = f"{place}{self.numbers[place]:02d}"
        number = self._organisation(
            OrganisationKind.UNIT,
            code=code,
            name=seed.name,
            short=seed.name.removeprefix(regions.by_code(seed.region_code).name),
            credit_code=seed.credit_code,
            region=seed.region_code,
            level=seed.level,
            parent=parent,
            unit_kind=_KIND_WORDS[seed.kind],
        )
        unit = Unit(
            id=number, name=seed.name, region=seed.region_code, tag=tag, credit_code=seed.credit_code, level=seed.level, staff=seed.staff
        )
        for role, word in UNIT_LOGINS.items():
            unit.people[role] = self._person(f"{word}.{tag}", number, seed.region_code, role)
        street = seed.address.removeprefix(regions.full_name(seed.region_code))
        version = 1
        for at, label in enumerate(("办公楼", "后勤库房")[: 1 + (seed.level == 1)]):
            row = {
                "id": self.writer.id(Address),
                "organisation_id": number,
                "label": label,
                "region": seed.region_code,
                "street": f"{street}{label}",
                "contact": self.rng.choice(_SURNAMES) + "老师",
                "phone": f"0371-0000{self.rng.randint(0, 9999):04d}",
                "is_default": at == 0,
                "active": True,
            }
            self.writer.add(Address, row)
            unit.places[int(row["id"])] = f"{regions.full_name(seed.region_code)} {row['street']}（{row['contact']} {row['phone']}）"  # type: ignore[call-overload]
            version += 1
            added = organisation_events.AddressAdded(address_id=int(row["id"]), region=seed.region_code, street=str(row["street"]))  # type: ignore[call-overload]
            self._event(added, f"organisation/{number}", version, seed.region_code, number)
        title = self.writer.id(InvoiceTitle)
        self.writer.add(
            InvoiceTitle,
            {
                "id": title,
                "organisation_id": number,
                "title": seed.name,
                "tax_number": seed.credit_code,
                "is_default": True,
                "active": True,
            },
        )
        fact = organisation_events.InvoiceTitleAdded(invoice_title_id=title, title=seed.name, tax_number=seed.credit_code)
        self._event(fact, f"organisation/{number}", version + 1, seed.region_code, number)
        return unit

    def seller(self, seed: goods.SupplierSeed, no: int, *, suspended: tuple[datetime, datetime] | None = None) -> Seller:
        """A supplier in the library with its staff; `suspended` from when until when it may not trade."""
        region = seed.region_code or PROVINCE
        tag = f"s{no:02d}"
        number = self._organisation(
            OrganisationKind.SUPPLIER, code=f"GYS{no:05d}", name=seed.name, short=seed.short, credit_code=seed.credit_code, region=region
        )
        legal = self.rng.choice(_SURNAMES) + self.rng.choice(_GIVEN)
        local = seed.kind == "dealer" and seed.region_code and self.rng.random() < 0.2
        seller = Seller(
            id=number,
            name=seed.name,
            region=region,
            tag=tag,
            credit_code=seed.credit_code,
            kind=seed.kind,
            scale=Scale(seed.scale),
            categories=frozenset(seed.category_codes),
            legal=legal,
            bank=seed.bank,
            account=seed.account,
            payee=f"acct_training{number:06d}",
            areas=_city_of(region) if local else PROVINCE,
            suspended_from=suspended[0] if suspended else None,
        )
        for role, word in SUPPLIER_LOGINS.items():
            seller.people[role] = self._person(f"{word}.{tag}", number, region, role)
        self._event(
            supplier_events.SupplierEntered(supplier_id=number, name=seed.name, kind=_SUPPLIER_WORDS[seed.kind], scale=seed.scale),
            stream_of(number),
            1,
            region,
            number,
        )
        self.writer.add(
            Supplier,
            {
                "organisation_id": number,
                "name": seed.name,
                "kind": _SUPPLIER_WORDS[seed.kind],
                "scale": seller.scale,
                "standing": Standing.SUSPENDED if suspended else Standing.ACTIVE,
                "standing_reason": SUSPENSION if suspended else None,
                "standing_until": suspended[1] if suspended else None,
                "legal_representative": legal,
                "contact": self.rng.choice(_SURNAMES) + "经理",
                "phone": seed.phone,
                "bank_name": seed.bank,
                "bank_account": seed.account,
                "payee_account": seller.payee,
                "score": 92 if suspended else self.rng.choice((100, 100, 100, 98, 96, 95)),
                "version": 2 if suspended else 1,
                "entered_at": self.at,
            },
        )
        return seller

    def bureau(self, region: str) -> Player:
        """The finance department of a region."""
        name = f"{_short(region)}财政局" if region != PROVINCE else "河南省财政厅"
        return self._office(OrganisationKind.FINANCE, region, "CZ", name, BUREAU_LOGINS)

    def agency(self, region: str) -> Player:
        """The central purchasing agency of a province or prefecture."""
        return self._office(OrganisationKind.AGENCY, region, "JC", f"{_short(region)}政府采购中心", {Role.CATALOGUE_ADMIN: "catalogue"})

    def auditors(self, region: str) -> Player:
        """The audit office of a region."""
        name = f"{_short(region)}审计{'厅' if region == PROVINCE else '局'}"
        return self._office(OrganisationKind.AUDIT, region, "SJ", name, {Role.AUDITOR: "auditor"})

    def operator(self) -> None:
        """Whoever runs the mall: three separated administrators."""
        number = self._organisation(
            OrganisationKind.OPERATOR, code="OPERATOR", name=OPERATOR_NAME, short=OPERATOR_NAME, credit_code=None, region=PROVINCE
        )
        for role, login in OPERATOR_LOGINS.items():
            self._person(login, number, PROVINCE, role)

    def _office(self, kind: OrganisationKind, region: str, prefix: str, name: str, logins: dict[Role, str]) -> Player:
        credit_code = credit_codes.make(self.rng, front="11" if kind is not OrganisationKind.AGENCY else "12", region=region)
        number = self._organisation(kind, code=f"{prefix}{region}", name=name, short=name, credit_code=credit_code, region=region)
        player = Player(id=number, name=name, region=region, tag=letters(region), credit_code=credit_code)
        for role, word in logins.items():
            player.people[role] = self._person(f"{word}.{player.tag}", number, region, role)
        return player


SUSPENSION: Final = "多次无故放弃已提交的订单"


def _short(region: str) -> str:
    return regions.by_code(region).name


def _city_of(region: str) -> str:
    """The prefecture-level city a place lies in."""
    way = regions.path(region)
    return way[1].code if len(way) > 1 else region


def gather(casting: Casting, scale: WorldScale, rng: Random, *, suspended: tuple[datetime, datetime]) -> Cast:
    """Register everybody of a scale; one supplier of 郑州 is suspended from when until when it says."""
    casting.operator()
    bureaus = {region: casting.bureau(region) for region in scale.places}
    for region in scale.places:
        if regions.by_code(region).level != "county":
            casting.agency(region)
        casting.auditors(region)
    units = [casting.unit(seed) for seed in goods.units(rng, scale.places, scale.units)]
    seeds = list(goods.suppliers(rng, scale.suppliers))
    barred = next(no for no, seed in enumerate(seeds, start=1) if seed.region_code == CITY_OF_THE_TOUR and seed.kind == "framework")
    sellers = [casting.seller(seed, no, suspended=suspended if no == barred else None) for no, seed in enumerate(seeds, start=1)]
    return Cast(units=units, sellers=sellers, bureaus=bureaus)
