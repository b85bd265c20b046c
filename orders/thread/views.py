"""Pages that gather the loop: the list of orders, one order with its spine, a submission, the workbench."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from app.kernel import clock, money, regions, sheets, workdays
from app.kernel.errors import N_
from app.policy import Permission
from app.web import htmx
from app.web.errors import shown
from app.web.extensions import db
from app.web.filters import large
from app.web.guard import maybe_me, me, requires
from app.web.streams import streamed
from orders.assets.states import STATE_NAMES as CARD_NAMES
from orders.budgets import queries as budgets
from orders.budgets.states import POOL_NAMES
from orders.carts import views as carts
from orders.deliveries.states import KIND_NAMES
from orders.payments.states import KIND_NAMES as INVOICE_NAMES
from orders.payments.states import STATE_NAMES as APPLICATION_NAMES
from orders.plans import queries as plans
from orders.purchases import queries as purchases
from orders.purchases.states import STATE_NAMES
from orders.purchases.views import worded_all
from orders.thread import desk, forms, queries, rules
from orders.thread.rules import TONES, Filters, Step
from orders.thread.states import GROUP_NAMES, OPEN, WORKS, Group, Kind, Sort

bp = Blueprint("thread", __name__, template_folder="templates")


# ---------------------------------------------------------------- the list


@bp.get("/orders")
@requires(Permission.ORDER_READ)
def orders() -> ResponseReturnValue:
    """The orders the reader may see, narrowed by what stands in the address."""
    session, actor = db.session(), me()
    filters, only = forms.narrowing(me(), request.args)
    page = queries.orders(session, actor, filters, only=only, cursor=request.args.get("cursor"))
    counts = queries.counts(session, actor, filters, only=only)
    return htmx.show(
        "thread/orders.html",
        page=page,
        filters=filters,
        tabs=_tabs(filters, counts),
        chips=_chips(filters),
        link=lambda **changes: url_for("thread.orders", **rules.address_of(filters, **changes)),
        export=url_for("thread.export", **rules.address_of(filters)),
        args=rules.address_of(filters),
        sorts=Sort,
        state_names=STATE_NAMES,
        tones=TONES,
        bucket=POOL_NAMES[filters.bucket] if filters.bucket and filters.control else None,
        buys=actor.may(Permission.CART_USE),
        actor=actor,
    )


@bp.get("/orders.csv")
@requires(Permission.ORDER_READ)
def export() -> ResponseReturnValue:
    """The same list as a table to take away: the same filters, order and columns."""
    filters, only = forms.narrowing(me(), request.args)
    body = streamed(sheets.written(_table(filters, only)))
    name = f"orders-{clock.today().isoformat()}.csv"
    return Response(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _table(filters: Filters, only: ColumnElement[bool] | None) -> Iterator[Sequence[object]]:
    if current_app.config["SETTINGS"].is_demo:
        yield [_("演示数据")]
    heads = [_("订单号"), _("提交时间"), _("采购单位"), _("供应商"), _("商品"), _("行数"), _("金额（元）"), _("状态"), _("期限")]
    with_bucket = filters.control is not None and filters.bucket is not None
    yield [*heads, *([_("%(bucket)s（元）", bucket=_(POOL_NAMES[filters.bucket]))] if with_bucket and filters.bucket else [])]
    for row in queries.exported(db.session(), me(), filters, only=only):
        order = row.order
        yield [
            order.number,
            clock.local(order.submitted_at).strftime("%Y-%m-%d %H:%M:%S"),
            row.unit,
            row.supplier,
            row.title,
            row.lines,
            money.yuan(order.total_fen).replace(",", ""),
            _(STATE_NAMES[order.state]),
            clock.local(order.due_at).strftime("%Y-%m-%d %H:%M") if order.due_at else "",
            *([money.yuan(row.held_fen or 0).replace(",", "")] if with_bucket else []),
        ]


def _tabs(filters: Filters, counts: dict[Any, queries.Count]) -> list[tuple[str, str, bool, int | None]]:
    """All, every state that has orders, and the two ends; only what is under way is counted."""

    def tab(label: str, state: Any, count: int | None = None) -> tuple[str, str, bool, int | None]:
        return label, url_for("thread.orders", **rules.address_of(filters, state=state)), filters.state == state, count

    middle = [tab(_(STATE_NAMES[each]), each, counts[each].orders if each in counts else 0) for each in OPEN]
    under_way = sum(each.orders for each in counts.values())
    ends = [tab(_(GROUP_NAMES[each]), each) for each in (Group.DONE, Group.ENDED)]
    kept = [each for each in middle if each[2] or each[3]]
    return [tab(_("全部"), None), tab(_(GROUP_NAMES[Group.OPEN]), Group.OPEN, under_way), *kept, *ends]


def _chips(filters: Filters) -> list[tuple[str, str]]:
    """What narrows the list, each with the address without it."""

    def chip(label: str, **without: Any) -> tuple[str, str]:
        return label, url_for("thread.orders", **rules.address_of(filters, **without))

    found: list[tuple[str, str]] = []
    if filters.todo:
        found.append(chip(_(WORKS[filters.todo].label), todo=None))
    if filters.control is not None:
        name = queries.control_name(db.session(), me(), filters.control)
        label = _("%(name)s 的%(bucket)s", name=name, bucket=_(POOL_NAMES[filters.bucket])) if filters.bucket else name
        found.append(chip(label, control=None, bucket=None))
    if filters.q:
        found.append(chip(_("含“%(q)s”", q=filters.q), q=""))
    if filters.since:
        found.append(chip(_("%(day)s 起", day=filters.since.isoformat()), since=None))
    if filters.until:
        found.append(chip(_("%(day)s 止", day=filters.until.isoformat()), until=None))
    if filters.region:
        found.append(chip(regions.full_name(filters.region), region=None))
    sides = queries.side_names(db.session(), filters)
    if filters.unit is not None:
        found.append(chip(_("单位：%(name)s", name=sides.get(filters.unit, filters.unit)), unit=None))
    if filters.supplier is not None:
        found.append(chip(_("供应商：%(name)s", name=sides.get(filters.supplier, filters.supplier)), supplier=None))
    if filters.due:
        found.append(chip(_("两日内到期或已超期"), due=False))
    return found


# ---------------------------------------------------------------- one order


@dataclass(frozen=True, kw_only=True)
class Document:
    """A paper of an order."""

    icon: str
    label: str
    href: str | None
    note: str
    at: datetime | None = None


@bp.get("/orders/<number>")
@requires(Permission.ORDER_READ)
def order(number: str) -> ResponseReturnValue:
    """An order from the submission to the asset card: spine, lines, money, papers, checks, receipt."""
    found = queries.thread(db.session(), me(), number)
    return htmx.show(
        "thread/order.html",
        thread=found,
        order=found.order,
        steps=[_drawn(found, step) for step in found.steps],
        documents=_documents(found),
        verdicts=worded_all(found.decisions),
        holds=found.holds,
        state_names=STATE_NAMES,
        tones=TONES,
        actor=me(),
    )


@bp.get("/orders/submissions/<number>")
@requires(Permission.ORDER_READ)
def submission(number: str) -> ResponseReturnValue:
    """What a cart became: one order per supplier, and every check that was made."""
    session, actor = db.session(), me()
    found, rows = queries.submission(session, actor, number)
    verdicts = purchases.decisions_of(session, rows[0].order) if not actor.is_supplier else ()
    return htmx.show(
        "thread/submission.html",
        submission=found,
        rows=rows,
        total_fen=sum(row.order.total_fen for row in rows),
        verdicts=worded_all(verdicts),
        state_names=STATE_NAMES,
        tones=TONES,
    )


def _said(step: Step) -> str:
    """What a step says besides its title, in the reader's language."""
    parts = [_(step.who)] if step.who else []
    parts += [_(sentence, **shown(facts)) for sentence, facts in step.said]
    if step.note:
        parts.append(step.note)
    return " · ".join(parts)


def _drawn(found: queries.Thread, step: Step) -> dict[str, Any]:
    """A step as the macro draws it; its leaf comes from above, through the slot."""
    log = current_app.extensions["mall.slots"].show("order.leaf", stream=found.order.number, version=step.version) if step.version else None
    ways = [(_(link.label), link.url, "pri" if link.primary else "") for link in found.actions] if step.state == "now" else []
    due = _(step.due[0], **step.due[1]) if step.due else ""
    if step.state == "now" and step.due_at:
        due = _("限 %(day)s", day=clock.local(step.due_at).strftime("%m-%d %H:%M"))
    return {"title": _(step.title), "state": step.state, "at": step.at, "due": due, "detail": _said(step), "log": log, "ways": ways}


def _documents(found: queries.Thread) -> list[Document]:
    """The papers of an order, in the order of the loop."""
    papers: list[Document] = []
    if found.contract:
        href = f"/contracts/{found.contract.number}"
        note = _("备案 %(number)s", number=found.contract.filing_number)
        papers.append(Document(icon="file-certificate", label=_("合同"), href=href, note=note, at=found.contract.concluded_at))
        if found.document:
            papers.append(Document(icon="download", label=_("合同 PDF"), href=f"{href}.pdf", note="", at=found.document.made_at))
    for parcel in found.shipments:
        note = _("已签收") if parcel.received_at else _("在途")
        label = _("送货单 %(number)s", number=parcel.number)
        papers.append(Document(icon="truck-delivery", label=label, href=None, note=f"{parcel.carrier} · {note}", at=parcel.shipped_at))
    for record in found.acceptances:
        label = _("验收单 %(number)s", number=record.number)
        href = f"/acceptances/{record.number}"
        papers.append(Document(icon="clipboard-check", label=label, href=href, note=_(KIND_NAMES[record.kind]), at=record.at))
    for invoice in found.invoices:
        note = _("%(kind)s · %(amount)s 元", kind=_(INVOICE_NAMES[invoice.kind]), amount=money.yuan(invoice.amount_fen))
        label = _("发票 %(number)s", number=invoice.number)
        papers.append(Document(icon="file-invoice", label=label, href=None, note=note, at=invoice.recorded_at))
    for each in found.applications:
        label = _("支付申请 %(number)s", number=each.number)
        papers.append(Document(icon="building-bank", label=label, href=None, note=_(APPLICATION_NAMES[each.state]), at=each.applied_at))
    for card in found.cards:
        note = _("%(name)s · %(state)s", name=card.name, state=_(CARD_NAMES[card.state]))
        label = _("资产卡片 %(number)s", number=card.number)
        papers.append(Document(icon="building-warehouse", label=label, href=f"/assets/{card.number}", note=note, at=card.registered_at))
    return papers


# ---------------------------------------------------------------- the workbench


@bp.get("/workbench")
@requires(Permission.ACCOUNT_USE)
def workbench() -> ResponseReturnValue:
    """What waits for the reader, what runs out, his unit's money, his orders: where everybody starts."""
    session, actor = db.session(), me()
    todo = desk.todo(session, actor)
    g.thread_todo = sum(each.count for each in todo)
    reads, today = actor.may(Permission.ORDER_READ), clock.today()
    own_money = actor.is_unit and actor.may(Permission.BUDGET_READ)
    return htmx.show(
        "thread/workbench.html",
        todo=todo,
        works=WORKS,
        counts=queries.counts(session, actor) if reads else {},
        flow=OPEN,
        recent=queries.orders(session, actor, Filters(), limit=8).rows if reads else [],
        expiring=[*desk.expiring(session, actor), *desk.payable(session, actor)] if reads else [],
        allotments=budgets.allotments(session, actor, year=today.year, limit=6).rows if own_money else [],
        plan_lines=plans.lines_open_for(session, actor)[:6] if own_money else [],
        months=_months(desk.months(session, actor, today.year)[: today.month]) if reads and (actor.is_unit or actor.is_supplier) else [],
        today=today,
        now=clock.now(),
        piece=_piece,
        reads=reads,
        buys=actor.may(Permission.CART_USE),
        workdays_left=workdays.workdays_between(today, date(today.year, 12, 31)),
        elapsed=today.timetuple().tm_yday / 366,
        state_names=STATE_NAMES,
        tones=TONES,
        actor=actor,
    )


def _piece(each: desk.Todo) -> str:
    """The page of the most urgent piece of a kind of work."""
    match each.kind:
        case Kind.CARD:
            return f"/assets/{each.first}"
        case Kind.PLAN | Kind.CHECK_PLAN:
            return f"/plans/{each.first}"
    return purchases.address(each.first or "")


MONTHS = (
    N_("1 月"), N_("2 月"), N_("3 月"), N_("4 月"), N_("5 月"), N_("6 月"),
    N_("7 月"), N_("8 月"), N_("9 月"), N_("10 月"), N_("11 月"), N_("12 月"),
)


def _months(figures: Sequence[int]) -> list[tuple[str, float]]:
    """Columns of the year's chart, in the unit of large figures."""
    return [(_(MONTHS[number - 1]), large(amount_fen)) for number, amount_fen in enumerate(figures, start=1)]


def header_todo(**_context: Any) -> Markup:
    """How much waits for the reader, for the head of every page."""
    actor = maybe_me()
    if actor is None:
        return Markup()
    if "thread_todo" not in g:
        count = desk.todo_count(actor)
        if count is None:
            g.thread_todo = 0
        elif actor.is_unit:
            g.thread_todo = carts.head(count)
        else:
            g.thread_todo = db.session().scalar(select(count))
    return Markup(render_template("thread/_header_todo.html", count=cast(int, g.thread_todo)))  # noqa: S704 - our own template
