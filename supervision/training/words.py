"""Words that readers of the training province looked for in vain, so that the queue of the catalogue administrator is not empty."""

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.kernel import clock
from catalog.vocabulary import rules, service

IN_VAIN: Final = (("云桌面终端", 7), ("除湿机", 6), ("印表机支架", 5), ("自动体外除颤仪", 4), ("电子桌牌", 4), ("档案密集架", 3))
"""Questions with the number of readers on two days."""


def look_in_vain(session: Session) -> None:
    """Count the questions as the search page does."""
    for question, readers in IN_VAIN:
        for reader in range(readers):
            on = clock.today() - timedelta(1 - reader % 2)
            service.note(session, question, on, rules.mark("training", on, question, str(reader)))
