"""The page of a supplier's own shop, and of the orders sent to it; a foreign supplier sees neither."""

from app.kernel.db import commit
from app.policy import Role
from catalog.connections import handlers, service
from catalog.connections.states import Job
from catalog.connections.tables import Connection
from tests import factories
from tests.catalog.connections.desk import DOOR, LINE, SEAL
from tests.orders.conftest import shop  # noqa: F401 - the application with its small world
from tests.supplier_shop import Item, opened

ADMIN = Role.SUPPLIER_ADMIN


def test_a_connection_is_typed_in_and_a_plain_address_is_refused_with_what_was_typed(shop):  # noqa: F811
    fields = {"client_id": "mall", "secret": "word", "regions": [factories.CITY]}
    refused = shop.visitor(ADMIN).post("/connection", "/connection", url="http://shop.example/api", **fields)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "只接受 https" in text and 'value="http://shop.example/api"' in text and "word" not in text.replace("password", "")
    without = shop.visitor(ADMIN).post("/connection", "/connection", **(fields | {"url": "https://shop.example/api", "secret": ""}))
    assert without.status_code == 422 and "请填写接口密钥" in without.get_data(as_text=True)
    assert shop.visitor(ADMIN).post("/connection", "/connection", url="https://shop.example/api", **fields).status_code == 303
    page = shop.visitor(ADMIN).text("/connection")
    assert 'value="https://shop.example/api"' in page and "商品池" in page
    with shop.session() as session:
        row = session.get_one(Connection, shop.world.supplier.organisation_id)
        assert (row.client_id, row.regions) == ("mall", factories.CITY) and "word" not in row.secret


def test_the_goods_and_their_troubles_are_listed_to_their_supplier_alone(shop):  # noqa: F811
    with opened() as theirs, shop.session() as session:
        theirs.add(Item("P-1", "22.00", category=factories.PAPER, unit="包"), Item("Z-9", "10", category="A99999999", model="Z", name="没有品目的东西"))
        with commit(session):
            service.connect(session, shop.world.actor(ADMIN), DOOR, SEAL, base_url=theirs.url, client_id="mall", secret=theirs.secret, regions=())
        handlers.follow(shop.session, LINE, Job.POOL)
    page = shop.visitor(ADMIN).text("/connection?show=troubled")
    assert "没有品目的东西" in page and "品目编码不在目录内" in page and "P3370DN" not in page
    with shop.session() as session, commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY).actor(ADMIN)
    for address in ("/connection", "/dispatches"):
        seen = shop.visitor(stranger).text(address)
        assert "P-1" not in seen and "Z-9" not in seen and theirs.url not in seen
    assert shop.visitor(stranger).post("/connection/off", "/connection").status_code == 409
    with shop.session() as session:
        assert session.get_one(Connection, shop.world.supplier.organisation_id).state == "active"
    assert shop.visitor(ADMIN).post("/connection/off", "/connection").status_code == 303
    assert shop.visitor(ADMIN).post("/connection/on", "/connection").status_code == 303


def test_nobody_but_the_administrator_opens_the_pages(shop):  # noqa: F811
    for role in (Role.LISTER, Role.ORDER_CLERK, Role.BUYER, Role.UNIT_ADMIN, Role.SUPERVISOR):
        for address in ("/connection", "/dispatches"):
            assert shop.visitor(role).get(address).status_code == 403
