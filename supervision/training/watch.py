"""The alerts of the training province, raised in the course of its year by the product's own rules, and what was done about them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from app.kernel import clock, numbers
from app.kernel.events import Fact
from app.policy import Role
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import What
from orders.purchases.queries import KIND_OF
from orders.purchases.rules import Past
from orders.purchases.states import State
from orders.purchases.verdicts import RULESET, Outcome, Verdict
from supervision.alerts import events, rules
from supervision.alerts.rules import Finding, Overdue
from supervision.alerts.service import CLOCKS
from supervision.alerts.states import AlertState, DismissCode, Severity
from supervision.alerts.tables import Alert
from supervision.training.cast import Cast, Unit
from supervision.training.deals import Bureau, Deal
from supervision.training.writer import Writer

CONCLUSIONS: Final = {
    "S02": "已约谈采购单位，责成合并后续需求转项目采购，财政局留存谈话记录。",
    "S04": "已核对各单需求依据，需求独立，提醒单位加强计划管理。",
    "T01": "已电话提醒供应商，额度已自动释放，单位另行采购。",
    "T02": "已督促供应商补发，货物现已送达。",
    "T03": "已督促采购单位补办验收记录，付款期限按期起算。",
    "T04": "已督促单位支付，逾期利息另行结算。",
    "X02": "已核对取消理由，提醒单位提交前确认需求。",
    "X03": "已约谈供应商，计入诚信评价。",
}


class Watch:
    """Raises alerts, and has supervisors handle the older ones."""

    def __init__(self, writer: Writer, bureau: Bureau, rng: Random, cast: Cast) -> None:
        self.writer = writer
        self.bureau = bureau
        self.rng = rng
        self.cast = cast
        self.names = {player.id: player.name for player in (*cast.units, *cast.sellers)}
        self.latest: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []
        self.given_up: dict[int, list[tuple[datetime, Past]]] = defaultdict(list)
        self.turned_down: dict[int, list[tuple[datetime, Past]]] = defaultdict(list)
        self.reached: dict[int, list[datetime]] = defaultdict(list)
        self.near: dict[tuple[int, str, str], list[Past]] = defaultdict(list)
        self.found: list[tuple[datetime, dict[str, Any]]] = []
        """Alerts that are new since somebody last looked; the year plans their handling."""

    def _figures(self, rule: str, day: date) -> dict[str, Any]:
        return taxonomy.parameters(self.bureau.session, rule, day)

    # ------------------------------------------------------------ what the rules look at

    def submitted(self, deal: Deal, verdicts: Sequence[Verdict], at: datetime) -> None:
        """S02 as the gate judged, S04 by the amounts."""
        self._splits(deal.unit, verdicts, deal.number, deal.total_fen, [deal.seller.id], at)
        day = clock.local(at).date()
        figures = self._figures("S04", day)
        sums: dict[str, int] = defaultdict(int)
        for line in deal.lines:
            sums[line.article.seed.category_code[:7]] += line.price_fen * line.quantity
        for letter in sorted({level3[0] for level3 in sums} & set(KIND_OF)):
            for what in (What.DIRECT_CEILING, What.MALL_CEILING):
                limit = self.bureau.limit(what, deal.unit.region, letter, day)
                kept = self.near[deal.unit.id, letter, what.value]
                fresh = [
                    Past(number=deal.number, supplier_id=deal.seller.id, level3=level3, amount_fen=fen, at=at)
                    for level3, fen in sums.items()
                    if level3[0] == letter and limit * (100 - figures["p_percent"]) <= fen * 100 < limit * 100
                ]
                if not fresh:
                    continue
                kept[:] = [past for past in kept if past.at >= at - timedelta(days=figures["d"])] + fresh
                found = rules.near_limit(
                    kept, limit_fen=limit, name=what.value, figures=figures, region=deal.unit.region, unit_id=deal.unit.id, year=day.year
                )
                if found is not None:
                    self.raise_alert(found, at)

    def refused(self, unit: Unit, verdicts: Sequence[Verdict], attempt: str, total_fen: int, sellers: Sequence[int], at: datetime) -> None:
        """S02 in a refused cart."""
        self._splits(unit, verdicts, attempt, total_fen, sellers, at)

    def _splits(self, unit: Unit, verdicts: Sequence[Verdict], number: str, total_fen: int, sellers: Sequence[int], at: datetime) -> None:
        this = {
            "number": number,
            "at": at.isoformat(timespec="seconds"),
            "amount_fen": total_fen,
            "supplier_id": sellers[0] if len(sellers) == 1 else None,
        }
        for verdict in verdicts:
            if verdict.rule == "S02" and verdict.outcome is not Outcome.PASS:
                found = rules.split_found(verdict.as_dict(), region=unit.region, unit_id=unit.id, this=this, year=clock.local(at).year)
                self.raise_alert(found, at)

    def approved(self, deal: Deal) -> None:
        """The order reached its supplier."""
        self.reached[deal.seller.id].append(deal.submitted_at)

    def ended(self, deal: Deal, at: datetime) -> None:
        """X02: the unit gave up an order that was approved or concluded."""
        if deal.state is not State.TERMINATED and deal.approver is None:
            return
        kept = self.given_up[deal.unit.id]
        kept.append((deal.submitted_at, _whole(deal, at)))
        day = clock.local(at).date()
        figures = self._figures("X02", day)
        since = at - timedelta(days=figures["d"])
        lost = [past for submitted, past in kept if submitted >= since]
        found = rules.cancelled_without_cause(lost, figures=figures, region=deal.unit.region, unit_id=deal.unit.id, year=day.year)
        if found is not None:
            self.raise_alert(found, at)

    def turned(self, deal: Deal, at: datetime) -> None:
        """X03: the supplier refused an order, or let it lapse."""
        kept = self.turned_down[deal.seller.id]
        kept.append((deal.submitted_at, _whole(deal, at)))
        day = clock.local(at).date()
        figures = self._figures("X03", day)
        since = at - timedelta(days=figures["d"])
        lost = [past for submitted, past in kept if submitted >= since]
        reached = sum(submitted >= since for submitted in self.reached[deal.seller.id])
        found = rules.refuses_orders(lost, reached, figures=figures, region=deal.seller.region, supplier_id=deal.seller.id, year=day.year)
        if found is not None:
            self.raise_alert(found, at)

    def missed(self, rule: str, deal: Deal, due: date, at: datetime, amount_fen: int | None = None) -> None:
        """T01–T04: a deadline was not kept."""
        overdue = Overdue(
            number=deal.number,
            region=deal.unit.region,
            unit_id=deal.unit.id,
            supplier_id=deal.seller.id,
            amount_fen=deal.total_fen if amount_fen is None else amount_fen,
            due=due,
            at=deal.submitted_at,
        )
        today = clock.local(at).date()
        self.raise_alert(rules.late(rule, overdue, today=today, figures=self._figures(rule, today)), at)

    # ------------------------------------------------------------ alerts

    def raise_alert(self, finding: Finding, at: datetime) -> None:
        """Make an alert of a finding, or let the hit join the open one (as `alerts.service.raise_alert`)."""
        known = self.latest.get(finding.key)
        if known is None:
            self._new(finding, finding.key, at)
            return
        evidence = known["evidence"]
        fresh = [each for each in finding.evidence if each["number"] not in {one["number"] for one in evidence}]
        if finding.once or not fresh:
            return
        if known["state"] in {AlertState.NEW, AlertState.CLAIMED}:
            known["version"] += 1
            known["evidence"] = [*evidence, *fresh]
            known |= {"inputs": dict(finding.inputs), "amount_fen": finding.amount_fen, "order_number": finding.order}
            self._tell(known, self._fact(events.AlertHit, known, finding, known["evidence"]), None, at)
            return
        self._new(finding, f"{finding.key}#{known['id']}", at)

    def _new(self, finding: Finding, key: str, at: datetime) -> None:
        day = clock.local(at).date()
        severity = Severity(self._figures(finding.rule, day).get("severity", Severity.YELLOW))
        name = CLOCKS.get(severity)
        due = None if name is None else clock.end_of_day(self.bureau.term(name, finding.region, day).after(day).on)
        row: dict[str, Any] = {
            "id": self.writer.id(Alert),
            "number": numbers.new("YJ", at=day, rng=self.rng),
            "version": 1,
            "key": key,
            "rule": finding.rule,
            "rule_version": RULESET,
            "severity": severity,
            "region": finding.region,
            "unit_id": finding.unit_id,
            "supplier_id": finding.supplier_id,
            "order_number": finding.order,
            "amount_fen": finding.amount_fen,
            "parameters": dict(finding.parameters),
            "inputs": dict(finding.inputs),
            "evidence": list(finding.evidence),
            "state": AlertState.NEW,
            "owner_id": None,
            "due_at": due,
            "raised_at": at,
            "handled_at": None,
            "close_code": None,
            "note": None,
        }
        self.latest[finding.key] = row
        self.rows.append(row)
        self.found.append((at, row))
        self._tell(row, self._fact(events.AlertRaised, row, finding, finding.evidence), None, at)

    def _fact(
        self, kind: type[events.AlertFound], row: Mapping[str, Any], finding: Finding, evidence: Sequence[Mapping[str, Any]]
    ) -> events.AlertFound:
        return kind(
            alert=row["number"],
            rule=row["rule"],
            severity=row["severity"].value,
            rule_version=RULESET,
            key=row["key"],
            unit_id=finding.unit_id,
            unit_name=self.names.get(finding.unit_id or 0, ""),
            supplier_id=finding.supplier_id,
            supplier_name=self.names.get(finding.supplier_id or 0, ""),
            order=finding.order,
            amount_fen=finding.amount_fen,
            inputs=dict(finding.inputs),
            parameters=dict(finding.parameters),
            evidence=tuple(dict(each) for each in evidence),
        )

    def _tell(self, row: Mapping[str, Any], fact: Fact, actor: int | None, at: datetime) -> None:
        owner = row["unit_id"] or row["supplier_id"]
        self.writer.record(fact, stream=row["number"], version=row["version"], region=row["region"], owner=owner, actor=actor, at=at)

    def supervisor(self, row: Mapping[str, Any]) -> int | None:
        """Who handles alerts of a region."""
        bureau = self.cast.bureaus.get(row["region"])
        return None if bureau is None else bureau.people[Role.SUPERVISOR]

    def claim(self, row: dict[str, Any], at: datetime) -> None:
        """The supervisor of the region takes the alert."""
        owner = self.supervisor(row)
        if owner is None or row["state"] is not AlertState.NEW:
            return
        row |= {"state": AlertState.CLAIMED, "owner_id": owner, "version": row["version"] + 1}
        fact = events.AlertClaimed(alert=row["number"], rule=row["rule"], severity=row["severity"].value, owner_id=owner)
        self._tell(row, fact, owner, at)

    def conclude(self, row: dict[str, Any], at: datetime) -> None:
        """The owner closes the alert, or now and then dismisses it."""
        if row["state"] is not AlertState.CLAIMED:
            return
        row |= {"version": row["version"] + 1, "handled_at": at}
        head = {"alert": row["number"], "rule": row["rule"], "severity": row["severity"].value}
        if row["rule"] == "S04":
            row |= {"state": AlertState.DISMISSED, "close_code": DismissCode.LAWFUL.value, "note": CONCLUSIONS[row["rule"]]}
            fact: Fact = events.AlertDismissed(**head, code=row["close_code"], note=row["note"])
        else:
            row |= {"state": AlertState.CLOSED, "note": CONCLUSIONS[row["rule"]]}
            fact = events.AlertClosed(**head, note=row["note"])
        self._tell(row, fact, row["owner_id"], at)

    def write(self) -> None:
        """Put all alerts among the rows to be written, as they stand now."""
        for row in self.rows:
            texts = {name: json.dumps(row[name], ensure_ascii=False, sort_keys=True) for name in ("parameters", "inputs", "evidence")}
            self.writer.add(Alert, row | texts)


def _whole(deal: Deal, at: datetime) -> Past:
    return Past(number=deal.number, supplier_id=deal.seller.id, level3="", amount_fen=deal.total_fen, at=at)
