"""python -m tests.faults --database postgresql --seconds 90 --seed 7: one run with its report; exits with 1 when something was found."""

import argparse
import os
import secrets
import shutil
import sys
import tempfile

from tests.peers import OWNER, SHARED


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--seed", default=secrets.token_hex(4))
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--checkouts", type=int, default=0, help="go on until so many were answered")
    options.add_argument("--kills", type=int, default=0, help="go on until so many processes were killed")
    options.add_argument("--demand", type=float, default=0.0, help="go on until so many times the budget were asked for")
    options.add_argument("--most-seconds", type=float, default=0.0, help="but not longer than this")
    given = options.parse_args()
    os.environ[SHARED], os.environ[OWNER] = tempfile.mkdtemp(prefix="mall-tests-"), str(os.getpid())
    try:
        from tests.faults.run import Plan, run

        outcome = run(
            Plan(
                given.database, given.seed, given.seconds, max(given.seconds, given.most_seconds), checkouts=given.checkouts,
                kills=given.kills, postmaster_kills=3 if given.kills else 0, demand=given.demand, clients=given.clients, allotment_fen=300_00,
            )
        )
    finally:
        shutil.rmtree(os.environ[SHARED], ignore_errors=True)
    print(outcome.report())
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
