"""Loads the product once and keeps a web server and a job worker running as forks of itself: python -m tests.faults.nursery FILE.

So a killed process is back at once, and a small machine spends its seconds on orders instead of imports. What runs in the forks
is what `mall serve` starts: gunicorn with the same arguments (and `--preload`), and `mall worker`. FILE tells their process ids.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gunicorn.app import wsgiapp

from app.config import Settings
from app.web.process import web_command
from wsgi import app

PAUSE_SECONDS = 0.05


def web() -> None:
    """Become the web server."""
    settings: Settings = app.config["SETTINGS"]
    command = web_command(settings)
    sys.argv = ["gunicorn", "--preload", *command[command.index("gunicorn") + 1 :]]
    wsgiapp.run()


def worker() -> None:
    """Become the job worker."""
    app.cli.main(args=["mall", "worker"], prog_name="flask")


def born(work: Callable[[], None]) -> int:
    """A fork that does this and ends."""
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work()
    sys.exit(0)


def main() -> None:
    file, draft = Path(sys.argv[1]), Path(f"{sys.argv[1]}.new")
    works = {"web": web, "worker": worker}
    alive: dict[str, int] = {}
    while True:
        for name in works.keys() - alive.keys():
            alive[name] = born(works[name])
            draft.write_text(json.dumps(alive))
            draft.rename(file)
        time.sleep(PAUSE_SECONDS)
        for name, pid in list(alive.items()):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                del alive[name]


if __name__ == "__main__":
    main()
