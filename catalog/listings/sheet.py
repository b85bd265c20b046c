"""Listings as a table: what a supplier's spreadsheet says of its offers, and how it becomes listings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.orm import Session

from app.bulk.entity import Cells, Entity, Judged, Verdict
from app.bulk.states import Outcome
from app.kernel import clock, money, regions
from app.kernel.errors import N_, Refusal
from app.kernel.sheets import YES_OR_NO, BadCell, CellProblem, Column, SheetRow, refused, yes_or_no
from app.kernel.verdicts import that
from app.kernel.xlsx_writing import Figure
from app.policy import Actor, Permission
from catalog.listings import desk, gate, queries, service
from catalog.listings.gate import Goods
from catalog.listings.queries import Shown
from catalog.listings.rules import MOST_STOCK, DuplicateListing, areas, check_price, eased, is_held
from catalog.listings.service import NewListing, Saying
from catalog.listings.states import SHELF_NAMES, Shelf
from catalog.listings.verdicts import Outcome as Gate
from catalog.listings.verdicts import Verdict as Checked
from catalog.products import queries as products
from catalog.products import service as product_service
from catalog.products.rules import NotLeaf, lines_of, proven_on, read_lines, stored
from catalog.products.service import Definition
from catalog.products.states import FactKind, Origin
from catalog.products.tables import Product
from catalog.taxonomy import queries as taxonomy

SHELVES: Final = {word: shelf for shelf, word in SHELF_NAMES.items()}
CLAIM: Final = N_("登记了有效证书的产品为是；新产品先导入，再在产品页登记证书")
ATTRIBUTE: Final = "规格："
"""Before the name of an attribute that has a column of its own."""


def _price(text: str) -> int:
    fen = money.parse_yuan(text)
    check_price(fen)
    return fen


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
            raise BadCell(N_("应为 %(low)s 到 %(high)s 之间的整数"), N_("只填写数字"), low=f"{low:,}", high=f"{high:,}")
        return int(text)

    return parse


def _shelf(text: str) -> Shelf:
    found = SHELVES.get(text) or next((shelf for shelf in Shelf if shelf.value == text), None)
    if found is None:
        raise BadCell(N_("不在可选的范围内"), N_("填写在架、已下架或草稿"))
    return found


def _code(text: str) -> str:
    return text.upper()


def _areas(text: str) -> tuple[str, ...]:
    """Codes or full names of regions. Raises UnknownArea."""
    words = [word.strip() for word in text.replace("，", "、").replace(",", "、").replace(";", "、").replace("；", "、").split("、")]
    return tuple(areas([_BY_NAME.get(word, word) for word in words if word]).split(","))


_BY_NAME: Final = {regions.full_name(code): code for code in regions.REGIONS} | {
    each.name: each.code for each in regions.children(regions.PROVINCE)
}

COLUMNS: Final = (
    Column("sku", N_("货号"), sample="HP-1001", note=N_("本供应商内唯一；已有的货号按行修改，新的货号新增"), most=40),
    Column("category_code", N_("品目编码"), parse=_code, sample="A02021003", note=N_("最末级品目编码"), most=9),
    Column("brand", N_("品牌"), sample="惠普", most=60),
    Column("model", N_("型号"), sample="M1005", most=80),
    Column("title", N_("商品名称"), also=("名称", "标题"), sample="惠普 M1005 A4黑白激光打印机", note=N_("买方看到和搜到的名称"), most=120),
    Column("unit", N_("销售单位"), also=("计量单位",), sample="台", most=8),
    Column(
        "price_fen", N_("单价（元）"), parse=_price, also=("单价", "价格", "含税单价"), sample="1299.00", note=N_("含税含运"),
        is_number=True,
    ),
    Column("stock", N_("库存"), parse=_between(0, MOST_STOCK), also=("库存数量",), sample="100", is_number=True),
    Column("delivery_days", N_("承诺送达（日）"), required=False, parse=_between(1, 365), also=("送达天数",), sample="5", is_number=True),
    Column("warranty_months", N_("质保（月）"), required=False, parse=_between(0, 240), sample="12", is_number=True),
    Column(
        "regions", N_("供货区域"), required=False, parse=_areas, sample="410000",
        note=N_("六位区划代码或市名，几个之间用顿号；留空为全省，已有的保持不变"),
    ),
    Column(
        "shelf", N_("状态"), required=False, parse=_shelf, words=("在架", "已下架", "草稿"), sample="草稿",
        note=N_("新增时留空为在架；上架和改价须过闸门"),
    ),
    Column("imported", N_("进口产品"), required=False, parse=yes_or_no, words=YES_OR_NO, sample="否"),
    Column("energy_saving", N_("节能产品"), required=False, parse=yes_or_no, words=YES_OR_NO, sample="否", note=CLAIM),
    Column("environment", N_("环境标志产品"), required=False, parse=yes_or_no, words=YES_OR_NO, sample="否", note=CLAIM),
    Column(
        "attributes", N_("规格参数"), required=False, parse=read_lines, sample="幅面：A4\n速度：14",
        note=N_("每行一项，写作“名称：内容”；也可每项一列，列名写作“规格：名称”。产品已有定义的，以定义为准"), most=8000,
    ),
)  # fmt: skip


def attribute_column(heading: str) -> Column | None:
    """A column for one attribute: headed 规格：名称 or Attribute: name."""
    name = heading.strip().replace(":", "：", 1)
    if name.lower().startswith("attribute："):
        name = ATTRIBUTE + name.partition("：")[2].strip()
    if not name.startswith(ATTRIBUTE) or not 0 < len(name) - len(ATTRIBUTE) <= 40:
        return None
    return Column(name, name, required=False, most=200)


def of_category(session: Session, category: str) -> Sequence[Column]:
    """The attributes that products of a category usually have, each in a column of its own."""
    names = products.usual_attributes(session, category)[:40]
    return [column for name in names if (column := attribute_column(f"{ATTRIBUTE}{name}")) is not None]


@dataclass(frozen=True)
class Intent:
    """What a row does: the product when it is known, the definition when it is new, the listing when it is there, what the gate said."""

    key: tuple[str, str, str]
    goods: Goods
    definition: Definition | None
    offer: Shown | None
    saying: dict[str, Any]

    @property
    def asks(self) -> bool:
        """Whether it comes on the shelf, or stays there at another price: then the gate is asked."""
        stands = self.offer is not None and self.offer.shelf is Shelf.ON_SHELF and self.offer.price_fen == self.saying["price_fen"]
        return self.saying["shelf"] is Shelf.ON_SHELF and not stands


def judge(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """What each row would do to the supplier's listings, and what the gate says of it; a dozen statements for all of them."""
    skus = [row["sku"] for row in rows]
    offers = queries.own_by_sku(session, actor, skus) if skus else {}
    waiting = desk.prices_waiting(session, [offer.listing_id for offer in offers.values()])
    known = products.same_of(session, {_key(row) for row in rows})
    ids = [product.id for product in known.values()]
    shelved = queries.duplicates(session, actor.organisation_id or 0, ids) if ids else {}
    on_shelf: dict[tuple[str, str, str], str] = memory.setdefault("on_shelf", {})
    leaving = {row["sku"] for row in rows if row["shelf"] not in {None, Shelf.ON_SHELF}}
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    for row in rows:
        product, offer = known.get(_key(row)), offers.get(row["sku"])
        wrong = _judge_product(session, row, product) + _judge_offer(row, offer)
        if not wrong and _will_be(row, offer) is Shelf.ON_SHELF and (offer is None or offer.shelf is not Shelf.ON_SHELF):
            twin = on_shelf.get(_key(row)) or (shelved.get(product.id) if product else None)
            if twin is not None and twin != row["sku"] and twin not in leaving:
                wrong = [refused(row.line, _heading("model"), f"{row['brand']} {row['model']}", DuplicateListing(sku=twin))]
            else:
                on_shelf[_key(row)] = row["sku"]
        problems += wrong
        if not wrong:
            judged.append(_intent(row, product, offer, waiting.get(offer.listing_id) if offer else None))
    passed, blocked = _through_the_gate(session, actor.organisation_id or 0, judged)
    return passed, problems + blocked


def _through_the_gate(session: Session, supplier_id: int, judged: Sequence[Judged]) -> Verdict:
    """The rows as the gate lets them be: on the shelf, in review, at the old price until the keeper has decided, or not at all."""
    asking = [each.intent for each in judged if each.intent.asks]
    found = iter(gate.judge_goods(session, supplier_id, [(intent.goods, intent.saying["price_fen"]) for intent in asking]))
    passed: list[Judged] = []
    problems: list[CellProblem] = []
    for each in judged:
        intent: Intent = each.intent
        if not intent.asks:
            passed.append(each)
            continue
        offer, verdicts = intent.offer, next(found)
        stays = offer if offer is not None and offer.shelf is Shelf.ON_SHELF else None
        if stays is not None and intent.saying["price_fen"] < stays.price_fen:
            verdicts = eased(verdicts)
        blocks = that(Gate.BLOCK, verdicts)
        problems += [_blocked(each.row, verdict) for verdict in blocks]
        saying = intent.saying | {"verdicts": verdicts}
        if stays is not None and is_held(verdicts):
            saying |= {"price_fen": stays.price_fen, "held_fen": intent.saying["price_fen"]}
        elif is_held(verdicts) or (offer is not None and offer.shelf is Shelf.SUSPENDED):
            saying |= {"shelf": Shelf.REVIEW}
        if not blocks:
            waits = "held_fen" in saying or saying["shelf"] is Shelf.REVIEW
            passed.append(replace(each, intent=replace(intent, saying=saying), waits=waits))
    return passed, problems


def _blocked(row: SheetRow, verdict: Checked) -> CellProblem:
    """What the gate blocks, at the cell that would have to change."""
    at = "price_fen" if verdict.rule.startswith("R") else "model"
    figure = money.yuan(row["price_fen"]) if at == "price_fen" else f"{row['brand']} {row['model']}"
    facts = {name.removesuffix("_fen"): money.yuan(fact) if name.endswith("_fen") else fact for name, fact in verdict.facts.items()}
    return CellProblem(row.line, _heading(at), figure, verdict.sentence, verdict.words.way_out, facts)


def _key(row: SheetRow) -> tuple[str, str, str]:
    return (row["category_code"], row["brand"], row["model"])


def _heading(name: str) -> str:
    return next(column.heading for column in COLUMNS if column.name == name)


def _will_be(row: SheetRow, offer: Shown | None) -> Shelf:
    return row["shelf"] or (offer.shelf if offer else Shelf.ON_SHELF)


def _judge_product(session: Session, row: SheetRow, product: Product | None) -> list[CellProblem]:
    """A new product needs a narrowest category; a known one is taken as it stands, and what the row says otherwise is wrong."""
    if product is None:
        try:
            category = taxonomy.category(session, row["category_code"])
            if not category.leaf:
                raise NotLeaf(category=category.code, name=category.name)
            stored(_attributes(row))
        except Refusal as refusal:
            at = "attributes" if getattr(refusal, "field", "") == "attributes" else "category_code"
            return [refused(row.line, _heading(at), "" if at == "attributes" else row["category_code"], refusal)]
        rule, way_out = N_("新产品还没有登记证书，没有证书的不计"), N_("填写否或留空，状态填草稿；导入后在产品页登记证书，再上架")
        return [CellProblem(row.line, _heading(name), "是", rule, way_out) for name in CLAIMS if row[name]]
    proven = proven_on(product.proven, clock.today())
    stands: dict[str, object] = {
        "unit": product.unit, "imported": product.origin is Origin.IMPORTED, **{name: kind in proven for name, kind in CLAIMS.items()},
    }  # fmt: skip
    words = {True: "是", False: "否"}
    return [
        CellProblem(
            row.line, _heading(name), _worded(row[name]), N_("该产品已有定义，这一项为“%(stands)s”"),
            N_("改为相同的内容；属于定义有误的，请联系目录管理员"), {"stands": words[told] if isinstance(told, bool) else str(told)},
        )
        for name, told in stands.items() if row[name] is not None and row[name] != told
    ]  # fmt: skip


CLAIMS: Final = {"energy_saving": FactKind.ENERGY, "environment": FactKind.ENVIRONMENT}


def _worded(value: object) -> str:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)


def _judge_offer(row: SheetRow, offer: Shown | None) -> list[CellProblem]:
    if offer is None:
        if row["shelf"] not in {None, Shelf.ON_SHELF, Shelf.DRAFT}:
            return [_shelf_problem(row, N_("新增的商品不能是这个状态"), N_("填写在架或草稿"))]
        return []
    if _key(row) != (offer.category_code, offer.brand, offer.model):
        figure = f"{row['category_code']} {row['brand']} {row['model']}"
        stands = f"{offer.category_code} {offer.brand} {offer.model}"
        rule, way_out = N_("货号已用于另一产品：%(stands)s"), N_("换一个货号，或改回原来的品目、品牌、型号")
        return [CellProblem(row.line, _heading("sku"), figure, rule, way_out, {"stands": stands})]
    changes = _saying(row, offer)
    if any(changes[name] != old for name, old in _stands(offer).items() if name != "stock"):
        if offer.shelf is Shelf.FROZEN:
            return [_shelf_problem(row, N_("商品已被冻结，只能修改库存"), N_("联系集中采购机构处理后再修改"))]
        if offer.shelf is Shelf.REVIEW:
            return [_shelf_problem(row, N_("商品正在审核，只能修改库存"), N_("等待审核结果，或先撤回送审再修改"))]
    wanted = row["shelf"]
    if wanted in {None, offer.shelf, Shelf.ON_SHELF}:
        return []
    if wanted is Shelf.DRAFT:
        return [_shelf_problem(row, N_("上过架的商品不能改回草稿"), N_("填写在架或已下架"))]
    if wanted is not Shelf.OFF_SHELF:
        return [_shelf_problem(row, N_("供应商不能把商品改为这个状态"), N_("填写在架、已下架或草稿"))]
    if offer.shelf is not Shelf.ON_SHELF:
        return [_shelf_problem(row, N_("只有在架的商品可以下架"), N_("留空，或填写现在的状态"))]
    return []


def _shelf_problem(row: SheetRow, rule: str, way_out: str) -> CellProblem:
    return CellProblem(row.line, _heading("shelf"), SHELF_NAMES[row["shelf"]] if row["shelf"] else "", rule, way_out)


def _stands(offer: Shown) -> dict[str, Any]:
    return {
        "title": offer.title, "price_fen": offer.price_fen, "stock": offer.stock, "delivery_days": offer.delivery_days,
        "regions": offer.areas, "warranty_months": offer.warranty_months, "shelf": offer.shelf,
    }  # fmt: skip


USUAL: Final = {"delivery_days": 5, "regions": (regions.PROVINCE,), "warranty_months": 12, "shelf": Shelf.ON_SHELF}


def _saying(row: SheetRow, offer: Shown | None) -> dict[str, Any]:
    """How the listing is to stand: what the row leaves empty stays, or is as usual for a new one; what is in review is on its way."""
    before = _stands(offer) if offer else USUAL
    names = ("title", "price_fen", "stock", "delivery_days", "regions", "warranty_months", "shelf")
    said = {name: before[name] if row[name] is None else row[name] for name in names}
    if offer is not None and offer.shelf is Shelf.REVIEW and said["shelf"] is Shelf.ON_SHELF:
        said["shelf"] = Shelf.REVIEW
    return said


def _attributes(row: SheetRow) -> dict[str, Any]:
    own: dict[str, Any] = dict(row["attributes"] or {})
    texts = [f"{name.removeprefix(ATTRIBUTE)}：{value}" for name, value in row.values.items() if name.startswith(ATTRIBUTE) and value]
    return own | read_lines("\n".join(text.replace("\n", " ") for text in texts))


def _intent(row: SheetRow, product: Product | None, offer: Shown | None, waits_fen: int | None) -> Judged:
    """`waits_fen` is a price that the keeper has been asked for already: to ask for it again changes nothing."""
    saying = _saying(row, offer)
    if offer is not None and saying["price_fen"] == waits_fen:
        saying["price_fen"] = offer.price_fen
    definition = None
    if product is None:
        definition = Definition(
            category_code=row["category_code"], brand=row["brand"], model=row["model"], title=row["title"], unit=row["unit"],
            attributes=_attributes(row), origin=Origin.IMPORTED if row["imported"] else Origin.DOMESTIC,
        )  # fmt: skip
        goods = Goods(category=row["category_code"], unit=row["unit"], imported=bool(row["imported"]), proven=frozenset())
    else:
        goods = gate.goods_of(product)
    outcome = Outcome.ADDED if offer is None else Outcome.UNCHANGED if saying == _stands(offer) else Outcome.CHANGED
    return Judged(row, outcome, Intent(_key(row), goods, definition, offer, saying))


def write(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Define the new products, make the new listings and change the others; the same events as single commands leave."""
    intents: list[Intent] = [each.intent for each in judged]
    definitions = {each.key: each.definition for each in intents if each.definition is not None}
    made = product_service.define_all(session, actor, list(definitions.values())) if definitions else []
    ids = dict(zip(definitions, made, strict=True))
    sku = {id(each.intent): each.row["sku"] for each in judged}
    new = [
        NewListing(product_id=each.goods.id or ids[each.key], sku=sku[id(each)], supplier_id=actor.organisation_id, **each.saying)
        for each in intents if each.offer is None
    ]  # fmt: skip
    # what leaves the shelf leaves it before another of the same product comes on
    service.edit_all(
        session, actor,
        [
            Saying(listing_id=each.offer.listing_id, version=each.offer.version, seen=each.offer.stock, **each.saying)
            for each in intents if each.offer is not None
        ],
    )  # fmt: skip
    if new:
        service.create_all(session, actor, new)


def export(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The supplier's own listings, narrowed as the page's address says (`tab`, `q`)."""
    tab = args.get("tab", "all")
    shelf = Shelf(tab) if tab in set(Shelf) else None
    for offer in queries.own_all(session, actor, shelf=shelf, low=tab == "low", q=queries.words(args.get("q", ""))):
        yield {
            "sku": offer.sku, "category_code": offer.category_code, "brand": offer.brand, "model": offer.model, "title": offer.title,
            "unit": offer.unit, "price_fen": Figure(money.yuan(offer.price_fen).replace(",", "")), "stock": Figure(offer.stock),
            "delivery_days": Figure(offer.delivery_days), "warranty_months": Figure(offer.warranty_months),
            "regions": "、".join(offer.areas), "shelf": SHELF_NAMES[offer.shelf], "imported": _worded(offer.is_imported),
            "energy_saving": _worded(offer.energy_saving),
            "environment": _worded(offer.environment), "attributes": lines_of(offer.spec),
        }  # fmt: skip


ENTITIES: Final = (
    Entity(
        name="listings", label=N_("商品"), note=N_("按货号新增和修改本供应商的商品：价格、库存、名称、上下架"),
        columns=COLUMNS, key=("sku",),
        imports=Permission.LISTING_KEEP, exports=Permission.LISTING_KEEP, judge=judge, write=write, export=export, page="listings.index",
        more=attribute_column, of_category=of_category, waiting={"tab": Shelf.REVIEW.value},
    ),
)  # fmt: skip
