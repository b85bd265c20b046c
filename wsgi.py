"""The roof: the only file that knows every package. It joins blueprints, slots, consumers, gates, checks and commands."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.orm import Session

from app import config
from app.accounts.organisations.cli import import_group
from app.accounts.people import cli as people_commands
from app.accounts.people import queries as staff
from app.accounts.people import service as people
from app.bulk.entity import REGISTRY, Who
from app.config import Settings
from app.kernel import clock
from app.kernel.db import prepare_engine, serving_options
from app.kernel.errors import N_
from app.kernel.outbox import Consumer, Timer
from app.kernel.worker import Worker
from app.policy import Permission
from app.web import checks, errors, filters, guard, health, language, logs, menus, openapi, process, proxies, security, slots, texts
from app.web.cli import Beginning, mall
from app.web.extensions import babel, csrf, db, login
from app.web.menus import Entry
from catalog.brands.service import load_brands
from catalog.listings import gate
from catalog.listings import views as listing_pages
from catalog.onboarding import service as onboarding
from catalog.onboarding import views as onboarding_pages
from catalog.profiles.service import load_profiles
from catalog.qualifications import service as qualifications
from catalog.qualifications import views as qualification_pages
from catalog.questions import views as questions
from catalog.reports import views as reports
from catalog.search import cli as search_commands
from catalog.search import views as search_pages
from catalog.search.gateway import engine_for
from catalog.search.handlers import indexer, nightly
from catalog.suppliers import cli as supplier_commands
from catalog.suppliers import service as suppliers
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.service import load_reference
from migrations import tables  # noqa: F401 - the metadata is whole before the first query
from orders.budgets import cli as budget_commands
from orders.carts import views as carts
from orders.comparisons import rules as comparison_rules
from orders.favourites import queries as starred
from orders.favourites import views as favourites
from orders.payments import cli as payment_commands
from orders.plans import views as plans
from orders.purchases import queries as purchases
from orders.purchases import verdicts
from orders.reorders import views as reorders
from orders.thread import views as thread
from orders.thread.cli import audit_command
from orders.webhooks import views as webhooks
from supervision.alerts import rules as alert_rules
from supervision.alerts import views as alerts
from supervision.backup import cli as backup_commands
from supervision.journal import service as log
from supervision.journal import views as journal_pages
from supervision.journal.cli import is_held, journal
from supervision.training import cli as training_commands
from supervision.training import views as training_pages


@dataclass(frozen=True)
class Storey:
    """Packages that come together or not at all: their chapters, lowest first, and what else they bring along."""

    chapters: tuple[str, ...]
    furnish: Callable[[Flask], None]
    """Hangs up menus, slots, gates, checks, beginnings and commands."""


def create_app(settings: Settings | None = None, storeys: Sequence[Storey] = ()) -> Flask:
    """The product, ready to serve: all storeys of `HOUSE`, or the lowest ones alone. Raises BadConfiguration."""
    settings = settings or config.from_environment()
    logs.configure(settings.log_format)
    app = Flask("wsgi", static_folder="static", template_folder="app/web/templates")
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=serving_options(settings.database),
        SESSION_COOKIE_NAME="mall_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_secure,
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
    )
    # Compiling a page's templates costs more than rendering it; every process of this user finds what another has compiled.
    app.jinja_options = {**app.jinja_options, "bytecode_cache": FileSystemBytecodeCache()}
    proxies.install(app, settings.trusted_proxies)
    settings.folder("")
    clock.use_offset_file(settings.data_dir / "clock" if settings.is_demo else None)
    db.init_app(app)
    login.init_app(app)
    login.session_protection = None  # sessions are our own rows
    csrf.init_app(app)
    babel.init_app(app, default_locale="zh", default_timezone="Asia/Shanghai")
    with app.app_context():
        prepare_engine(db.engine)
    app.extensions["mall.search"] = engine_for(settings)
    for part in (security, slots, language, texts, filters, errors, logs, guard, openapi):
        part.install(app)
    app.register_blueprint(health.bp)
    menus.install(app)
    _join(app, [chapter for storey in storeys or HOUSE for chapter in storey.chapters])
    for storey in storeys or HOUSE:
        storey.furnish(app)
    if bare := guard.bare_routes(app):
        raise RuntimeError(f"routes without a policy: {', '.join(bare)}")
    return app


def sessions_of(app: Flask) -> Callable[[], Session]:
    """Sessions outside a request, on the application's engine."""
    with app.app_context():
        engine = db.engine
    return lambda: Session(engine)


def _join(app: Flask, chapters: Sequence[str]) -> None:
    """Every chapter's ways in, and an empty place for what the storeys bring along."""
    settings: Settings = app.config["SETTINGS"]
    consumers: list[Consumer] = [indexer(app.extensions["mall.search"])]
    timers: list[Timer] = [nightly(app.extensions["mall.search"])]
    for chapter in chapters:
        if chapter == "supervision.training" and not settings.is_demo:
            continue  # the tour takes identities without a password: it does not exist in production
        for room, attribute in (("views", "bp"), ("api", "api")):
            if importlib.util.find_spec(f"{chapter}.{room}"):
                blueprint: Any = getattr(importlib.import_module(f"{chapter}.{room}"), attribute, None)
                if blueprint is not None:
                    app.register_blueprint(blueprint)
                    if room == "api":
                        csrf.exempt(blueprint)
    for chapter in chapters:
        if importlib.util.find_spec(f"{chapter}.handlers") and chapter != "catalog.search":
            handlers: Any = importlib.import_module(f"{chapter}.handlers")
            consumers.extend(handlers.consumers(settings))
            timers.extend(handlers.timers(settings))
    REGISTRY.who = Who(actor_of=staff.actor_of, names=staff.names)
    for chapter in chapters:
        if importlib.util.find_spec(f"{chapter}.sheet"):
            REGISTRY.join(*importlib.import_module(f"{chapter}.sheet").ENTITIES)
    app.extensions["mall.gates"] = []
    app.extensions["mall.worker"] = lambda: Worker(sessions_of(app), consumers, timers)
    app.extensions["mall.doctor"] = [*checks.floor(), checks.work(consumers)]
    app.extensions["mall.beginnings"] = []
    app.cli.add_command(mall)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        return {"demo": settings.is_demo}


def _furnish_shop(app: Flask) -> None:
    """What accounts, catalogue and orders bring along."""
    settings: Settings = app.config["SETTINGS"]
    menu: menus.Menus = app.extensions["mall.menus"]
    for name, endpoint in PLACES.items():
        menu.place(name, endpoint)
    menu.add(
        "shop",
        Entry(label=N_("工作台"), endpoint="thread.workbench", icon="layout-dashboard", permissions=(Permission.ACCOUNT_USE,)),
        Entry(label=N_("全部品目"), endpoint="taxonomy.catalogue", icon="layout-grid"),
        Entry(label=N_("订单"), endpoint="thread.orders", icon="clipboard-list", permissions=(Permission.ORDER_READ,)),
        Entry(label=N_("常购与比选"), endpoint="reorders.index", icon="bookmark", permissions=(Permission.CART_USE,)),
        Entry(label=N_("审批"), endpoint="approvals.inbox", icon="clipboard-check", permissions=(Permission.ORDER_APPROVE,)),
        Entry(label=N_("预算指标"), endpoint="budgets.index", icon="wallet", permissions=(Permission.BUDGET_READ,)),
        Entry(label=N_("采购计划"), endpoint="plans.index", icon="file-text", permissions=(Permission.PLAN_READ,)),
        Entry(label=N_("备案台"), endpoint="plans.desk", icon="file-check", permissions=(Permission.PLAN_RETURN,)),
        Entry(label=N_("产品定义"), endpoint="products.index", icon="package", permissions=(Permission.CATALOGUE_ADMINISTER,)),
        Entry(label=N_("商品管理"), endpoint="listings.index", icon="package", permissions=(Permission.LISTING_KEEP,)),
        Entry(
            label=N_("价格位次"), endpoint="positions.index", icon="chart-bar", permissions=(Permission.LISTING_KEEP,), section="positions"
        ),
        Entry(label=N_("导入与导出"), endpoint="bulk.index", icon="file-import", permissions=BULK, section="bulk"),
        Entry(label=N_("搜索词"), endpoint="vocabulary.index", icon="message-question", permissions=(Permission.CATALOGUE_ADMINISTER,)),
        Entry(label=N_("买方提问"), endpoint="questions.index", icon="message-question", permissions=(Permission.LISTING_KEEP,)),
        Entry(label=N_("商品审核"), endpoint="upkeep.reviews", icon="checks", permissions=(Permission.LISTING_REVIEW,)),
        Entry(label=N_("外部参考价"), endpoint="references.index", icon="chart-line", permissions=(Permission.CATALOGUE_ADMINISTER,)),
        Entry(label=N_("举报受理"), endpoint="reports.index", icon="flag", permissions=(Permission.LISTING_REVIEW,)),
        Entry(label=N_("支付"), endpoint="payments.index", icon="report-money", permissions=(Permission.PAYMENT_APPLY,)),
        Entry(label=N_("资产卡片"), endpoint="assets.index", icon="qrcode", permissions=(Permission.ASSET_READ,)),
        Entry(label=N_("接口与回调"), endpoint="webhooks.index", icon="plug-connected", permissions=webhooks.KEEPERS, section="exchange"),
        Entry(label=N_("人员与岗位"), endpoint="people.index", icon="users", permissions=(Permission.PEOPLE_GRANT,)),
        Entry(label=N_("本单位"), endpoint="organisations.own", icon="building", permissions=(Permission.UNIT_ADMINISTER,)),
        Entry(label=N_("本企业"), endpoint="suppliers.own", icon="building-store", permissions=(Permission.SUPPLIER_ADMINISTER,)),
        Entry(label=N_("入驻审核"), endpoint="onboarding.review", icon="file-check", permissions=(Permission.SUPPLIER_REVIEW,)),
        Entry(label=N_("登记机构"), endpoint="organisations.register", icon="building", permissions=(Permission.ORGANISATION_REGISTER,)),
    )
    menu.add(
        "exchange",
        Entry(label=N_("回调"), endpoint="webhooks.index", permissions=webhooks.KEEPERS),
        Entry(label=N_("商城系统"), endpoint="connections.index", permissions=(Permission.SUPPLIER_ADMINISTER,)),
        Entry(label=N_("订单推送"), endpoint="dispatch.index", permissions=(Permission.SUPPLIER_ADMINISTER,)),
    )
    places: slots.Slots = app.extensions["mall.slots"]
    places.fill("workbench.more", webhooks.given_up)
    gate.learn(purchases.traded)
    places.fill("header.cart", carts.header_cart)
    places.fill("header.budget", carts.header_budget)
    places.fill("header.todo", thread.header_todo)
    places.fill("order.more", reorders.order_more)
    places.fill("product.aside", favourites.product_aside)
    app.extensions["mall.stars"] = starred.starred_by_reader
    places.fill("workbench.more", favourites.messages)
    places.fill("budget.plan_lines", plans.lines_under)
    places.fill("product.plans", plans.for_product)
    places.fill("product.below", questions.on_product)
    places.fill("upkeep.listing", reports.of_listing)
    places.fill("supplier.offers", search_pages.offers_of_supplier)
    places.fill("supplier.papers", qualification_pages.public_papers)
    places.fill("supplier.own_papers", qualification_pages.own_papers)
    places.fill("workbench.more", onboarding_pages.todo)
    places.fill("workbench.more", listing_pages.todo)
    places.fill("workbench.more", qualification_pages.todo)
    places.fill("sign_in.notices", onboarding_pages.invitation)
    app.extensions["mall.gates"] += [
        comparison_rules.gate(lambda rule, on: taxonomy.parameters(db.session(), rule, on), lambda at: clock.local(at).date())
    ]
    verdicts.learn(comparison_rules.TEXTS)
    app.extensions["mall.doctor"] += [search_commands.doctor, payment_commands.line_check]
    app.extensions["mall.beginnings"] += [
        Beginning(N_("基础数据"), lambda session, *_: str(load_reference(session, supplement=settings.is_demo)), again=True),
        Beginning(N_("品牌与品目规格"), lambda session, *_: _brands_and_profiles(session), again=True),
        Beginning(N_("供应商库"), lambda session, *_: _supplier_library(session), again=True),
        Beginning(N_("管理员"), lambda session, login, password: ", ".join(people.first_administrator(session, login, password).values())),
    ]
    mall.add_command(import_group)
    mall.add_command(search_commands.index)
    mall.add_command(budget_commands.adjust_allotment)
    mall.add_command(payment_commands.payments)
    mall.add_command(audit_command)


def _supplier_library(session: Session) -> str:
    """What suppliers must hand in, the agreement, and what suppliers of an older version lack."""
    added = qualifications.load_requirements(session)
    return f"{added} requirements, {onboarding.load_agreement(session)} agreements, {suppliers.complete(session)}"


def _furnish_watch(app: Flask) -> None:
    """What supervision brings along."""
    settings: Settings = app.config["SETTINGS"]
    menu: menus.Menus = app.extensions["mall.menus"]
    menu.place("portal", "disclosure.portal")
    menu.place("verify", "disclosure.verify")
    menu.add(
        "shop",
        Entry(label=N_("在线监管"), endpoint="dashboard.board", icon="activity", permissions=(Permission.STREAM_WATCH,), right=True),
    )
    menu.add(
        "watch",
        Entry(label=N_("态势"), endpoint="dashboard.board", icon="layout-dashboard", permissions=(Permission.STREAM_WATCH,)),
        Entry(label=N_("订单流"), endpoint="dashboard.stream", icon="activity", permissions=(Permission.STREAM_WATCH,)),
        Entry(label=N_("预警"), endpoint="alerts.queue", icon="alert-triangle", permissions=(Permission.ALERT_READ,), slot="watch.alerts"),
        Entry(label=N_("订单"), endpoint="thread.orders", icon="clipboard-list", permissions=(Permission.ORDER_READ,)),
        Entry(label=N_("预算"), endpoint="budgets.index", icon="wallet", permissions=(Permission.BUDGET_READ,)),
        Entry(label=N_("计划"), endpoint="plans.index", icon="file-text", permissions=(Permission.PLAN_READ,)),
        Entry(label=N_("对账"), endpoint="payments.reconciliation", icon="report-money", permissions=(Permission.PAYMENT_RECONCILE,)),
        Entry(label=N_("曝光"), endpoint="exposures.index", icon="eye", permissions=(Permission.EXPOSURE_READ,)),
        Entry(label=N_("存证"), endpoint="journal.page", icon="fingerprint"),
        Entry(label=N_("公开"), endpoint="disclosure.portal", icon="building"),
    )
    menu.add(
        "portal",
        Entry(label=N_("首页"), endpoint="disclosure.portal"),
        Entry(label=N_("合同公告"), endpoint="disclosure.notices"),
        Entry(label=N_("价格指数"), endpoint="prices.index"),
        Entry(label=N_("目录"), endpoint="taxonomy.catalogue"),
        Entry(label=N_("限额与期限"), endpoint="taxonomy.limits"),
        Entry(label=N_("核验"), endpoint="disclosure.verify"),
        Entry(label=N_("监督日志"), endpoint="journal.page"),
    )
    places: slots.Slots = app.extensions["mall.slots"]
    places.fill("workbench.more", alerts.todo)
    places.fill("watch.alerts", alerts.badge)
    places.fill("order.receipt", journal_pages.order_receipt)
    places.fill("order.leaf", journal_pages.order_leaf)
    places.fill("stream.receipt", journal_pages.stream_receipt)
    if settings.is_demo:
        places.fill("tour", training_pages.strip)
        places.fill("sign_in.demo", training_pages.demo_logins)
        places.fill("step_up.demo", training_pages.demo_proof)
    app.extensions["mall.gates"] += [alert_rules.gate(lambda on: taxonomy.parameters(db.session(), "S02", on))]
    verdicts.learn(alert_rules.TEXTS)
    app.extensions["mall.doctor"] += [is_held]
    app.extensions["mall.beginnings"] += [Beginning(N_("日志密钥"), lambda *_: _journal_key(settings))]
    mall.add_command(journal)
    mall.add_command(backup_commands.backup)
    mall.add_command(backup_commands.restore)
    mall.add_command(training_commands.demo)
    mall.add_command(training_commands.up)


def _brands_and_profiles(session: Session) -> str:
    return str({"brands": load_brands(session), "profiles": load_profiles(session)})


def _journal_key(settings: Settings) -> str:
    path = settings.journal_key_path
    verifier = log.verifier_at(path) if path.exists() else log.create_key(path, settings.journal_origin)
    return f"{path}, {verifier.vkey}"


PLACES = {
    "home": "search.home",
    "search": "search.results",
    "product": "search.product",
    "listing.report": "reports.new",
    "listing.reports": "reports.index",
    "suggest": "search.suggest",
    "signin": "sessions.sign_in",
    "signout": "sessions.sign_out",
    "profile": "sessions.account",
    "password": "sessions.password",
    "language": "sessions.choose_language",
    "todo": "thread.workbench",
    "orders": "thread.orders",
    "plan.new": "plans.new",
    "rules": "taxonomy.limits",
    "ranking": "explanations.rules",
}

BULK = (Permission.LISTING_KEEP, Permission.BUDGET_KEEP, Permission.PLAN_FILE, Permission.ORGANISATION_REGISTER)
"""Whoever has something to import finds it in the menu; others export from their lists."""

COMMANDS = (people_commands, budget_commands, supplier_commands)
"""Imported for what they add to `mall import`."""

SHOP = Storey(
    chapters=(
        "app.bulk",
        "app.accounts.sessions",
        "app.accounts.people",
        "app.accounts.organisations",
        "catalog.search",
        "catalog.vocabulary",
        "catalog.explanations",
        "catalog.exposures",
        "catalog.positions",
        "catalog.taxonomy",
        "catalog.suppliers",
        "catalog.brands",
        "catalog.profiles",
        "catalog.qualifications",
        "catalog.onboarding",
        "catalog.products",
        "catalog.references",
        "catalog.listings",
        "catalog.connections",
        "catalog.questions",
        "catalog.reports",
        "catalog.upkeep",
        "orders.budgets",
        "orders.plans",
        "orders.purchases",
        "orders.comparisons",
        "orders.carts",
        "orders.reorders",
        "orders.favourites",
        "orders.approvals",
        "orders.contracts",
        "orders.deliveries",
        "orders.dispatch",
        "orders.payments",
        "orders.assets",
        "orders.ratings",
        "orders.webhooks",
        "orders.thread",
    ),
    furnish=_furnish_shop,
)
"""A whole mall: nothing in it knows that it may be watched."""

WATCH = Storey(
    chapters=(
        "supervision.journal",
        "supervision.alerts",
        "supervision.disclosure",
        "supervision.prices",
        "supervision.dashboard",
        "supervision.training",
    ),
    furnish=_furnish_watch,
)
"""Supervision, which stands on it."""

HOUSE = (SHOP, WATCH)

app = create_app()
process.settle_down()
