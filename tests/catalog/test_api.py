"""The same by JSON."""

from app.policy import Role
from catalog.listings.tables import Listing
from tests import factories

CERTIFICATE = {"kind": "energy", "number": "CQC26-0003", "issuer": "中国质量认证中心", "valid_to": "2999-12-31"}
PRODUCT = {"category_code": factories.LASER, "brand": "奔图", "model": "P3370DN", "title": "奔图 P3370DN 激光打印机", "unit": "台", "attributes": {"幅面": "A4", "速度": 33}, "facts": [CERTIFICATE]}
NEW = {"product": PRODUCT, "sku": "P-1", "price_fen": 1_299_00, "stock": 48, "delivery_days": 2}


def test_an_offer_goes_through_its_life(shop):
    made = shop.api("POST", "/listings", Role.LISTER, json=NEW)
    assert made.status_code == 201, made.json
    listing_id = made.json["listing_id"]
    shop.drain()
    (found,) = shop.api("GET", "/search?q=P3370DN").json["items"]
    assert (found["listing_id"], found["price_fen"], found["stock"]) == (listing_id, 1_299_00, 48)
    repriced = shop.api("PUT", f"/listings/{listing_id}/price", Role.LISTER, json={"price_fen": 1_199_00, "version": 1})
    assert (repriced.status_code, repriced.json["version"], repriced.json["price_fen"]) == (200, 2, 1_199_00)
    stale = shop.api("PUT", f"/listings/{listing_id}/price", Role.LISTER, json={"price_fen": 1, "version": 1})
    assert (stale.status_code, stale.json["code"]) == (409, "listing.changed_meanwhile")
    assert shop.api("PUT", f"/listings/{listing_id}/stock", Role.LISTER, json={"stock": 50, "seen": 48}).json["stock"] == 50
    assert shop.api("PUT", f"/listings/{listing_id}/shelf", Role.LISTER, json={"shelf": "off_shelf"}).json["shelf"] == "off_shelf"
    assert shop.api("GET", f"/offers/{listing_id}").status_code == 404
    versions = shop.api("GET", f"/listings/{listing_id}/versions", Role.LISTER).json["items"]
    assert [(each["version"], each["price_fen"]) for each in versions] == [(1, 1_299_00), (2, 1_199_00), (3, 1_199_00)]
    assert [each["sku"] for each in shop.api("GET", "/listings?q=P3370DN", Role.LISTER).json["items"]] == ["P-1"]


def test_bad_offers_are_refused_with_stable_codes(shop):
    for change, status, code in (
        ({"product": None}, 422, "listing.product_not_said"),
        ({"sku": shop.world.laser.sku}, 422, "listing.sku_taken"),
        ({"price_fen": 0}, 422, "listing.bad_price"),
        ({"price_fen": -1}, 422, "invalid_input"),
        ({"regions": ["110000"]}, 422, "listing.unknown_area"),
        ({"product": {**PRODUCT, "category_code": "A02021000"}}, 422, "product.not_leaf"),
        ({"product": {**PRODUCT, "category_code": "A99999999"}}, 404, "taxonomy.unknown_category"),
    ):
        answer = shop.api("POST", "/listings", Role.LISTER, json={**NEW, **change})
        assert (answer.status_code, answer.json["code"]) == (status, code)
    with shop.session() as session:
        assert factories.how_many(session, Listing) == 2


def test_only_the_suppliers_own_listers_change_offers(shop):
    address = f"/listings/{shop.world.laser.id}/price"
    assert shop.api("PUT", address, json={"price_fen": 1}).status_code == 401
    assert shop.api("PUT", address, Role.BUYER, json={"price_fen": 1}).status_code == 403
    assert shop.api("PUT", "/listings/999999/price", Role.LISTER, json={"price_fen": 1}).status_code == 404


def test_search_tells_facets_and_quartiles(shop):
    shop.stock_shelf()
    shop.index()
    found = shop.api("GET", "/search?q=打印机&facets=true&in_stock=true").json
    assert (found["total"], len(found["items"])) == (4, 4)
    assert found["items"][0]["quartiles"] == {"n": 5, "min": 1_000_00, "q1": 1_050_00, "median": 1_100_00, "q3": 1_150_00, "max": 1_200_00}
    assert {each["value"] for each in found["facets"]["cat3"]} == {factories.LASER}
    assert shop.api("GET", "/search?sort=wrong").status_code == 422
    assert shop.api("GET", "/search?cursor=forged").status_code == 422


def test_a_product_with_its_offers_and_suggestions(shop):
    shop.stock_shelf()
    found = shop.api("GET", f"/products/{shop.world.laser.product_id}").json
    assert [each["price_fen"] for each in found["offers"]] == [1_000_00, 1_050_00, 1_100_00, 1_150_00, 1_200_00]
    assert found["quartiles"]["n"] == 5 and found["prices"][0]["price_fen"] == 1_000_00
    assert shop.api("GET", "/products/999999").status_code == 404
    assert shop.api("GET", "/suggest?q=dayin").json["items"]


def test_the_catalogue_and_the_limits_are_public(shop):
    letters = shop.api("GET", "/categories").json["items"]
    assert [row["code"] for row in letters] == ["A", "B", "C"]
    found = shop.api("GET", "/categories?q=A4黑白打印机").json["items"][0]
    assert (found["code"], found["in_mall"]) == (factories.LASER, True)
    limits = shop.api("GET", "/limits?region=410100&on=2026-11-24").json
    assert {row["what"] for row in limits["limits"]} >= {"direct_ceiling", "mall_ceiling"} and limits["terms"]
    assert shop.api("GET", "/limits?region=999999").status_code == 404
