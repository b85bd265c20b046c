"""Reads of one's own cart, and everything that cart and checkout show of it: money, limits, stock and every verdict."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ScalarSelect, func, literal, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.accounts.people.desk import UnknownPlace
from app.kernel import clock
from app.kernel.errors import N_, Missing, Refusal
from app.policy import Actor, Permission, Role
from catalog.listings import queries as listings
from catalog.listings.rules import Offer
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName, covers
from orders.budgets import queries as budgets
from orders.budgets.queries import Buckets
from orders.budgets.states import ControlKind
from orders.budgets.tables import Allotment, BudgetProject, Control
from orders.carts.rules import Limits, limits_of
from orders.carts.tables import CartItem
from orders.comparisons import queries as comparisons
from orders.comparisons.queries import Comparison
from orders.plans import queries as plans
from orders.plans.queries import OpenLine
from orders.plans.tables import Plan, PlanLine
from orders.purchases import queries as purchases
from orders.purchases import submission
from orders.purchases.queries import ActionLink, Wish
from orders.purchases.rules import EmptySubmission, Facts, Gate, Line
from orders.purchases.states import FINAL, State
from orders.purchases.submission import Assessment
from orders.purchases.tables import Order
from orders.purchases.verdicts import Outcome, Verdict


def items_of(session: Session, actor: Actor) -> list[CartItem]:
    """The actor's own cart, in the order it was filled."""
    return list(session.scalars(select(CartItem).where(CartItem.person_id == actor.person_id).order_by(CartItem.id)))


def item(session: Session, actor: Actor, item_id: int) -> CartItem:
    """One line of the actor's own cart. Raises Missing."""
    found = session.scalar(select(CartItem).where(CartItem.id == item_id, CartItem.person_id == actor.person_id))
    if found is None:
        raise Missing()
    return found


def first_line_of(session: Session, plan: Plan) -> int:
    """The first line of a plan."""
    return session.scalars(select(PlanLine.id).where(PlanLine.plan_id == plan.id).order_by(PlanLine.line_no).limit(1)).one()


STEPS_AHEAD = (TermName.EXPLAIN_HOLD, TermName.APPROVE, TermName.CONFIRM)


@dataclass(frozen=True)
class Header:
    """What the head of every page says: the unit's money of this year, the cart, and how much waits. Amounts in fen."""

    money: Buckets
    pieces: int
    cart_fen: int
    waiting: int = 0


def header(session: Session, actor: Actor, waiting: ScalarSelect[int] | None = None) -> Header:
    """Budget strip, cart and a count that a later link of the loop brings, with one statement; zeros for who has none."""
    mine = select(func.count(CartItem.id)).where(CartItem.person_id == (actor.person_id or 0))
    worth = select(func.coalesce(func.sum(CartItem.quantity * CartItem.seen_price_fen), 0)).where(
        CartItem.person_id == (actor.person_id or 0), CartItem.chosen
    )
    sums = (Control.amount_fen, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen)
    row = session.execute(
        select(
            *(func.coalesce(func.sum(column), 0) for column in sums),
            mine.scalar_subquery(),
            worth.scalar_subquery(),
            literal(0) if waiting is None else waiting,
        ).where(
            Control.unit_id == (actor.organisation_id or 0),
            Control.year == clock.today().year,
            Control.kind == ControlKind.ALLOTMENT,
        )
    ).one()
    return Header(Buckets(0, *(int(value) for value in row[:5])), int(row[5]), int(row[6]), int(row[7]))


# ---------------------------------------------------------------- which plan line fits best


def options_for(lines: Iterable[OpenLine], offer: Offer) -> list[OpenLine]:
    """The open plan lines that an offer may draw on: those of its category or above it, in the order given."""
    return [line for line in lines if covers(line.line.category_code, offer.category)]


def best_line(lines: Iterable[OpenLine], offer: Offer, quantity: int, amount_fen: int) -> OpenLine | None:
    """The plan line to preselect: one with enough money and pieces and a fitting economic class, else the nearest there is."""

    def fits(row: OpenLine) -> tuple[bool, bool]:
        enough = row.free_fen >= amount_fen and row.left >= quantity
        return enough, not offer.allowed_classes or row.allotment.economic_class in offer.allowed_classes

    found = options_for(lines, offer)
    return max(found, key=lambda row: (all(fits(row)), *fits(row)[::-1], -found.index(row)), default=None)


# ---------------------------------------------------------------- the whole picture


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line on its way: what is wished, where it comes from, and whether it goes along."""

    wish: Wish
    item_id: int = 0
    chosen: bool = True


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line as cart and checkout show it; `no` is its number among the chosen lines (0: not chosen)."""

    no: int
    item_id: int
    chosen: bool
    wish: Wish
    offer: Offer
    options: tuple[OpenLine, ...]
    verdicts: tuple[Verdict, ...] = ()
    fix: int | None = None
    """The quantity that would clear what stands against this line."""

    @property
    def amount_fen(self) -> int:
        """Price now × quantity."""
        return self.offer.price_fen * self.wish.quantity

    @property
    def change_fen(self) -> int:
        """How much the price of a piece rose (or fell) since the buyer saw it."""
        return self.offer.price_fen - self.wish.seen_price_fen

    @property
    def over_fen(self) -> int:
        """How much a piece costs more than the lowest offer of the same product."""
        lowest = self.offer.lowest_fen
        return 0 if lowest is None else max(self.offer.price_fen - lowest, 0)

    @property
    def plan(self) -> OpenLine | None:
        """The plan line drawn on, if it is among the open ones."""
        return next((row for row in self.options if row.line.id == self.wish.plan_line_id), None)


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """A control with what this submission would take from it. Amounts in fen."""

    title: str
    number: str
    note: str
    buckets: Buckets
    this_fen: int
    lines: int
    parts: tuple["Ruler", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Look:
    """Everything that cart and checkout show. `trouble` says why nothing could be judged (no address yet, nothing chosen)."""

    rows: tuple[Row, ...]
    rulers: tuple[Ruler, ...] = ()
    limits: tuple[Limits, ...] = ()
    assessment: Assessment | None = None
    trouble: Refusal | None = None
    sheet: Comparison | None = None
    """The frozen comparison that would be cited."""

    @property
    def chosen(self) -> tuple[Row, ...]:
        """The lines that would be sent off."""
        return tuple(row for row in self.rows if row.chosen)

    @property
    def total_fen(self) -> int:
        """Sum of the chosen lines at the prices of now."""
        return sum(row.amount_fen for row in self.chosen)

    @property
    def changed(self) -> tuple[Row, ...]:
        """Lines whose price is no longer what the buyer saw."""
        return tuple(row for row in self.rows if row.change_fen)

    @property
    def suppliers(self) -> list[tuple[Offer, list[Row]]]:
        """The lines by supplier, in order of appearance, each with one of its offers."""
        ids = dict.fromkeys(row.offer.supplier_id for row in self.rows)
        groups = [[row for row in self.rows if row.offer.supplier_id == supplier_id] for supplier_id in ids]
        return [(rows[0].offer, rows) for rows in groups]


def entry(row: CartItem) -> Entry:
    """A line of the cart as an entry."""
    wish = Wish(
        listing_id=row.listing_id,
        quantity=row.quantity,
        seen_price_fen=row.seen_price_fen,
        plan_line_id=row.plan_line_id,
        address_id=row.address_id,
    )
    return Entry(wish=wish, item_id=row.id, chosen=row.chosen)


def entries_of(session: Session, actor: Actor) -> list[Entry]:
    """The actor's own cart as entries."""
    return [entry(row) for row in items_of(session, actor)]


def rows(session: Session, actor: Actor, entries: Sequence[Entry]) -> list[Row]:
    """The lines with their offers and the plan lines open to them; where none was picked, the best is. Raises Missing."""
    if not entries:
        return []
    offers = listings.offers(session, (each.wish.listing_id for each in entries), actor.region, clock.today())
    if any(each.wish.listing_id not in offers for each in entries):
        raise Missing()
    lines = plans.lines_open_for(session, actor)
    spent = {each.wish.plan_line_id for each in entries if each.wish.plan_line_id} - {line.line.id for line in lines}
    lines += plans.lines_open_for(session, actor, ids=spent) if spent else []
    found: list[Row] = []
    for each in entries:
        wish, offer = each.wish, offers[each.wish.listing_id]
        options = options_for(lines, offer)
        if wish.plan_line_id is None and (best := best_line(lines, offer, wish.quantity, offer.price_fen * wish.quantity)):
            wish = replace(wish, plan_line_id=best.line.id)
        options += [line for line in lines if line.line.id == wish.plan_line_id and line not in options]
        no = sum(row.chosen for row in found) + 1 if each.chosen else 0
        found.append(Row(no=no, item_id=each.item_id, chosen=each.chosen, wish=wish, offer=offer, options=tuple(options)))
    return found


def look(
    session: Session,
    actor: Actor,
    entries: Sequence[Entry],
    *,
    invoice_title_id: int | None = None,
    gates: Sequence[Gate] = (),
    sheets: Sequence[Comparison] = (),
    cite: str | None = None,
) -> Look:
    """Read and judge everything about these lines; of the `sheets` the one named is cited, the fittest when none is named.

    Raises Missing.
    """
    if not entries:
        return Look(rows=())
    found = rows(session, actor, entries)
    categories = [row.offer.category for row in found if row.chosen]
    sheet = comparisons.best(sheets, categories) if cite is None else next((each for each in sheets if each.number == cite), None)
    cited = comparisons.as_cited(sheet) if sheet else None
    try:
        wishes = [row.wish for row in found if row.chosen]
        assessment = submission.assess(session, actor, wishes, invoice_title_id=invoice_title_id, gates=gates, cited=cited)
    except (EmptySubmission, UnknownPlace) as trouble:
        return Look(rows=tuple(found), trouble=trouble)
    return Look(
        rows=tuple(_with_verdicts(row, assessment.facts, assessment.verdicts) for row in found),
        rulers=_rulers(session, assessment.facts),
        limits=_limits(session, assessment.facts),
        assessment=assessment,
        sheet=sheet,
    )


def _with_verdicts(row: Row, facts: Facts, verdicts: Iterable[Verdict]) -> Row:
    """The verdicts that stand against a line, and the quantity that would clear them where one would."""
    if not row.chosen:
        return row
    line = facts.lines[row.no - 1]
    against = [v for v in verdicts if v.outcome in {Outcome.BLOCK, Outcome.HOLD} and concerns(v, line)]
    most = [
        v.threshold["remaining"] if v.rule == "B04" else v.threshold["stock"]
        for v in against
        if v.rule in {"B04", "STOCK"} and v.inputs["wanted"] == line.quantity
    ]
    return replace(row, verdicts=tuple(against), fix=min(most) if most and min(most) > 0 else None)


def concerns(verdict: Verdict, line: Line) -> bool:
    """Whether a verdict is about this line."""
    kind, _, name = verdict.subject.partition(":")
    match kind:
        case "line":
            return int(name) == line.no
        case "plan":
            return line.funding is not None and line.funding.label == name
        case "allotment":
            return line.funding is not None and line.funding.allotment_number == name
        case "supplier":
            supplier, _, level3 = name.partition("/")
            return line.offer.supplier_id == int(supplier) and level3 in {"", line.level3}
    return False


def _rulers(session: Session, facts: Facts) -> tuple[Ruler, ...]:
    """One ruler per allotment with a compact one per plan line, in the order of the lines."""
    funded = [line for line in facts.lines if line.funding is not None]
    plan_of = {line.funding.plan_line_id: line.funding for line in funded if line.funding}
    allotment_of = {line.funding.allotment_id: line.funding for line in funded if line.funding}
    figures = budgets.buckets_of(
        session, {each.plan_control_id for each in plan_of.values()} | {each.allotment_control_id for each in allotment_of.values()}
    )
    names = project_names(session, allotment_of)

    def taken(lines: Iterable[Line]) -> int:
        return sum(line.amount_fen for line in lines)

    rulers = []
    for allotment_id, funding in allotment_of.items():
        mine = [line for line in funded if line.funding and line.funding.allotment_id == allotment_id]
        parts = tuple(
            Ruler(
                title=part.label,
                number=part.plan_number,
                note=part.category,
                buckets=figures[part.plan_control_id],
                this_fen=taken(line for line in mine if line.funding and line.funding.plan_line_id == plan_line_id),
                lines=sum(line.funding is not None and line.funding.plan_line_id == plan_line_id for line in mine),
            )
            for plan_line_id, part in plan_of.items()
            if part.allotment_id == allotment_id
        )
        rulers.append(
            Ruler(
                title=f"{funding.economic_class} {names.get(allotment_id, '')}".strip(),
                number=funding.allotment_number,
                note="",
                buckets=figures[funding.allotment_control_id],
                this_fen=taken(mine),
                lines=len(mine),
                parts=parts,
            )
        )
    return tuple(rulers)


def project_names(session: Session, allotment_ids: Collection[int]) -> dict[int, str]:
    """The budget projects of these allotments."""
    query = select(Allotment.id, BudgetProject.name).join(BudgetProject, BudgetProject.id == Allotment.project_id)
    return {row.id: row.name for row in session.execute(query.where(Allotment.id.in_(allotment_ids)))} if allotment_ids else {}


def _limits(session: Session, facts: Facts) -> tuple[Limits, ...]:
    days = int(taxonomy.parameters(session, "S02", clock.today()).get("d", purchases.PAST_DAYS))
    names = taxonomy.names(session, {f"{line.level3}00" for line in facts.lines})
    return limits_of(facts, names, days)


# ---------------------------------------------------------------- what checkout offers


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the buyer chooses from at checkout, and who can approve."""

    addresses: tuple[organisations.Address, ...]
    titles: tuple[organisations.InvoiceTitle, ...]
    approvers: tuple[str, ...]
    days: dict[str, int]
    """Working days for the steps that follow, by the name of the period."""


def choices(session: Session, actor: Actor) -> Choices:
    """The unit's addresses and invoice titles, and everybody but the actor who can approve."""
    unit = actor.organisation_id or 0
    approvers = people.with_role(session, unit, Role.APPROVER)
    return Choices(
        addresses=tuple(organisations.addresses_of(session, unit)),
        titles=tuple(organisations.invoice_titles_of(session, unit)),
        approvers=tuple(name for person, name in approvers.items() if person != actor.person_id),
        days={name.value: taxonomy.term(session, name, actor.region, clock.today()).days for name in STEPS_AHEAD},
    )


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the cart adds to an order's page: bringing back what it did not bring (posted)."""
    if not actor.may(Permission.CART_USE) or order.unit_id != actor.organisation_id:
        return []
    ended = order.state in FINAL - {State.CLOSED}
    if not ended and not any(line.rejected for line in purchases.lines_of(session, order)):
        return []
    return [ActionLink(label=N_("重建购物车"), url=f"/cart/from-order/{order.number}")]
