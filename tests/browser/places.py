"""The key pages of the product: who looks at each, and where it is in a training province."""

from sqlalchemy import select

from app.accounts.people.tables import Person
from app.policy import Role
from catalog.listings.tables import Listing
from catalog.onboarding.states import State as Entry
from catalog.onboarding.tables import Application
from orders.assets.tables import AssetCard
from orders.budgets.tables import Allotment
from orders.plans.tables import Plan
from orders.purchases.states import State
from orders.purchases.tables import Attempt, Order
from supervision.alerts.tables import Alert
from supervision.disclosure.tables import Notice
from tests.app.bulk.conftest import offer, workbook
from tests.browser.desk import Desk
from tests.browser.product import Product

Place = tuple[str | None, str]

BUYER, FINANCE, SUPERVISOR, MANAGER, KEEPER = "buyer.zz01", "finance.zz01", "supervisor.zz", "manager.s01", "catalogue.zz"

NAMES = (
    "home", "sign-in", "search", "nothing-found", "product", "compare", "cart", "checkout-blocked", "approvals", "order-early", "order-late",
    "orders", "workbench-buyer", "workbench-supplier", "workbench-supervisor", "budgets", "allotment", "plan-filing", "plan", "plan-on-the-spot",
    "listings", "listing", "new-listing", "reviews", "listing-kept", "questions", "asked", "report", "own-reports", "reports", "references", "confirm", "ship", "receive", "accept", "invoice", "pay", "payments", "reconciliation", "assets", "asset", "rating",
    "board", "stream", "alerts", "order-audit", "attempt", "portal", "notices", "notice", "verify", "log", "log-entry", "people", "person",
    "organisation", "account", "catalogue", "limits", "search-words", "suppliers", "supplier", "api", "missing", "forbidden",
    "cheat", "cheat-tried", "new-listing-profile", "brands", "profiles", "profile", "products", "definition",
    "join", "onboarding", "onboarding-company", "onboarding-scope", "onboarding-contact", "onboarding-papers",
    "onboarding-agreement", "supplier-reviews", "supplier-review", "renewals", "own-entry", "own-papers", "tokens",
    "webhooks", "webhook", "webhook-log", "connection", "orders-sent", "comparisons", "comparison", "reorders", "quick-order", "favourites", "bulk", "bulk-listings",
    "bulk-job", "why", "ranking",
)
KEY = frozenset({
    "home", "search", "product", "compare", "cart", "checkout-blocked", "approvals", "order-late", "orders", "workbench-buyer", "budgets", "listings",
    "stream", "order-audit", "portal", "notice", "onboarding-papers", "supplier-review", "comparison", "quick-order",
})  # fmt: skip
"""What the three groups and the public use every day."""


def of(desk: Desk) -> dict[str, Place]:
    """Every key page with its reader; fills a cart on the way."""
    product = desk.product
    ids = product.ask(lambda s: list(s.scalars(select(Listing.id).where(Listing.title.contains("A4黑白打印机")).limit(3))))
    fixed: dict[str, Place] = {
        "home": (None, "/"),
        "sign-in": (None, "/sign-in"),
        "search": (BUYER, "/search?q=打印机"),
        "nothing-found": (BUYER, "/search?q=没有这种东西的"),
        "product": (BUYER, f"/products/{_listed(product, ids[0]).product_id}"),
        "compare": (BUYER, "/compare?ids=" + ",".join(map(str, ids))),
        "orders": (BUYER, "/orders"),
        "workbench-buyer": (BUYER, "/workbench"),
        "workbench-supplier": ("clerk.s01", "/workbench"),
        "workbench-supervisor": (SUPERVISOR, "/workbench"),
        "budgets": (FINANCE, "/budgets"),
        "plan-filing": (FINANCE, "/plans/new"),
        "listings": ("lister.s01", "/listings/"),
        "new-listing": ("lister.s01", "/listings/new"),
        "bulk": ("lister.s01", "/bulk/"),
        "bulk-listings": ("lister.s01", "/bulk/listings"),
        "questions": (BUYER, f"/questions/about/{ids[0]}"),
        "asked": ("lister.s01", "/questions/?tab=all"),
        "report": (BUYER, f"/reports/new/{ids[0]}"),
        "own-reports": (BUYER, "/reports/own"),
        "reports": ("catalogue.zz", "/reports/"),
        "references": ("catalogue.zz", "/references/"),
        "reviews": ("catalogue.zz", "/upkeep/reviews"),
        "listing-kept": ("catalogue.zz", f"/upkeep/listings/{ids[0]}"),
        "new-listing-profile": ("lister.s01", "/listings/new?category=A02010108"),
        "brands": (KEEPER, "/catalogue/brands?q=联想"),
        "profiles": (KEEPER, "/catalogue/profiles"),
        "profile": (KEEPER, "/catalogue/profiles/A02021003?edit=网络接口"),
        "products": (KEEPER, "/catalogue/products"),
        "definition": (KEEPER, f"/catalogue/products/{_listed(product, ids[0]).product_id}"),
        "payments": (FINANCE, "/payments"),
        "reconciliation": (SUPERVISOR, "/payments/reconciliation"),
        "assets": ("asset.zz01", "/assets"),
        "board": (SUPERVISOR, "/watch"),
        "stream": (SUPERVISOR, "/watch/stream"),
        "portal": (None, "/portal"),
        "notices": (None, "/portal/notices"),
        "verify": (None, "/portal/verify"),
        "log": (None, "/log"),
        "log-entry": (None, "/log/120"),
        "people": ("admin.zz01", "/people"),
        "organisation": ("admin.zz01", "/organisation"),
        "account": (BUYER, "/account"),
        "catalogue": (BUYER, "/catalogue?under=A02"),
        "limits": (None, "/limits"),
        "search-words": ("catalogue.zz", "/vocabulary/"),
        "why": (BUYER, f"/search/why?q=打印机&listing={ids[0]}"),
        "ranking": (None, "/ranking"),
        "suppliers": (BUYER, "/suppliers/"),
        "cheat": (None, "/tour/cheat"),
        "reorders": (BUYER, "/reorders"),
        "quick-order": (BUYER, "/quick-order"),
        "favourites": (BUYER, "/favourites"),
        "api": (None, "/api/docs"),
        "join": (None, "/onboarding/join"),
        "onboarding": ("firm.hg", "/onboarding"),
        "onboarding-company": ("firm.hg", "/onboarding/company"),
        "onboarding-scope": ("firm.hg", "/onboarding/scope"),
        "onboarding-contact": ("firm.hg", "/onboarding/contact"),
        "onboarding-papers": ("firm.hg", "/onboarding/papers"),
        "onboarding-agreement": ("firm.yx", "/onboarding/agreement"),
        "supplier-reviews": (SUPERVISOR, "/onboarding/review"),
        "renewals": ("supervisor.hn", "/qualifications/review"),
        "own-entry": ("manager.s01", "/suppliers/own"),
        "own-papers": ("manager.s01", "/qualifications"),
        "tokens": ("manager.s01", "/people/tokens"),
        "missing": (BUYER, "/orders/DD000000-000000-0"),
        "forbidden": (BUYER, "/approvals"),
    }
    return fixed | _of_rows(product) | _of_orders(product) | _of_the_cart(desk) | _of_the_exchange(desk) | {
        "cheat-tried": (None, _tricks_tried(desk)), "bulk-job": ("lister.s01", _imported(desk)),
    }  # fmt: skip


def _tricks_tried(desk: Desk) -> str:
    """The page of the tricks after all of them were tried."""
    page = desk.page(None, "/tour/cheat")
    page.get_by_role("button", name="全部试一遍").click(timeout=60_000)
    page.wait_for_url("**tried=**")
    address = page.url.removeprefix(desk.product.address)
    page.close()
    return address


def _of_the_exchange(desk: Desk) -> dict[str, Place]:
    """The pages of 接口与回调, with a webhook that nobody listens to and a shop that nobody keeps."""
    page = desk.page(MANAGER, "/webhooks")
    page.get_by_role("textbox", name="回调地址").fill("https://127.0.0.1:9/mall")
    page.get_by_role("button", name="登记").click()
    page.get_by_role("link", name="返回该地址").click()
    endpoint = page.url.removeprefix(desk.product.address)
    page.get_by_role("button", name="发送测试事件").click()
    page.wait_for_url("**/webhooks/deliveries/*")
    log = page.url.removeprefix(desk.product.address)
    page.goto("/connection")
    page.get_by_role("textbox", name="接口地址").fill("https://127.0.0.1:9/api")
    page.get_by_role("textbox", name="接口账号").fill("mall")
    page.locator("#secret").fill("training")
    page.get_by_role("button", name="保存").click()
    page.close()
    return {
        "webhooks": (MANAGER, "/webhooks"), "webhook": (MANAGER, endpoint), "webhook-log": (MANAGER, log), "connection": (MANAGER, "/connection"),
        "orders-sent": (MANAGER, "/dispatches"),
    }  # fmt: skip


def _imported(desk: Desk) -> str:
    """The page of an import that was checked, with wrong cells."""
    page = desk.page("lister.s01", "/bulk/listings")
    content = workbook([offer(1), offer(2, price="面议"), offer(3, stock="-1")])
    page.set_input_files("[name=file]", {"name": "商品.xlsx", "mimeType": "application/octet-stream", "buffer": content})
    page.get_by_role("button", name="上传并对应列").click()
    page.get_by_role("button", name="检查整个文件").click()
    page.get_by_role("button", name="写入没有错误的").wait_for(timeout=60_000)
    address = page.url.removeprefix(desk.product.address)
    page.close()
    return address


def _listed(product: Product, listing_id: int) -> Listing:
    return product.ask(lambda s: s.get_one(Listing, listing_id))


def _of_rows(product: Product) -> dict[str, Place]:
    """Pages of one row each."""
    with product.session() as session:
        unit_id = session.scalars(select(Allotment.unit_id).where(Allotment.number.contains("ZZ01"))).first()
        seller = session.scalars(select(Order.supplier_id).order_by(Order.id.desc())).first()
        allotment = session.scalars(select(Allotment.number).where(Allotment.unit_id == unit_id).order_by(Allotment.id.desc())).first()
        plan = session.scalars(select(Plan.number).where(Plan.unit_id == unit_id).order_by(Plan.id.desc())).first()
        card = session.scalars(select(AssetCard.number).where(AssetCard.unit_id == unit_id)).first()
        alert = session.scalars(select(Alert.number).where(Alert.region.startswith("4101")).order_by(Alert.id.desc())).first()
        attempt = session.scalars(select(Attempt.number).where(Attempt.region.startswith("4101")).order_by(Attempt.id.desc())).first()
        notice = session.scalars(select(Notice.number).order_by(Notice.id.desc())).first()
        lister = product.staff(session.scalars(select(Listing.supplier_id)).first() or 0, Role.LISTER)
        listing = session.scalars(select(Listing.id)).first()
        buyer = product.staff(unit_id or 0, Role.BUYER)
        entry = session.scalars(select(Application.number).where(Application.state == Entry.SUBMITTED)).first()
    assert alert and attempt and notice and card and plan
    return {
        "allotment": (FINANCE, f"/budgets/{allotment}"),
        "plan": (FINANCE, f"/plans/{plan}"),
        "asset": ("asset.zz01", f"/assets/{card}"),
        "alerts": (SUPERVISOR, f"/watch/alerts/{alert}"),
        "attempt": (SUPERVISOR, f"/watch/attempts/{attempt}"),
        "notice": (None, f"/portal/notices/{notice}"),
        "listing": (lister, f"/listings/{listing}"),
        "supplier-review": (SUPERVISOR, f"/onboarding/review/{entry}"),
        "supplier": (buyer, f"/suppliers/{seller}"),
        "person": ("admin.zz01", f"/people/{product.ask(lambda s: s.scalar(select(Person.id).where(Person.login == buyer)))}"),
    }


def _of_orders(product: Product) -> dict[str, Place]:
    """Pages of an order in the state that each is for, seen by who acts on it."""
    found: dict[str, Place] = {}
    for name, state, role, path in (
        ("approvals", State.SUBMITTED, Role.APPROVER, "/approvals?order={}"),
        ("order-early", State.SUBMITTED, Role.BUYER, "/orders/{}"),
        ("order-late", State.CLOSED, Role.BUYER, "/orders/{}"),
        ("confirm", State.PLACED, Role.ORDER_CLERK, "/orders/{}/confirm"),
        ("ship", State.CONFIRMED, Role.ORDER_CLERK, "/orders/{}/ship"),
        ("receive", State.SHIPPED, Role.ACCEPTOR, "/orders/{}/receive"),
        ("accept", State.DELIVERED, Role.ACCEPTOR, "/orders/{}/accept"),
        ("invoice", State.ACCEPTED, Role.ORDER_CLERK, "/orders/{}/invoice"),
        ("pay", State.INVOICED, Role.FINANCE, "/orders/{}/payment"),
        ("rating", State.CLOSED, Role.BUYER, "/orders/{}/rating"),
    ):
        order = product.order_in(state)
        of = order.supplier_id if role is Role.ORDER_CLERK else order.unit_id
        found[name] = (product.staff(of, role), path.format(order.number))
    found["order-audit"] = (SUPERVISOR, f"/watch/orders/{_closed_in_the_city(product)}")
    return found


def _closed_in_the_city(product: Product) -> str:
    query = select(Order.number).where(Order.state == State.CLOSED, Order.region.startswith("4101")).order_by(Order.id.desc())
    return product.ask(lambda s: s.scalars(query).first())


def _of_the_cart(desk: Desk) -> dict[str, Place]:
    """The journey's buyer with printers that the plan allows in the cart, and a desktop without a plan."""
    page = desk.page("buyer.journey", "/search?q=LJ2655DN")
    page.locator(".cards h3 a").first.click()
    page.get_by_label("数量", exact=True).fill("20")
    page.locator("#buy").get_by_role("button", name="加入购物车").click()
    page.goto("/search?q=M455J7")
    page.locator(".cards > li").first.get_by_role("button", name="加入购物车").click()
    page.goto("/cart")
    page.get_by_role("button", name="冻结同款比选").click()
    sheet = page.locator("#comparison a.mono").get_attribute("href") or ""
    spot = page.get_by_role("link", name="就地备案").last.get_attribute("href") or ""
    page.close()
    return {
        "cart": ("buyer.journey", "/cart"),
        "comparisons": ("buyer.journey", "/comparisons"),
        "comparison": ("buyer.journey", sheet),
        "checkout-blocked": ("buyer.journey", "/checkout"),
        "plan-on-the-spot": ("buyer.journey", spot),
    }
