"""Rating the other side of an order, once, within the term."""

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from orders.purchases.tables import Order
from orders.ratings import queries, rules
from orders.ratings.events import RatingGiven
from orders.ratings.tables import Rating


def rate(session: Session, actor: Actor, order: Order, *, score: int, words: str = "") -> Rating:
    """Rate the other side from one to five; a low score is explained.

    Raises Forbidden, Missing, BadScore, WordsMissing, NotYetRateable, RatingClosed, AlreadyRated.
    """
    actor.must(Permission.RATING_GIVE)
    side = queries.side_of(actor, order)
    if side is None:
        raise Missing()
    rules.check(score, words)
    until = queries.open_until(session, order)
    if until is None:
        raise rules.NotYetRateable()
    if until < clock.today():
        raise rules.RatingClosed(until=until.isoformat())
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    given = session.scalars(
        upsert(Rating)
        .values(order_id=order.id, side=side, score=score, words=words.strip() or None, actor_id=actor.person_id or 0, at=clock.now())
        .on_conflict_do_nothing(index_elements=[Rating.order_id, Rating.side])
        .returning(Rating)
    ).one_or_none()
    if given is None:
        raise rules.AlreadyRated()
    fact = RatingGiven(
        order=order.number, side=side.value, unit_id=order.unit_id, supplier_id=order.supplier_id, score=score, words=given.words
    )
    outbox.record(
        session, actor, fact, stream=f"{order.number}:rating:{side.value}", version=1, region=order.region, owner_id=order.unit_id
    )
    return given
