"""The worker's process stands behind that of the pages."""

import subprocess
import sys

from app.kernel.worker import NICENESS
from tests.peers import ROOT

SAYS = "import os; from app.kernel.worker import step_aside; step_aside(); step_aside(); print(os.getpriority(os.PRIO_PROCESS, 0))"


def test_a_worker_lets_the_pages_have_the_processor_first_and_goes_no_further_back_when_told_twice() -> None:
    for more in ("", "import os; os.nice(10); "):
        said = subprocess.run([sys.executable, "-c", more + SAYS], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        assert int(said.stdout) >= NICENESS and (more == "" or int(said.stdout) >= 10)
