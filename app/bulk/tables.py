"""Imports: the file as it came, how far it is, and what is wrong with its cells."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.bulk.states import JobState
from app.kernel.db import Base, enum_column


class BulkJob(Base):
    """One import. `done_line` is the last row of the file whose effect is committed; counters count rows up to it.

    `waiting` are those of the added and changed rows on which somebody else decides.
    """

    __tablename__ = "bulk_jobs"
    __table_args__ = (Index("ix_bulk_jobs_owner", "organisation_id", "id"), Index("ix_bulk_jobs_state", "state", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    entity: Mapped[str]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int]
    region: Mapped[str]
    file_name: Mapped[str]
    file_size: Mapped[int]
    format: Mapped[str]
    digest: Mapped[str]
    head_line: Mapped[int]
    headings: Mapped[str] = mapped_column(Text)
    samples: Mapped[str] = mapped_column(Text)
    mapping: Mapped[str] = mapped_column(Text)
    state: Mapped[JobState] = enum_column(JobState)
    version: Mapped[int]
    done_line: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int | None]
    rows: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    problems: Mapped[int] = mapped_column(default=0)
    why: Mapped[str | None] = mapped_column(Text)
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class BulkPiece(Base):
    """A piece of the file, in order."""

    __tablename__ = "bulk_pieces"

    job_id: Mapped[int] = mapped_column(ForeignKey("bulk_jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class BulkProblem(Base):
    """What is wrong with one cell. The sentences are the Chinese originals; their facts stand beside them as JSON."""

    __tablename__ = "bulk_problems"
    __table_args__ = (Index("ix_bulk_problems_job", "job_id", "line", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("bulk_jobs.id"))
    line: Mapped[int]
    place: Mapped[int | None]
    heading: Mapped[str]
    figure: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    way_out: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
