"""A job worker with the lanes of payment alone: `python -m tests.orders.payments.worker_process PACE`, settings from the environment.

Its timers come round PACE times as often as in the product, where a test cannot wait for the real ones.
"""

import signal
import sys
from dataclasses import replace

from sqlalchemy.orm import Session

from app import config
from app.kernel import clock
from app.kernel.db import make_engine
from app.kernel.worker import Worker
from app.web import logs
from migrations import tables  # noqa: F401 - the metadata is whole before the first query
from orders.payments import handlers


def main(pace: float) -> None:
    settings = config.from_environment()
    logs.configure(settings.log_format)
    clock.use_offset_file(settings.data_dir / "clock")
    engine = make_engine(settings.database)
    timers = [replace(timer, every=timer.every / pace) for timer in handlers.timers(settings)]
    worker = Worker(lambda: Session(engine), handlers.consumers(settings), timers)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    main(float(sys.argv[1]))
