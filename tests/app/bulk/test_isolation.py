"""Every route of import and export, asked by the owner, by a colleague of another trade, by a foreign supplier, a foreign unit and nobody."""

import pytest
from sqlalchemy import select

from app.accounts.organisations.tables import Organisation
from app.bulk.tables import BulkJob
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.app.bulk.conftest import Desk, offer, workbook

READERS = ("owner", "foreign supplier", "own unit's buyer", "foreign unit's finance", "nobody")
JOB = (None, 404, 404, 404, 303)
"""An import of somebody else is not there; nobody is sent to sign in. The owner's answer stands beside each route."""
KIND = (200, 200, 404, 404, 303)
"""A kind of row is there for those who may bring or take it; what a foreign supplier takes is its own."""

ROUTES = {
    ("bulk.index", "GET"): ("/bulk/", (200, 200, 200, 200, 303)),
    ("bulk.entity", "GET"): ("/bulk/listings", KIND),
    ("bulk.upload", "POST"): ("/bulk/listings", (422, 422, 404, 404, 303)),
    ("bulk.template", "GET"): ("/bulk/listings/template.xlsx", KIND),
    ("bulk.export_xlsx", "GET"): ("/bulk/listings/export.xlsx", KIND),
    ("bulk.export_csv", "GET"): ("/bulk/listings/export.csv", KIND),
    ("bulk.job", "GET"): ("/bulk/jobs/{token}", (200, *JOB[1:])),
    ("bulk.failed", "GET"): ("/bulk/jobs/{token}/failed.xlsx", (200, *JOB[1:])),
    ("bulk.source", "GET"): ("/bulk/jobs/{token}/file", (200, *JOB[1:])),
    ("bulk.check", "POST"): ("/bulk/jobs/{token}/check", (422, *JOB[1:])),
    ("bulk.write", "POST"): ("/bulk/jobs/{token}/write", (409, *JOB[1:])),
    ("bulk.cancel", "POST"): ("/bulk/jobs/{token}/cancel", (409, *JOB[1:])),
}
OWN = ("B-00001", "B-00002", "机密.xlsx", "奔图")


@pytest.fixture
def desks(shop):
    """Each reader at the pages; the owner has an import with an error behind him."""
    owner = Desk(shop)
    owner.bring(workbook([offer(1), offer(2, price="x")]), name="机密.xlsx")
    with shop.session() as session, commit(session):
        supplier = session.get_one(Organisation, factories.supplier(session).organisation_id)
        factories.person(session, supplier, Role.LISTER, login="foreign.lister", password_hash=KEPT)
        factories.person(session, factories.unit(session), Role.FINANCE, login="foreign.finance", password_hash=KEPT)
    found = {"owner": owner, "own unit's buyer": Desk(shop, Role.BUYER)}
    for reader, login in (("foreign supplier", "foreign.lister"), ("foreign unit's finance", "foreign.finance")):
        found[reader] = Desk(shop)
        found[reader].browser = shop.browser()
        assert found[reader].browser.sign_in(login).status_code == 303
    found["nobody"] = Desk(shop)
    found["nobody"].browser = shop.browser()
    return found


def asked(desk, reader, method, path):
    if method == "GET":
        return desk.browser.get(path)
    token = desk.token("/sign-in") if reader == "nobody" else token_of(desk)
    return desk.browser.client.post(path, data={"csrf_token": token})


def token_of(desk):
    """A token of the reader's own; every page that he sees carries one."""
    html = desk.browser.get("/bulk/").get_data(as_text=True)
    return html.partition('"X-CSRFToken": "')[2].partition('"')[0]


def test_every_route_of_the_engine_stands_in_the_table(shop):
    rules = [rule for rule in shop.app.url_map.iter_rules() if rule.endpoint.startswith("bulk.")]
    assert {(rule.endpoint, method) for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}} == set(ROUTES)


def test_what_is_foreign_is_not_there_and_nothing_of_it_is_said(shop, desks):
    with shop.session() as session:
        token = session.scalars(select(BulkJob.token)).one()
        before = factories.how_many(session, Event)
    got = {}
    for (endpoint, method), (path, _) in ROUTES.items():
        for reader in READERS:
            answer = asked(desks[reader], reader, method, path.format(token=token))
            got[endpoint, reader] = answer.status_code
            said = answer.get_data()
            if reader != "owner":
                assert not any(word.encode() in said for word in OWN if answer.mimetype.startswith("text/")), (endpoint, reader)
    assert got == {(endpoint, reader): status for (endpoint, _), (_, told) in ROUTES.items() for reader, status in zip(READERS, told, strict=True)}
    with shop.session() as session:
        assert factories.how_many(session, Event) == before


def test_a_name_that_no_import_has_is_answered_like_a_foreign_one(desks):
    for reader in READERS[:-1]:
        for part in ("", "/failed.xlsx", "/file"):
            assert desks[reader].browser.get(f"/bulk/jobs/AAAAAAAAAAAAAAAA{part}").status_code == 404
    assert desks["owner"].browser.get("/bulk/nothing-of-the-kind").status_code == 404
