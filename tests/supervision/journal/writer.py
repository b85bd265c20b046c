"""A sequencer process of its own, to be killed: python -m tests.supervision.journal.writer URL FOLDER."""

import sys
import time
from pathlib import Path

from app.kernel.db import make_engine
from supervision.journal import service
from tests.supervision.journal.world import World


def main() -> None:
    world = World(make_engine(sys.argv[1]), Path(sys.argv[2]))
    turn = service.turns(world.directory, world.key, batch=7)
    print("ready", flush=True)
    while True:
        if not turn(world.sessions):
            time.sleep(0.002)


if __name__ == "__main__":
    main()
