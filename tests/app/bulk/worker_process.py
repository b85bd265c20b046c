"""The lane of imports as a process of its own, to be killed: `python -m tests.app.bulk.worker_process`."""

from app.bulk.handlers import timers
from app.kernel.worker import Worker
from wsgi import app, sessions_of

if __name__ == "__main__":
    Worker(sessions_of(app), [], timers(app.config["SETTINGS"])).run()
