"""Commands on reference prices."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox, sheets
from app.kernel.errors import N_
from app.kernel.sheets import CellProblem, Imported, SheetRow
from app.policy import Actor, Permission
from catalog.products.tables import Product
from catalog.references.events import ReferencesKept
from catalog.references.rules import COLUMNS, Found
from catalog.references.tables import ReferencePrice

BATCH: Final = 500


def keep(session: Session, actor: Actor, found: Sequence[Found]) -> None:
    """Take prices in; a second price of one product at one source on one day replaces the first."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    if not found:
        return
    now = clock.now()
    rows = list({(each.product_id, each.source, each.day): each for each in found}.values())
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    for start in range(0, len(rows), BATCH):
        statement = upsert(ReferencePrice).values(
            [
                {
                    "product_id": row.product_id, "source": row.source, "day": row.day, "price_fen": row.price_fen,
                    "kept_by": actor.person_id, "at": now,
                }
                for row in rows[start : start + BATCH]
            ]
        )  # fmt: skip
        kept = {"price_fen": statement.excluded.price_fen, "kept_by": statement.excluded.kept_by, "at": statement.excluded.at}
        session.execute(statement.on_conflict_do_update(index_elements=["product_id", "source", "day"], set_=kept))
    fact = ReferencesKept(
        rows=len(rows),
        sources=tuple(sorted({row.source for row in rows})),
        first=min(row.day for row in rows).isoformat(),
        last=max(row.day for row in rows).isoformat(),
    )
    outbox.record(session, actor, fact, stream=numbers.new("CK"), region=actor.region)


def import_table(session: Session, actor: Actor, table: Sequence[sheets.Line]) -> Imported:
    """Take in a table of prices; a cell that cannot be used refuses the whole. Raises SheetRefused, UnreadableSheet."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    rows, problems = sheets.read(table, COLUMNS)
    known = _products(session, rows)
    today = clock.today()
    found: list[Found] = []
    for row in rows:
        product_id = known.get((row["category_code"], row["brand"], row["model"]))
        if product_id is None:
            way_out = N_("核对品目编码、品牌和型号，须与商城的产品定义一致")
            problems.append(CellProblem(row.line, N_("型号"), row["model"], N_("没有这样的产品"), way_out))
        elif row["day"] > today:
            problems.append(CellProblem(row.line, N_("日期"), row["day"].isoformat(), N_("日期在今天之后"), N_("填写查得价格的日期")))
        else:
            found.append(Found(product_id=product_id, source=row["source"], day=row["day"], price_fen=row["price"]))
    sheets.refuse(problems)
    keep(session, actor, found)
    return Imported(rows=len(rows), added=len(found))


def _products(session: Session, rows: Sequence[SheetRow]) -> dict[tuple[str, str, str], int]:
    """The products that the rows name, by category, brand and model."""
    wanted = sorted({(row["category_code"], row["brand"], row["model"]) for row in rows})
    named = tuple_(Product.category_code, Product.brand, Product.model)
    known: dict[tuple[str, str, str], int] = {}
    for start in range(0, len(wanted), BATCH):
        query = select(Product.id, Product.category_code, Product.brand, Product.model).where(named.in_(wanted[start : start + BATCH]))
        known.update(((row.category_code, row.brand, row.model), row.id) for row in session.execute(query))
    return known
