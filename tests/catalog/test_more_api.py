"""JSON for what suppliers and buyers also do on pages: the gate's verdicts, questions and answers, where an application stands."""

import pytest

from app.accounts.people.tables import Person
from app.kernel.db import commit
from app.policy import OrganisationKind, Role
from catalog.listings import service as listings
from tests import factories
from tests.app.accounts.conftest import KEPT, PASSWORD
from tests.catalog import suppliers_at_the_door as door


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def calls(shop):
    """Calls of the API as a role of the world."""
    api = shop.app.test_client()

    def call(method: str, address: str, role: Role | None = None, **body):
        headers = bearer(shop.token(role)) if role else {}
        return api.open(address, method=method, headers=headers, json=body or None)

    return call


def test_a_supplier_reads_every_check_on_its_own_offer_and_nobody_elses(shop, calls):
    offer = shop.world.laser
    with shop.session() as session, commit(session):
        foreign = factories.listing(session, factories.supplier(session), factories.product(session)).id
        listings.reprice(session, shop.world.actor(Role.LISTER), offer.id, price_fen=990_00)
    told = calls("GET", f"/api/v1/listings/{offer.id}/verdicts", Role.LISTER).get_json()
    assert (told["shelf"], told["reason"], told["kept_version"], told["waiting_fen"], told["waiting_rules"]) == ("on_shelf", None, 2, None, [])
    now = {each["rule"]: each for each in told["now"]}
    assert {"K01", "K02", "K05", "P08", "R02"} <= now.keys() and [each["rule"] for each in told["kept"]] == [each["rule"] for each in told["now"]]
    assert (now["K01"]["outcome"], now["K01"]["sentence"], now["K01"]["way_out"]) == ("pass", "不在失信名单上", "")
    assert (now["R02"]["judged"], now["R02"]["facts"]) == (False, {"n": 0, "least": 3})
    assert calls("GET", f"/api/v1/listings/{foreign}/verdicts", Role.LISTER).status_code == 404
    assert calls("GET", f"/api/v1/listings/{offer.id}/verdicts", Role.BUYER).status_code == 403
    assert calls("GET", f"/api/v1/listings/{offer.id}/verdicts").status_code == 401


def test_a_buyer_asks_the_supplier_answers_and_everybody_reads_it_without_a_name(shop, calls):
    about = f"/api/v1/offers/{shop.world.laser.id}/questions"
    made = calls("POST", about, Role.BUYER, words="含墨粉吗？")
    assert (made.status_code, made.get_json()["state"], "asked_by" in made.get_json()) == (201, "open", False)
    number = made.get_json()["id"]
    assert [each["id"] for each in calls("GET", "/api/v1/questions?state=open", Role.LISTER).get_json()["items"]] == [number]
    answered = calls("PUT", f"/api/v1/questions/{number}/answer", Role.LISTER, words="含一支标准墨粉。").get_json()
    assert (answered["state"], answered["answer"]) == ("answered", "含一支标准墨粉。")
    again = calls("PUT", f"/api/v1/questions/{number}/answer", Role.LISTER, words="再答")
    assert (again.status_code, again.get_json()["code"]) == (409, "question.closed")
    (read,) = calls("GET", about).get_json()["items"]
    assert (read["words"], read["answer"]) == ("含墨粉吗？", "含一支标准墨粉。")
    assert calls("POST", about, Role.LISTER, words="自己问自己").status_code == 403
    assert calls("POST", about, Role.BUYER, words="").status_code == 422


def test_a_foreign_supplier_neither_sees_nor_answers_a_question(shop, calls):
    number = calls("POST", f"/api/v1/offers/{shop.world.laser.id}/questions", Role.BUYER, words="有现货吗？").get_json()["id"]
    with shop.session() as session, commit(session):
        of = factories.organisation(session, OrganisationKind.SUPPLIER)
        factories.person(session, of, Role.LISTER, login="stranger", password_hash=KEPT)
    api = shop.app.test_client()
    token = api.post("/api/v1/tokens", json={"login": "stranger", "password": PASSWORD}).get_json()["token"]
    assert api.get("/api/v1/questions", headers=bearer(token)).get_json()["items"] == []
    assert api.put(f"/api/v1/questions/{number}/answer", headers=bearer(token), json={"words": "有"}).status_code == 404
    assert calls("GET", f"/api/v1/offers/{shop.world.laser.id}/questions").get_json()["items"][0]["answer"] is None


def test_an_application_tells_where_it_stands_and_what_it_lacks_to_its_own_firm_alone(shop, calls):
    with shop.session() as session, commit(session):
        application, actor = door.joined(session, login="firm")
        session.get_one(Person, actor.person_id).password_hash = KEPT
        number = application.number
    api = shop.app.test_client()
    token = api.post("/api/v1/tokens", json={"login": "firm", "password": PASSWORD}).get_json()["token"]
    whole = api.get("/api/v1/onboarding", headers=bearer(token)).get_json()
    told = whole["application"]
    assert not whole["has_entered"]
    assert (told["number"], told["state"], told["round"], told["is_open"], told["remarks"]) == (number, "draft", 0, True, [])
    lacking = {each["part"]: each["lacking"] for each in told["lacking"]}
    assert lacking["scope"] == ["经营品类", "供货区域"] and lacking["agreement"] == ["入驻协议"]
    english = api.get("/api/v1/onboarding", headers=bearer(token) | {"Accept-Language": "en"}).get_json()["application"]
    assert english["lacking"] != told["lacking"]
    assert calls("GET", "/api/v1/onboarding", Role.SUPPLIER_ADMIN).get_json() == {"has_entered": True, "application": None}
    assert calls("GET", "/api/v1/onboarding", Role.BUYER).status_code == 403
