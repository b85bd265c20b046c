"""A newcomer who opens the history of imports finds one that went as they go: most rows right, some wrong, each with its reason."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.bulk.states import JobState
from app.bulk.tables import BulkJob, BulkProblem
from app.kernel.db import make_engine
from supervision.training import imports


def test_one_finished_import_with_errors_stands_in_the_history(training_database):
    engine = make_engine(training_database.database)
    try:
        with Session(engine) as session:
            job = session.scalars(select(BulkJob).where(BulkJob.file_name == imports.FILE)).one()
            assert (job.state, job.rows, job.changed, job.added, job.failed) == (JobState.DONE, 9, imports.RESTOCKED, 0, 3)
            wrong = session.scalars(select(BulkProblem).where(BulkProblem.job_id == job.id).order_by(BulkProblem.line))
            assert [(each.heading, each.figure) for each in wrong] == [("单价（元）", "面议"), ("库存", "充足"), ("品目编码", "A02021000")]
    finally:
        engine.dispose()
