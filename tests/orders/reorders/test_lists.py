"""Lists that a unit buys from again, quick order by code and by spreadsheet, and what is told of each line."""

import io
import re
from html import unescape

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.xlsx_writing import Head, Sheet, written
from app.policy import Role
from catalog.listings import service as listings
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from orders.carts import queries as carts
from orders.carts.rules import BadQuantity
from orders.reorders import forms, queries, rules, service
from orders.reorders.rules import BadName, Choice, Fate, NameTaken
from orders.reorders.tables import ReorderLine, ReorderList
from tests import factories
from tests.orders import steps
from tests.orders.visits import Shop, Visitor


@pytest.fixture
def buyer(shop: Shop) -> Visitor:
    return shop.visitor(Role.BUYER)


def cart(shop: Shop) -> list[tuple[int, int]]:
    with shop.session() as session:
        return [(item.listing_id, item.quantity) for item in carts.items_of(session, shop.world.actor(Role.BUYER))]


def rival(shop: Shop, *, price_fen: int, stock: int = 100) -> Listing:
    """Another supplier's offer of the laser printer."""
    with shop.session() as session, commit(session):
        product = session.get_one(Product, shop.world.laser.product_id)
        return factories.listing(session, factories.supplier(session), product, price_fen=price_fen, stock=stock)


def made(shop: Shop, name: str = "季度办公用品", quantity: int = 2) -> int:
    """A list with the laser printer on it."""
    with shop.session() as session, commit(session):
        found = service.create(session, shop.world.actor(Role.BUYER), name)
        service.put(session, shop.world.actor(Role.BUYER), found.id, [(shop.world.laser.id, quantity)])
        return found.id


def lists(shop: Shop) -> list[str]:
    with shop.session() as session:
        return list(session.scalars(select(ReorderList.name).order_by(ReorderList.name)))


# ---------------------------------------------------------------- what becomes of a line


OWN, LOW = (Choice(listing_id=number, price_fen=price, stock=stock, areas=("410000",)) for number, price, stock in ((1, 1_000_00, 5), (2, 900_00, 10)))


@pytest.mark.parametrize(
    ("then_fen", "quantity", "offers", "taken", "fate"),
    [
        (1_000_00, 5, (LOW, OWN), 1, Fate.SAME),
        (1_100_00, 5, (LOW, OWN), 1, Fate.CHEAPER),
        (900_00, 5, (LOW, OWN), 1, Fate.DEARER),
        (1_000_00, 6, (LOW, OWN), 2, Fate.REPLACED),
        (1_000_00, 1, (LOW,), 2, Fate.REPLACED),
        (1_000_00, 11, (LOW, OWN), None, Fate.GONE),
        (1_000_00, 1, (), None, Fate.GONE),
    ],
)
def test_a_line_takes_its_own_offer_if_it_has_enough_else_the_lowest_that_has(then_fen, quantity, offers, taken, fate):
    chosen, found = rules.fate(1, then_fen, quantity, offers)
    assert (chosen.listing_id if chosen else None, found) == (taken, fate)


@pytest.mark.both_databases
def test_a_whole_list_goes_into_the_cart_and_the_report_says_what_changed(shop: Shop, buyer: Visitor) -> None:
    found = made(shop)
    other = rival(shop, price_fen=1_080_00)
    with shop.session() as session, commit(session):
        service.put(session, shop.world.actor(Role.BUYER), found, [(shop.world.paper.id, 3)])
        listings.take_off_shelf(session, shop.world.actor(Role.LISTER), shop.world.laser.id)
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.paper.id, price_fen=shop.world.paper.price_fen + 1_00)
    answer = buyer.post(f"/reorders/{found}/cart", f"/reorders/{found}")
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 200 and "2 行已加入，共 2 行" in page
    assert "原报价不可用，换为同款最低价" in page and "1,080.00" in page and "已涨价" in page
    assert sorted(cart(shop)) == sorted([(other.id, 2), (shop.world.paper.id, 3)])


def test_what_nobody_offers_any_more_is_told_and_the_rest_goes_along(shop: Shop, buyer: Visitor) -> None:
    found = made(shop)
    with shop.session() as session, commit(session):
        service.put(session, shop.world.actor(Role.BUYER), found, [(shop.world.paper.id, 1)])
        listings.take_off_shelf(session, shop.world.actor(Role.LISTER), shop.world.laser.id)
    page = buyer.post(f"/reorders/{found}/cart", f"/reorders/{found}").get_data(as_text=True)
    assert "已无人在售" in page and "1 行已加入，共 2 行" in page
    assert cart(shop) == [(shop.world.paper.id, 1)]


# ---------------------------------------------------------------- keeping lists


def test_a_list_is_made_renamed_filled_changed_and_taken_away(shop: Shop, buyer: Visitor) -> None:
    to = buyer.post("/reorders", "/reorders", name="  每月  耗材 ").headers["Location"]
    assert lists(shop) == ["每月 耗材"]
    assert buyer.post(f"{to}/lines", to, code=shop.world.laser.sku.lower(), quantity="2").status_code == 303
    assert buyer.post(f"{to}/lines", to, code=shop.world.laser.sku, quantity="3").status_code == 303
    with shop.session() as session:
        line = session.scalars(select(ReorderLine)).one()
        assert (line.listing_id, line.quantity, line.price_fen) == (shop.world.laser.id, 5, 1_000_00)
    assert buyer.post(f"{to}/lines/{line.id}", to, quantity="7").status_code == 303
    wrong = buyer.post(f"{to}/lines/{line.id}", to, quantity="七")
    assert wrong.status_code == 422 and "数量须为 1 到 100,000 之间的整数" in wrong.get_data(as_text=True)
    with shop.session() as session:
        assert session.scalars(select(ReorderLine.quantity)).one() == 7
    buyer.post(f"{to}/rename", to, name="耗材")
    assert lists(shop) == ["耗材"]
    buyer.post(f"{to}/lines/{line.id}", to, drop="1")
    assert buyer.post(f"{to}/discard", to).status_code == 303
    assert lists(shop) == []


def test_a_name_is_needed_and_stands_once_in_a_unit(shop: Shop, buyer: Visitor) -> None:
    made(shop, "耗材")
    for name, why in (("", "清单名称须为 1 到 60 字"), ("长" * 61, "清单名称须为 1 到 60 字"), ("耗材", "本单位已有名为“耗材”的清单")):
        answer = buyer.post("/reorders", "/reorders", name=name)
        assert answer.status_code == 422 and why in unescape(answer.get_data(as_text=True))
    with shop.session() as session:
        for name, refusal in (("  ", BadName), ("耗材", NameTaken)):
            with pytest.raises(refusal):
                service.create(session, shop.world.actor(Role.BUYER), name)
        with pytest.raises(BadQuantity):
            service.put(session, shop.world.actor(Role.BUYER), 1, [(shop.world.laser.id, 0)])
    assert lists(shop) == ["耗材"]


def test_an_order_becomes_a_list_with_one_click_and_the_second_click_finds_it(shop: Shop, buyer: Visitor) -> None:
    with shop.session() as session:
        order = steps.submitted(session, shop.world, {shop.world.laser: 2, shop.world.paper: 5})
    page = f"/orders/{order.number}"
    assert "存为常购清单" in buyer.text(page)
    first = buyer.post(f"/reorders/from-order/{order.number}", page).headers["Location"]
    assert buyer.post(f"/reorders/from-order/{order.number}", page).headers["Location"] == first
    assert lists(shop) == [order.number]
    with shop.session() as session:
        held = {line.listing_id: (line.quantity, line.price_fen) for line in session.scalars(select(ReorderLine))}
    assert held == {shop.world.laser.id: (2, 1_000_00), shop.world.paper.id: (5, shop.world.paper.price_fen)}
    assert "存为常购清单" not in shop.visitor(Role.APPROVER).text(page)


def test_another_unit_a_supplier_and_a_supervisor_see_no_list_and_change_none(shop: Shop) -> None:
    found = made(shop)
    with shop.session() as session, commit(session):
        other = factories.world(session)
    for actor in (other.actor(Role.BUYER), shop.world.actor(Role.LISTER), shop.world.actor(Role.SUPERVISOR), shop.world.actor(Role.APPROVER)):
        with shop.session() as session:
            assert queries.lists_of(session, actor) == []
            with pytest.raises(Missing):
                queries.by_id(session, actor, found)
    stranger = shop.visitor(other.actor(Role.BUYER))
    assert stranger.get(f"/reorders/{found}").status_code == 404
    for address in ("cart", "discard", "rename", "lines"):
        assert stranger.post(f"/reorders/{found}/{address}", "/reorders", name="x", code=shop.world.laser.sku, quantity="1").status_code == 404, address
    assert shop.visitor(Role.LISTER).get("/reorders").status_code == 403
    assert lists(shop) == ["季度办公用品"]


# ---------------------------------------------------------------- by code, and by spreadsheet


def test_codes_typed_and_pasted_mean_the_lowest_offer_and_go_into_the_cart(shop: Shop, buyer: Visitor) -> None:
    cheap = rival(shop, price_fen=950_00)
    with shop.session() as session:
        model = session.get_one(Product, shop.world.laser.product_id).model
    answer = buyer.post("/quick-order", "/quick-order", code=[model.lower(), "没有的", ""], quantity=["4", "1", "1"], lines=f"{shop.world.paper.sku}  2\n{model} 很多")
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "没有在售并供货到本地区的商品" in page and "没有的" in page
    assert re.search(r'class="num">4</th><td data-l="列">数量</td><td class="mono" data-l="填写的内容">很多', page)
    assert f'name="listing" value="{cheap.id}"' in page and f'name="listing" value="{shop.world.paper.id}"' in page
    done = buyer.post("/quick-order/cart", "/quick-order", listing=[str(cheap.id), str(shop.world.paper.id)], pieces=["4", "2"])
    assert done.status_code == 200 and "2 行已加入，共 2 行" in done.get_data(as_text=True)
    assert cart(shop) == [(cheap.id, 4), (shop.world.paper.id, 2)]


def test_a_bar_code_and_any_way_of_writing_a_model_mean_the_product(shop: Shop, buyer: Visitor) -> None:
    with shop.session() as session, commit(session):
        product = factories.product(session, model="HL-2260D", gtin="06901234567892")
        offer = factories.listing(session, factories.supplier(session), product)
    for typed in ("6901234567892", "06901234567892", "hl 2260d", "ＨＬ－２２６０Ｄ"):
        page = buyer.post("/quick-order", "/quick-order", code=typed, quantity="1").get_data(as_text=True)
        assert f'name="listing" value="{offer.id}"' in page, typed


def test_a_quantity_that_nobody_has_names_the_most_that_there_is(shop: Shop, buyer: Visitor) -> None:
    page = buyer.post("/quick-order", "/quick-order", code=shop.world.laser.sku, quantity="101").get_data(as_text=True)
    assert "101 &gt; 100" in page and "没有一家有这么多库存" in page and cart(shop) == []


def test_one_model_of_two_brands_asks_which_is_meant(shop: Shop, buyer: Visitor) -> None:
    with shop.session() as session, commit(session):
        model = session.get_one(Product, shop.world.laser.product_id).model
        twin = factories.product(session, brand="别家", model=model)
        factories.listing(session, factories.supplier(session), twin, price_fen=800_00)
    page = buyer.post("/quick-order", "/quick-order", code=model, quantity="1").get_data(as_text=True)
    assert "有 2 种商品，请选择" in page
    assert "没有填写任何一行" in buyer.post("/quick-order/cart", "/quick-order", listing="", pieces="1").get_data(as_text=True)


@pytest.mark.parametrize("kind", ["xlsx", "csv", "gb18030"])
def test_a_spreadsheet_is_matched_line_by_line_with_a_problem_for_every_bad_cell(shop: Shop, buyer: Visitor, kind: str) -> None:
    rows = [["序号", "货号", "名称", "数量"], ["1", shop.world.laser.sku, "打印机", "2"], ["2", "NO-SUCH", "", "1"], ["3", shop.world.paper.sku, "纸", "半"]]
    text = "\r\n".join(",".join(row) for row in rows)
    book = [Sheet("采购", [Head(head) for head in rows[0]], rows[1:])]
    raw = b"".join(written(book)) if kind == "xlsx" else text.encode("utf-8-sig" if kind == "csv" else "gb18030")
    answer = buyer.post("/quick-order", "/quick-order", file=(io.BytesIO(raw), f"list.{kind}"))
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and f'name="listing" value="{shop.world.laser.id}"' in page
    told = re.findall(r'<th scope="row" class="num">(\d+)</th><td data-l="列">(\w+)</td><td class="mono" data-l="填写的内容">([^<]*)', page)
    assert told == [("3", "编码", "NO-SUCH"), ("4", "数量", "半")]


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"PK\x03\x04 nonsense", "文件不是可读的"), (b"\xff\xfe\x00", "文件不是可读的"), ("名称,单价\n甲,1\n".encode(), "缺少这一列"), (b"", "文件是空的")],
    ids=["broken", "no text", "other columns", "empty"],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(shop: Shop, buyer: Visitor, raw: bytes, why: str) -> None:
    answer = buyer.post("/quick-order", "/quick-order", file=(io.BytesIO(raw), "list.xlsx"))
    assert answer.status_code == 422 and why in unescape(answer.get_data(as_text=True))


def test_more_lines_than_a_cart_holds_are_refused_before_anything_is_looked_up(shop: Shop, buyer: Visitor) -> None:
    answer = buyer.post("/quick-order", "/quick-order", lines="\n".join(f"A{number} 1" for number in range(101)))
    assert answer.status_code == 422 and "共 101 行，一次最多 100 行" in answer.get_data(as_text=True)


def test_a_model_with_spaces_is_pasted_with_its_quantity():
    from werkzeug.datastructures import MultiDict

    lines = "LaserJet Pro M404 3\nHP-1,2\n得力 7\t4\n单独\n\n"
    assert forms.typed(MultiDict({"lines": lines})) == [("LaserJet Pro M404", "3"), ("HP-1", "2"), ("得力 7", "4"), ("单独", "")]


def test_an_offer_that_was_never_on_a_shelf_gives_away_neither_its_title_nor_its_supplier(shop: Shop, buyer: Visitor) -> None:
    with shop.session() as session, commit(session):
        supplier = factories.supplier(session, name="隐名供应商")
        draft = factories.listing(session, supplier, session.get_one(Product, shop.world.laser.product_id), shelf=Shelf.DRAFT, title="未公开的报价")
    page = buyer.post("/quick-order/cart", "/quick-order", listing=str(draft.id), pieces="1").get_data(as_text=True)
    assert "已无人在售" in page and str(draft.id) in page
    assert "未公开的报价" not in page and "隐名供应商" not in page
    assert cart(shop) == []


def test_a_list_that_would_grow_too_long_takes_nothing_of_what_was_put_on_it(shop: Shop) -> None:
    found, buyer = made(shop), shop.world.actor(Role.BUYER)
    with pytest.raises(BadQuantity), shop.session() as session, commit(session):
        service.put(session, buyer, found, [(shop.world.paper.id, 1), (shop.world.laser.id, 100_000)])
    with shop.session() as session:
        assert [line.quantity for line in session.scalars(select(ReorderLine))] == [2]
