"""Line 5 is no measurement: a test counts the statements in each run, and they must be exactly these."""

from collections.abc import Iterator

from tests.benchmarks.report import Figure
from tests.web.test_statements import ORDER, PRODUCT, SEARCH


def kept() -> Iterator[Figure]:
    """What is promised, beside the bounds of the table."""
    for name, promise, must, aim in (("search page", SEARCH, 5, 4), ("product page", PRODUCT, 6, 5), ("order of five lines", ORDER, 14, 11)):
        yield Figure(
            line=5, name=f"SQL statements, {name}", database="both", ours=promise, unit="statements", must=must, aim=aim, better="lower",
            details={"counted by": "`tests/web/test_statements.py` in each test run"},
        )  # fmt: skip
