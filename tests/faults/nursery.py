"""Keeps one job worker running, each a fork of this process that has loaded the product once: python -m tests.faults.nursery.

To gunicorn's own master the same is said by `--preload`. A killed process is then back at once, and a small machine spends
its seconds on orders instead of imports. What runs in the fork is `mall worker`, unchanged.
"""

import os
import signal
import sys
import time

from wsgi import app

PAUSE_SECONDS = 0.2


def main() -> None:
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    while not stopping:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            app.cli.main(args=["mall", "worker"], prog_name="flask", standalone_mode=True)
            sys.exit(0)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if stopping:
                os.kill(child, signal.SIGTERM)
                os.waitpid(child, 0)
                return
            time.sleep(0.05)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
