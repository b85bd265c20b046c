"""A mall in use is upgraded: from every older version, on both databases, nothing is lost and business goes on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit
from app.policy import Role
from orders.thread.audit import audit as audit_books
from supervision.journal import service as log
from supervision.journal.audit import audit as audit_journal
from supervision.training import guide
from tests import databases, training
from tests.migrations.old_mall import OldMall, no_table_empty, revisions

CHANGED_ON_PURPOSE: dict[str, str] = {}
"""Tables whose old columns a migration rewrites, and why."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a small province in which no table is empty."""
    folder = tmp_path_factory.mktemp("source") / "mall"
    shutil.copytree(training.template(), folder)
    no_table_empty(folder / "mall.db")
    return folder


@pytest.fixture
def url(database_kind: str, tmp_path: Path) -> Iterator[str]:
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.sqlite'}"
        return
    made = databases.empty_postgresql()
    yield made
    databases.drop(made)


@pytest.mark.timeout(300)
@pytest.mark.both_databases
def test_a_mall_in_use_comes_through_every_migration_and_goes_on(url, source, tmp_path):
    mall = OldMall(url, source / "mall.db")
    chain = revisions()
    assert len(chain) > 1
    for revision in chain:
        mall.step(revision)
        assert mall.empty_tables() == [], revision
    lost = mall.differences()
    mall.close()
    assert set(lost) == set(CHANGED_ON_PURPOSE), lost
    shutil.copytree(source, tmp_path / "mall", ignore=shutil.ignore_patterns("mall.db*"))
    business_goes_on(Settings(data_dir=tmp_path / "mall", database_url=url))


def business_goes_on(settings: Settings) -> None:
    """Pages are served, an order is placed, and both audits accept the books and the journal with the old rows and the new."""
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(settings)
    with app.app_context():
        engine = db.engine
    try:
        web = app.test_client()
        assert web.get("/").status_code == 200 and web.get("/portal").status_code == 200
        with Session(engine) as session:
            with commit(session):
                token = guide.tokens(session)[Role.BUYER]
            wanted = guide.product(session)
            line = next(line for line in guide.budget_lines(session) if wanted and line["pieces_left"] and line["category"] == "A02021003")
        assert wanted is not None
        headers = {"Authorization": f"Bearer {token}"}
        address = web.post("/api/v1/cart/items", json={"listing_id": wanted["listing_id"], "quantity": 1}, headers=headers).get_json()["items"][0]["address_id"]
        wish = {"listing_id": wanted["listing_id"], "quantity": 1, "seen_price_fen": wanted["price_fen"], "plan_line_id": line["plan_line_id"], "address_id": address}
        placed = web.post("/api/v1/submissions", json={"lines": [wish], "reason": "升级之后照常办公"}, headers={**headers, "Idempotency-Key": "after-the-upgrade"})
        assert placed.status_code == 201, placed.get_data(as_text=True)
        app.extensions["mall.worker"]().drain()
        with Session(engine) as session:
            assert audit_books(session) == []
            report = audit_journal(session, settings.folder("journal"), log.verifier_at(settings.journal_key_path))
            assert report.accepted and report.entries > 20_000, report
    finally:
        app.extensions["mall.search"].close()
        engine.dispose()
