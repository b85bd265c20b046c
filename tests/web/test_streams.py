"""A download gives its connection back when it is over, and when its reader goes away in the middle."""

import pytest

from app.policy import Role
from app.web.extensions import db
from tests.catalog.conftest import shop

__all__ = ["shop"]

DOWNLOADS = [
    ("/bulk/listings/export.xlsx", Role.LISTER), ("/bulk/listings/export.csv", Role.LISTER), ("/positions/positions.csv", Role.LISTER),
    ("/portal/prices/all.csv", None), ("/orders.csv", Role.BUYER), ("/watch/stream.csv", Role.SUPERVISOR),
]  # fmt: skip


def taken(shop):
    with shop.app.app_context():
        return db.engine.pool.checkedout()


@pytest.mark.both_databases
@pytest.mark.parametrize(("address", "role"), DOWNLOADS)
def test_a_download_gives_its_connection_back(shop, address, role):
    browser = shop.browser(role)
    with browser.get(address) as whole:
        assert whole.status_code == 200 and whole.data
    assert taken(shop) == 0
    browser.get(address).close()
    assert taken(shop) == 0
