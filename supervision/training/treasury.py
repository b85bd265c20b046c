"""Gives the units of the training province their money: projects, allotments, procurement-budget lines, filed plans."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy.orm import Session

from app.kernel import clock, numbers
from app.policy import Role
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.budgets import events
from orders.budgets.states import ControlKind, Pool
from orders.budgets.tables import Allotment, BudgetLine, BudgetProject, Control, Move
from orders.plans.events import PlanFiled
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine
from supervision.training import goods
from supervision.training.cast import Unit
from supervision.training.market import Market
from supervision.training.purses import Grant, Planned, Purse, Purses, Wanted
from supervision.training.writer import Writer

CLASS_NAMES: Final = {
    "31002": ("办公设备购置", "项目支出"),
    "31007": ("信息网络及软件购置更新", "项目支出"),
    "31003": ("专用设备购置", "项目支出"),
    "30201": ("办公费", "基本支出"),
    "30202": ("印刷费", "基本支出"),
    "30209": ("物业管理费", "基本支出"),
    "30213": ("维修（护）费", "基本支出"),
    "30215": ("会议费", "基本支出"),
    "30218": ("专用材料费", "基本支出"),
    "30231": ("公务用车运行维护费", "基本支出"),
}
"""Departmental economic classes, with the kind of expenditure they belong to; the first that fits a category pays for it."""

CORE: Final = ("A02021003", "A02010105", "A05040101", "A02010108", "A05040401", "A05010301", "A02061804", "C23090199")
"""What every unit buys: laser printers, desktop computers, paper, portable computers, stationery, chairs, air conditioners, printing."""

FUNCTIONAL: Final = (("教育", "2050101"), ("中学", "2050204"), ("卫生", "2100101"), ("医院", "2100201"))


class Treasury:
    """Gives units their money for a year."""

    def __init__(self, session: Session, writer: Writer, rng: Random, market: Market, purses: Purses) -> None:
        self.session = session
        self.writer = writer
        self.rng = rng
        self.market = market
        self.purses = purses
        self.projects: dict[tuple[int, int, str], int] = {}
        self.counted: dict[int, int] = defaultdict(int)
        self._able: dict[tuple[str, date], list[str]] = {}

    def wishes(self, unit: Unit, lines: int, at: datetime) -> list[Wanted]:
        """What the unit means to buy in a year: the usual things, and some of its own."""
        on = clock.local(at).date()
        if (unit.region, on) not in self._able:
            self._able[unit.region, on] = [
                category
                for category in goods.categories()
                if category in self.market.by_category and taxonomy.in_mall(self.session, category, unit.region, on)
            ]
        able = self._able[unit.region, on]
        core = [category for category in CORE if category in able]
        rest = [category for category in able if category not in core]
        chosen = [*core, *self.rng.sample(rest, min(max(lines - len(core), 0), len(rest)))][:lines]
        wanted = []
        for category in chosen:
            low, high = goods.categories()[category].quantity
            quantity = max(round(self.rng.uniform(low, high) * (0.4 + unit.staff / 120)), 2)
            price = self.market.typical_fen(category)
            quantity = max(min(quantity, 260_000_00 // price), 2)
            wanted.append(
                Wanted(
                    category=category,
                    economic_class=self._class_of(category, on),
                    quantity=quantity,
                    amount_fen=_rounded(quantity * price * 5 // 4, 100_00),
                    plan_share=self.rng.uniform(0.6, 0.95),
                )
            )
        return wanted

    def _class_of(self, category: str, on: date) -> str:
        allowed = taxonomy.classes_for(self.session, category, on)
        return next((known for known in CLASS_NAMES if known in allowed), min(allowed) if allowed else "30201")

    def fund(self, unit: Unit, year: int, wanted: list[Wanted], at: datetime) -> datetime:
        """Open the unit's allotments of a year, add its budget lines and file its first plans; returns when it was done."""
        by_class: dict[str, list[Wanted]] = defaultdict(list)
        for wish in wanted:
            by_class[wish.economic_class].append(wish)
        for economic_class, wishes in sorted(by_class.items()):
            at = self._allot(unit, year, economic_class, wishes, at)
        return at

    def _allot(self, unit: Unit, year: int, economic_class: str, wishes: list[Wanted], at: datetime) -> datetime:
        name, kind = CLASS_NAMES.get(economic_class, (economic_class, "项目支出"))
        amount = _rounded(sum(wish.amount_fen for wish in wishes) * 21 // 20, 1_000_00)
        number = f"ZB{year % 100:02d}{unit.tag.upper()}{economic_class}"
        project_code = "JB01" if kind == "基本支出" else f"XM{economic_class}"
        project_name = "日常公用经费" if kind == "基本支出" else f"{name}项目"
        project = self._project(unit, year, project_code, project_name, kind)
        functional = next((code for word, code in FUNCTIONAL if word in unit.name), "2010301")
        document = f"豫财预〔{year}〕{self.rng.randint(1, 60)}号"
        at += timedelta(seconds=2)
        fact = events.AllotmentOpened(
            allotment=number,
            unit_id=unit.id,
            unit_name=unit.name,
            year=year,
            amount_fen=amount,
            project=project_code,
            functional_class=functional,
            economic_class=economic_class,
            fund_nature="一般公共预算",
            source="年初预算",
            document_number=document,
        )
        self.writer.record(fact, stream=number, version=1, region=unit.region, owner=unit.id, actor=None, at=at)
        purse = self._open(ControlKind.ALLOTMENT, unit, year, amount, None, stream=number, version=1, key=f"{number}:1", actor=None, at=at)
        grant = Grant(id=self.writer.id(Allotment), number=number, economic_class=economic_class, purse=purse)
        self.writer.add(
            Allotment,
            {
                "id": grant.id,
                "control_id": purse.id,
                "number": number,
                "unit_id": unit.id,
                "project_id": project,
                "year": year,
                "functional_class": functional,
                "economic_class": economic_class,
                "fund_nature": "一般公共预算",
                "source": "年初预算",
                "document_number": document,
                "version": 1 + len(wishes),
            },
        )
        lines: list[tuple[int, str, Wanted, int, int]] = []
        for version, wish in enumerate(wishes, start=2):
            self.counted[unit.id] += 1
            code = f"CG{year % 100:02d}{unit.tag.upper()}{self.counted[unit.id]:03d}"
            at += timedelta(seconds=1)
            line = events.BudgetLineAdded(
                allotment=number,
                unit_id=unit.id,
                unit_name=unit.name,
                year=year,
                amount_fen=wish.amount_fen,
                line=code,
                category=wish.category,
                name=goods.plain_name(wish.category),
                quantity=wish.quantity,
                sme_reserved=True,
                import_allowed=False,
            )
            self.writer.record(line, stream=number, version=version, region=unit.region, owner=unit.id, actor=None, at=at)
            pieces = max(min(round(wish.quantity * wish.plan_share), wish.quantity), 1)
            planned_fen = min(wish.amount_fen * pieces // wish.quantity // 100_00 * 100_00 or wish.amount_fen, wish.amount_fen)
            row = {
                "id": self.writer.id(BudgetLine),
                "unit_id": unit.id,
                "year": year,
                "code": code,
                "project_id": project,
                "allotment_id": grant.id,
                "category_code": wish.category,
                "name": goods.plain_name(wish.category),
                "quantity": wish.quantity,
                "amount_fen": wish.amount_fen,
                "planned_fen": planned_fen,
                "planned_quantity": pieces,
                "sme_reserved": True,
                "import_allowed": False,
            }
            self.writer.add(BudgetLine, row)
            lines.append((int(str(row["id"])), code, wish, planned_fen, pieces))
        return self._file(unit, year, f"{year}年{name}采购计划", grant, lines, at + timedelta(minutes=20))

    def _file(
        self, unit: Unit, year: int, title: str, grant: Grant, lines: list[tuple[int, str, Wanted, int, int]], at: datetime
    ) -> datetime:
        """File a plan with one line for each budget line."""
        day = clock.local(at).date()
        number, plan_id = numbers.new("JH", at=day, rng=self.rng), self.writer.id(Plan)
        finance = unit.people[Role.FINANCE]
        fact = PlanFiled(
            plan=number,
            unit_id=unit.id,
            unit_name=unit.name,
            year=year,
            total_fen=sum(fen for *_, fen, _ in lines),
            categories=tuple(sorted({wish.category for _, _, wish, _, _ in lines})),
            title=title,
            origin="form",
            lines=tuple(
                {
                    "line": line_no,
                    "category": wish.category,
                    "name": goods.plain_name(wish.category),
                    "quantity": pieces,
                    "amount_fen": fen,
                    "budget_line": code,
                    "allotment": grant.number,
                }
                for line_no, (_, code, wish, fen, pieces) in enumerate(lines, start=1)
            ),
        )
        self.writer.record(fact, stream=number, version=1, region=unit.region, owner=unit.id, actor=finance, at=at)
        until = taxonomy.term(self.session, TermName.PLAN_RETURN, unit.region, day).after(day).on
        self.writer.add(
            Plan,
            {
                "id": plan_id,
                "number": number,
                "unit_id": unit.id,
                "region": unit.region,
                "year": year,
                "title": title,
                "method": "mall",
                "state": PlanState.FILED,
                "version": 1,
                "filed_by": finance,
                "filed_at": at,
                "returnable_until": clock.end_of_day(until),
                "return_reason": None,
                "returned_by": None,
            },
        )
        for line_no, (budget_line, _, wish, fen, pieces) in enumerate(lines, start=1):
            purse = self._open(
                ControlKind.PLAN_LINE, unit, year, fen, pieces, stream=number, version=1, key=f"{number}:1:{line_no}", actor=finance, at=at
            )
            planned = Planned(
                id=self.writer.id(PlanLine),
                plan_number=number,
                line_no=line_no,
                year=year,
                category=wish.category,
                name=goods.plain_name(wish.category),
                purse=purse,
                grant=grant,
            )
            self.writer.add(
                PlanLine,
                {
                    "id": planned.id,
                    "plan_id": plan_id,
                    "line_no": line_no,
                    "unit_id": unit.id,
                    "year": year,
                    "budget_line_id": budget_line,
                    "allotment_id": grant.id,
                    "control_id": purse.id,
                    "category_code": wish.category,
                    "name": planned.name,
                    "quantity": pieces,
                    "amount_fen": fen,
                },
            )
            self.purses.by_unit[unit.id].append(planned)
        return at

    def _project(self, unit: Unit, year: int, code: str, name: str, kind: str) -> int:
        key = (unit.id, year, code)
        if key not in self.projects:
            self.projects[key] = self.writer.id(BudgetProject)
            row = {"id": self.projects[key], "unit_id": unit.id, "year": year, "code": code, "name": name, "kind": kind}
            self.writer.add(BudgetProject, row)
        return self.projects[key]

    def _open(
        self,
        kind: ControlKind,
        unit: Unit,
        year: int,
        amount_fen: int,
        quantity: int | None,
        *,
        stream: str,
        version: int,
        key: str,
        actor: int | None,
        at: datetime,
    ) -> Purse:
        purse = Purse(id=self.writer.id(Control), amount_fen=amount_fen, quantity=quantity)
        self.purses.controls.append(purse)
        self.writer.add(
            Control,
            {
                "id": purse.id,
                "kind": kind,
                "unit_id": unit.id,
                "year": year,
                "amount_fen": amount_fen,
                "reserved_fen": 0,
                "committed_fen": 0,
                "accrued_fen": 0,
                "paid_fen": 0,
                "quantity": quantity,
                "ordered": 0,
            },
        )
        self.writer.add(
            Move,
            {
                "id": self.writer.id(Move),
                "key": key,
                "control_id": purse.id,
                "source": Pool.OUTSIDE,
                "target": Pool.FREE,
                "amount_fen": amount_fen,
                "order_line_id": None,
                "quantity": quantity or 0,
                "stream": stream,
                "version": version,
                "actor_id": actor,
                "at": at,
            },
        )
        return purse


def _rounded(fen: int, step: int) -> int:
    return -(-fen // step) * step
