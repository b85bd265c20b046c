"""One import in a supplier's history as they are on ordinary days: most rows right, some wrong, each with its reason.

It goes through the product's own engine, after the year was written in bulk.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import islice
from typing import Any, Final

from sqlalchemy.orm import Session

from app.bulk import intake, outlet, service
from app.bulk.engine import Engine
from app.bulk.entity import REGISTRY, Cells, Entity
from app.kernel.db import commit
from app.kernel.sheets import Format
from app.kernel.xlsx_writing import Figure
from supervision.training.door import actor_of

LISTER: Final = "lister.s01"
FILE: Final = "十一月补货.xlsx"
RESTOCKED: Final = 6
WRONG: Final[tuple[Mapping[str, str], ...]] = (
    {"sku": "BH-2601", "price_fen": "面议"},
    {"sku": "BH-2602", "stock": "充足"},
    {"sku": "BH-2603", "category_code": "A02021000"},
)
"""What the wrong rows say instead of what stands."""


def bring(sessions: Callable[[], Session]) -> None:
    """Restock a few offers by spreadsheet; three rows of it are refused."""
    kind, engine = REGISTRY.known("listings"), Engine()
    with sessions() as session:
        actor = actor_of(session, LISTER)
        stands = list(islice(kind.export(session, actor, {"tab": "on_shelf"}), RESTOCKED))
        content = BytesIO(_workbook(kind, stands))
        seen = intake.look(content, kind, {})
        with commit(session):
            token = service.receive(session, actor, kind.name, file=content, name=FILE, seen=seen).token
        with commit(session):
            service.choose(session, actor, token, seen.mapping)
    while engine.turn(sessions):
        pass
    with sessions() as session, commit(session):
        service.write(session, actor, token)
    while engine.turn(sessions):
        pass


def _workbook(kind: Entity, stands: list[Cells]) -> bytes:
    rows: list[Cells] = [{**row, "stock": Figure(int(row["stock"]) + 50)} for row in stands]
    rows += [{**rows[place % len(rows)], **wrong} for place, wrong in enumerate(WRONG) if stands]
    return b"".join(outlet.exported(kind, rows, Format.XLSX, _plainly))


def _plainly(text: str, **facts: Any) -> str:
    return text % facts if facts else text
