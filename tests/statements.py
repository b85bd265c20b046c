"""How many SQL statements something takes: SELECT and DML, without BEGIN and COMMIT."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

_KEPT = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@contextmanager
def count_statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that this engine runs meanwhile, in order."""
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith(_KEPT):
            ran.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        event.remove(engine, "before_cursor_execute", note)
