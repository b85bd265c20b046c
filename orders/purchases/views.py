"""Verdicts in words, for every page and answer that shows checks: title, sentence, basis, figure and way out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.kernel.money import yuan
from app.web.errors import shown
from orders.purchases.verdicts import Outcome, Verdict

Way = tuple[str, str]
"""A label and the address it leads to."""

Ways = Callable[[Verdict], Sequence[Way]]


@dataclass(frozen=True, kw_only=True)
class Worded:
    """One verdict line as the macros draw it."""

    outcome: str
    rule: str
    title: str
    detail: str
    basis: str
    figure: str
    bound: str
    subject: str
    ways: tuple[Way, ...] = ()


def sentence(verdict: Verdict) -> str:
    """What the check found, in the reader's language; empty when the rule has no sentence."""
    words = verdict.words.sentence
    facts = {name: _(value) if isinstance(value, str) and value else value for name, value in shown(verdict.facts).items()}
    return _(words, **facts) if words else ""


def worded(verdict: Verdict, ways: Sequence[Way] = ()) -> Worded:
    """One verdict in words."""
    words, passed = verdict.words, verdict.outcome is Outcome.PASS
    figure, bound = figures(verdict)
    found = "" if passed else "　".join(part for part in (sentence(verdict), _(words.way_out) if words.way_out else "") if part)
    return Worded(
        outcome={Outcome.WATCH: "warn"}.get(verdict.outcome, verdict.outcome.value),
        rule=verdict.rule,
        title=_(words.passed if passed and words.passed else words.title),
        detail=found,
        basis=_(words.basis) if words.basis else "",
        figure=figure,
        bound=bound,
        subject=verdict.subject,
        ways=tuple(ways),
    )


def worded_all(verdicts: Iterable[Verdict], ways: Ways | None = None) -> list[Worded]:
    """All verdicts as people read them: every one that did not pass, and the passed ones summed per rule."""
    found: list[Worded] = []
    passed: dict[str, list[Verdict]] = {}
    total: dict[str, int] = {}
    for verdict in verdicts:
        total[verdict.rule] = total.get(verdict.rule, 0) + 1
        if verdict.outcome is Outcome.PASS:
            passed.setdefault(verdict.rule, []).append(verdict)
        else:
            found.append(worded(verdict, ways(verdict) if ways else ()))
    for rule, group in passed.items():
        one = worded(group[0])
        figure, bound = (
            (one.figure, one.bound) if len(group) == total[rule] == 1 else (_("%(n)s / %(all)s 项", n=len(group), all=total[rule]), "")
        )
        found.append(
            Worded(outcome="pass", rule=rule, title=one.title, detail="", basis=one.basis, figure=figure, bound=bound, subject=one.subject)
        )
    return found


def figures(verdict: Verdict) -> tuple[str, str]:
    """The figure that was judged and what it was judged against, ready to be read; empty where a rule has none."""
    facts, inputs, threshold = verdict.facts, verdict.inputs, verdict.threshold
    match verdict.rule:
        case "B02":
            return yuan(facts["wanted_fen"]), _("可用 %(v)s", v=yuan(facts["free_fen"]))
        case "B04":
            return str(facts["wanted"]), _("剩余 %(v)s", v=facts["free"])
        case "P01" | "P02":
            return yuan(facts["total_fen"]), _("限额 %(v)s", v=yuan(facts["limit_fen"]))
        case "STOCK":
            return str(facts["wanted"]), _("库存 %(v)s", v=facts["stock"])
        case "PRICE":
            return yuan(facts["now_fen"]), _("所见 %(v)s", v=yuan(facts["seen_fen"]))
        case "B11":
            return str(inputs["economic_class"]), _("应为 %(v)s", v="、".join(threshold["allowed"]))
        case "P03":
            return str(facts["compared"]), _("应比选 %(v)s 家", v=facts["needed"])
        case "P04":
            return yuan(facts["price_fen"]), _("同款最低 %(v)s", v=yuan(facts["lowest_fen"]))
        case "B03":
            return str(facts["category"]), _("计划 %(v)s", v=facts["planned"])
    for name in ("total_fen", "sum_fen"):
        if name in facts:
            limit = facts.get("limit_fen")
            return yuan(facts[name]), _("限额 %(v)s", v=yuan(limit)) if limit is not None else ""
    return "", ""


def spoken(verdict: Verdict) -> dict[str, Any]:
    """A verdict for a program: codes and figures as stored, with the words in the reader's language."""
    words = verdict.words
    return verdict.as_dict() | {
        "title": _(words.title),
        "basis": _(words.basis) if words.basis else "",
        "sentence": "" if verdict.outcome is Outcome.PASS else sentence(verdict),
        "way_out": _(words.way_out) if words.way_out and verdict.outcome is not Outcome.PASS else "",
    }
