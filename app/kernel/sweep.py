"""Work of the clock that goes through many rows: each has a transaction of its own, and none may keep the others waiting."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import Refusal

log = logging.getLogger("mall.sweep")
Key = TypeVar("Key")


def each(
    sessions: Callable[[], Session],
    keys: Iterable[Key],
    work: Callable[[Session, Key], bool],
    *,
    name: str,
    meanwhile: tuple[type[Refusal], ...] = (),
) -> int:
    """Do the work for every key; returns for how many it did something.

    The refusals `meanwhile` say that somebody was faster, which is no error. Any other error is logged with its key, leaves
    that key as it was, and the next key has its turn.
    """
    done = 0
    for key in keys:
        try:
            with sessions() as session, commit(session):
                done += work(session, key)
        except meanwhile as faster:
            log.info("decided meanwhile", extra={"sweep": name, "key": key, "code": faster.code})
        except Exception:
            log.exception("left for the next time", extra={"sweep": name, "key": key})
    return done
