"""A trial in words, read from its event: the refusal, what did not move, who sees it, and where its proof lies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.errors import N_
from app.kernel.money import yuan
from app.web.errors import shown
from orders.purchases.verdicts import Outcome, Verdict
from orders.purchases.views import Worded, worded
from supervision.journal import queries as journal
from supervision.training import trials
from supervision.training.trials import Result
from supervision.training.tricks import BY_NAME, Trick

LABELS: Final = {
    "free_fen": N_("可用额度"),
    "reserved_fen": N_("已冻结"),
    "committed_fen": N_("已承诺"),
    "accrued_fen": N_("应付"),
    "paid_fen": N_("已支付"),
    "stock": N_("相关商品库存"),
    "orders": N_("本单位订单数"),
    "steps": N_("订单步骤总数"),
    "cart": N_("购物车行数"),
    "applications": N_("支付申请数"),
    "entry": N_("存证序号"),
    "sha256": N_("真实条目的摘要"),
}
RESULTS: Final = {
    Result.REFUSED: (N_("已拒绝，什么都没有动"), "ok"),
    Result.MOVED: (N_("缺陷：拒绝了，但有东西变动"), "bad"),
    Result.OTHERWISE: (N_("缺陷：因别的原因被拒绝，应有的规则没有拦下"), "bad"),
    Result.ACCEPTED: (N_("缺陷：没有被拒绝"), "bad"),
    Result.UNPLAYED: (N_("演示数据不足，没有试成"), "warn"),
}


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One thing that must not move, before and after."""

    label: str
    before: str
    after: str
    same: bool


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A trial as the page shows it."""

    number: str
    trick: Trick
    at: datetime
    name: str
    result: Result
    label: str
    tone: str
    code: str | None
    sentence: str
    way_out: str
    basis: str
    verdicts: tuple[Worded, ...]
    holdings: tuple[Holding, ...]
    attempt: str | None
    leaf: journal.Tick | None
    attempt_leaf: journal.Tick | None

    @property
    def is_sealed(self) -> bool:
        """Whether every event of it stands under a signed checkpoint."""
        return all(tick is not None and tick.sealed for tick in (self.leaf, *([self.attempt_leaf] if self.attempt else [])))


def tried(session: Session, number: str) -> Tried:
    """A trial by its number. Raises Missing."""
    fact, event = trials.by_number(session, number)
    result = Result(fact.result)
    label, tone = RESULTS[result]
    facts = {key: _(value) if isinstance(value, str) and value else value for key, value in shown(fact.facts).items()}
    return Tried(
        number=number,
        trick=BY_NAME[fact.trick],
        at=event.at,
        name=fact.name,
        result=result,
        label=_(label),
        tone=tone,
        code=fact.code,
        sentence=(_(fact.message, **facts) if facts else _(fact.message)) if fact.message else "",
        way_out=_(fact.way_out) if fact.way_out else "",
        basis=_(fact.basis) if fact.basis else "",
        verdicts=tuple(worded(_verdict(each)) for each in fact.verdicts),
        holdings=tuple(_holding(name, fact.before[name], fact.after.get(name)) for name in LABELS if name in fact.before),
        attempt=fact.attempt,
        leaf=next(iter(journal.leaves_for(session, number)), None),
        attempt_leaf=next(iter(journal.leaves_for(session, fact.attempt)), None) if fact.attempt else None,
    )


def _verdict(stored: dict[str, Any]) -> Verdict:
    return Verdict(
        rule=stored["rule"],
        outcome=Outcome(stored["outcome"]),
        subject=stored["subject"],
        inputs=stored["inputs"],
        threshold=stored["threshold"],
        facts=stored["facts"],
    )


def _holding(name: str, before: Any, after: Any) -> Holding:
    def said(value: Any) -> str:
        return yuan(value) if name.endswith("_fen") else str(value)[:16]

    return Holding(label=_(LABELS[name]), before=said(before), after=said(after), same=before == after)
