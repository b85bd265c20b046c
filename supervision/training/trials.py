"""A trick is tried for real: through the services, on the real database, and what was refused stays in the log.

What has to be prepared is prepared in the transaction of the attempt and rolled back with it, so that a trick can be tried
for ever. The attempt itself stands in a savepoint that a refusal rolls back, just as a refused command is rolled back; what
the unit has is read before and after it. The event is written afterwards.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox
from app.kernel.db import commit
from app.kernel.errors import N_, Missing, Refusal
from app.kernel.events import Fact
from app.kernel.outbox import Event
from catalog.listings.tables import Listing
from orders.budgets.tables import Control
from orders.carts.tables import CartItem
from orders.payments.tables import PaymentApplication
from orders.purchases import submission
from orders.purchases.rules import SubmissionRefused
from orders.purchases.tables import Order, OrderLine
from orders.purchases.verdicts import Outcome
from supervision.training.props import NoProps, Props
from supervision.training.tricks import Play, Trick

MOST_A_MINUTE: Final = 120
EVENT: Final = "training.trick_tried"


class Result(StrEnum):
    """How it went; anything but REFUSED is a defect, but for a province that has nothing to play with."""

    REFUSED = "refused"
    MOVED = "moved"
    OTHERWISE = "otherwise"
    ACCEPTED = "accepted"
    UNPLAYED = "unplayed"


class TooManyTricks(Refusal):
    """The public may try, but not flood the log."""

    code = "training.too_many"
    message = N_("一分钟内已试 %(most)s 次，请稍后再试")
    status = 429
    most: int


@dataclass(frozen=True, kw_only=True)
class TrickTried(Fact):
    """Somebody let a trick be tried: what came of it, in codes and figures."""

    type: ClassVar[str] = EVENT
    trick: str
    result: str
    code: str | None
    message: str
    way_out: str
    basis: str
    facts: dict[str, Any]
    verdicts: tuple[dict[str, Any], ...]
    before: dict[str, Any]
    after: dict[str, Any]
    attempt: str | None
    name: str


@dataclass(frozen=True, kw_only=True)
class Played:
    """What was seen while it was tried."""

    play: Play | None
    refusal: Refusal | None
    before: dict[str, Any]
    after: dict[str, Any]


class _Undone(Exception):
    """Carries what was seen past the rollback."""

    def __init__(self, played: Played) -> None:
        super().__init__()
        self.played = played


def run(trick: Trick, props: Props) -> str:
    """Try a trick and leave its event; returns the number of the trial. Raises TooManyTricks."""
    session = props.session
    _not_too_often(session)
    played = _played(trick, props)
    with commit(session):
        number, attempt, play = numbers.new("SW"), None, played.play
        actor = play.actor if play else props.buyer
        if play is not None and isinstance(played.refusal, SubmissionRefused):
            attempt = submission.record_attempt(session, actor, played.refusal, play.wishes, key=play.key)
        fact = _fact(trick, played, attempt, actor.name)
        outbox.record(session, actor, fact, stream=number, version=1, region=actor.region, owner_id=actor.organisation_id)
    return number


def by_number(session: Session, number: str) -> tuple[TrickTried, Event]:
    """A trial as the log holds it. Raises Missing."""
    event = session.scalar(select(Event).where(Event.stream == number, Event.type == EVENT))
    if event is None:
        raise Missing()
    return TrickTried(**json.loads(event.body)), event


def _not_too_often(session: Session) -> None:
    latest = select(Event.at).where(Event.type == EVENT).order_by(Event.id.desc()).offset(MOST_A_MINUTE - 1).limit(1)
    since = session.scalar(latest)
    if since is not None and since > clock.now() - timedelta(minutes=1):
        raise TooManyTricks(most=MOST_A_MINUTE)


def _played(trick: Trick, props: Props) -> Played:
    """Prepare, try, look, and roll everything back."""
    try:
        if trick.before is not None:
            with commit(props.session):
                trick.before(props)
        with commit(props.session):
            raise _Undone(_try(trick, props))
    except _Undone as undone:
        return undone.played
    except NoProps as nothing:
        return Played(play=None, refusal=nothing, before={}, after={})


def _try(trick: Trick, props: Props) -> Played:
    session, refusal = props.session, None
    play = trick.play(props)
    session.flush()
    before = _holdings(props, play)
    try:
        with session.begin_nested():
            play.act()
    except Refusal as refused:
        refusal = refused
    return Played(play=play, refusal=refusal, before=before, after=_holdings(props, play))


def _holdings(props: Props, play: Play) -> dict[str, Any]:
    """What the unit has: money by pool, stock of what is tried for, orders and their steps, cart, applications.

    Its rows are locked until the end, so that only the trick can move them.
    """
    if play.entry is not None:
        return {"entry": play.entry, "sha256": props.log.digest(play.entry)}
    session, unit = props.session, props.buyer.organisation_id
    ids = {wish.listing_id for wish in play.wishes}
    if play.order is not None:
        ids |= set(session.scalars(select(OrderLine.listing_id).where(OrderLine.order_id == play.order.id)))
    stock = session.scalars(select(Listing.stock).where(Listing.id.in_(ids)).order_by(Listing.id).with_for_update()).all()
    rows = session.execute(
        select(Control.free_fen, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen)
        .where(Control.unit_id == unit)
        .order_by(Control.id)
        .with_for_update()
    ).all()
    orders = session.execute(select(func.count(Order.id), func.sum(Order.version)).where(Order.unit_id == unit)).one()
    cart = select(func.count(CartItem.id)).where(CartItem.person_id == props.buyer.person_id)
    applications = select(func.count(PaymentApplication.id)).where(PaymentApplication.unit_id == unit)
    pools = ("free_fen", "reserved_fen", "committed_fen", "accrued_fen", "paid_fen")
    return {
        **{pool: sum(getattr(row, pool) for row in rows) for pool in pools},
        "stock": sum(stock),
        "orders": orders[0],
        "steps": int(orders[1] or 0),
        "cart": session.scalar(cart) or 0,
        "applications": session.scalar(applications) or 0,
    }


def _fact(trick: Trick, played: Played, attempt: str | None, name: str) -> TrickTried:
    refusal = played.refusal
    verdicts = refusal.verdicts if isinstance(refusal, SubmissionRefused) else ()
    blocks = {verdict.rule for verdict in verdicts if verdict.outcome is Outcome.BLOCK}
    facts = {key: value for key, value in (refusal.facts if refusal else {}).items() if value is None or isinstance(value, str | int)}
    return TrickTried(
        trick=trick.name,
        result=_result(trick, played, blocks).value,
        code=refusal.code if refusal else None,
        message=refusal.message if refusal else "",
        way_out=refusal.way_out if refusal else "",
        basis=refusal.basis if refusal else "",
        facts=facts,
        verdicts=tuple(verdict.as_dict() for verdict in verdicts if verdict.outcome is not Outcome.PASS),
        before=played.before,
        after=played.after,
        attempt=attempt,
        name=name,
    )


def _result(trick: Trick, played: Played, blocks: set[str]) -> Result:
    if played.play is None:
        return Result.UNPLAYED
    if played.refusal is None:
        return Result.ACCEPTED
    if played.refusal.code != trick.code or (trick.rule and trick.rule not in blocks):
        return Result.OTHERWISE
    return Result.REFUSED if played.before == played.after else Result.MOVED
