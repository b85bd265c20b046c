"""Commands on reports."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Missing
from app.kernel.events import Fact
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.questions import queries as questions
from catalog.reports import queries
from catalog.reports.events import ListingReported, ReportDecided
from catalog.reports.rules import AlreadyReported, ReportClosed, TooManyReports, words_of
from catalog.reports.states import REPORT_NAMES, ReportKind, ReportState
from catalog.reports.tables import Report
from catalog.taxonomy import queries as taxonomy

RULE = "REPORT"
"""The dated parameters of reports."""


def report(
    session: Session, actor: Actor, listing_id: int, *, kind: ReportKind, words: str, question_id: int | None = None
) -> Report:
    """Report an offer that the actor can see, or a question about it.

    Raises Missing, ReportWordsMissing, AlreadyReported, TooManyReports.
    """
    actor.must(Permission.ACCOUNT_USE)
    if actor.person_id is None:
        raise Missing()
    offer = listings.by_id(session, actor, listing_id)
    if question_id is not None and questions.by_id(session, actor, question_id).listing_id != listing_id:
        raise Missing()
    text, now = words_of(words), clock.now()
    subject = f"listing/{listing_id}" if question_id is None else f"question/{question_id}"
    there = select(Report.id).where(Report.made_by == actor.person_id, Report.subject == subject, Report.state == ReportState.OPEN)
    if (number := session.scalar(there)) is not None:
        raise AlreadyReported(number=number)
    most = taxonomy.parameters(session, RULE, clock.today()).get("per_day")
    made = queries.made_since(session, actor.person_id, now - timedelta(days=1))
    if most is not None and made >= most:
        raise TooManyReports(made=made, most=most)
    row = Report(
        listing_id=listing_id, listing_version=offer.version, question_id=question_id, subject=subject,
        supplier_id=offer.supplier_id, kind=kind, words=text, made_by=actor.person_id, made_at=now,
        state=ReportState.OPEN,
    )  # fmt: skip
    session.add(row)
    session.flush()
    fact = ListingReported(report=row.id, listing_id=listing_id, question_id=question_id, supplier_id=offer.supplier_id, kind=kind.value)
    _record(session, actor, row, fact)
    return row


def decide(session: Session, actor: Actor, report_id: int, *, upheld: bool, answer: str) -> Report:
    """Close a report with an answer that the reporter reads. Raises Missing, ReportClosed, ReportWordsMissing."""
    actor.must(Permission.LISTING_REVIEW)
    text = words_of(answer)
    query = select(Report).where(Report.id == report_id).with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Missing()
    if row.state is not ReportState.OPEN:
        raise ReportClosed(number=row.id, state=REPORT_NAMES[row.state])
    row.state = ReportState.UPHELD if upheld else ReportState.DISMISSED
    row.answer, row.decided_by, row.decided_at = text, actor.person_id, clock.now()
    session.flush()
    fact = ReportDecided(
        report=row.id, listing_id=row.listing_id, supplier_id=row.supplier_id, decision=row.state.value, answer=text
    )
    _record(session, actor, row, fact)
    return row


def stream_of(report_id: int) -> str:
    """The name of a report's stream of events."""
    return f"report/{report_id}"


def _record(session: Session, actor: Actor, row: Report, fact: Fact) -> None:
    outbox.record(session, actor, fact, stream=stream_of(row.id), region=actor.region)
