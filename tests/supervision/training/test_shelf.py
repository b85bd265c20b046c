"""On the first look nothing at the shelf is empty: prices wait, one was sent back, buyers ask, are answered and report."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.db import make_engine
from catalog.listings import desk
from catalog.listings.states import ReviewState, Shelf
from catalog.listings.tables import Listing, ListingReview
from catalog.onboarding.states import State
from catalog.onboarding.tables import Application
from catalog.questions.states import QuestionState
from catalog.questions.tables import Question
from catalog.reports.states import ReportState
from catalog.reports.tables import Report
from supervision.training import shelf
from supervision.training.door import actor_of


def counts(session: Session, column) -> dict:
    return dict(session.execute(select(column, func.count()).group_by(column)).all())


def test_reviews_questions_reports_and_applications_wait_when_the_province_opens(training_database):
    engine = make_engine(training_database.database)
    try:
        with Session(engine) as session:
            assert counts(session, ListingReview.state) == {ReviewState.RETURNED: 1, ReviewState.WAITING: shelf.WAITING - 1}
            assert counts(session, Question.state) == {QuestionState.ANSWERED: 2, QuestionState.OPEN: 2}
            assert counts(session, Report.state) == {ReportState.OPEN: 2, ReportState.DISMISSED: 1}
            found = counts(session, Application.state)
            assert (found[State.SUBMITTED], found[State.RETURNED], found[State.DRAFT]) == (1, 1, 1)
            waiting = desk.waiting(session, actor_of(session, shelf.KEEPER)).rows
            assert {each.rules for each in waiting} == {("P07",)} and all(each.is_price_alone for each in waiting)
            reviewed = session.scalars(select(Listing.shelf).where(Listing.id.in_(select(ListingReview.listing_id)))).all()
            assert set(reviewed) == {Shelf.ON_SHELF}, "a price that waits leaves the old one in force"
            assert session.scalar(select(func.count()).select_from(Question).where(Question.supplier_id == actor_of(session, shelf.LISTER).organisation_id)) == 4
    finally:
        engine.dispose()
