"""The roof: the only file that knows every package. It joins blueprints, slots, consumers, gates and commands."""

import importlib
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app import config
from app.config import Settings
from app.kernel import clock
from app.kernel.db import engine_options, prepare_engine
from app.kernel.outbox import Consumer, Timer
from app.kernel.worker import Worker
from app.web import errors, guard, slots
from app.web.extensions import babel, csrf, db, login
from migrations import tables  # noqa: F401 - the metadata is whole before the first query

CHAPTERS = (
    "app.accounts.sessions", "app.accounts.people", "app.accounts.organisations",
    "catalog.search", "catalog.taxonomy", "catalog.suppliers", "catalog.products", "catalog.listings",
    "orders.budgets", "orders.plans", "orders.purchases", "orders.approvals", "orders.contracts", "orders.carts",
    "orders.deliveries", "orders.payments", "orders.assets", "orders.ratings", "orders.thread",
    "supervision.journal", "supervision.alerts", "supervision.disclosure", "supervision.dashboard", "supervision.training",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The whole product, ready to serve. Raises BadConfiguration."""
    settings = settings or config.from_environment()
    app = Flask("wsgi", static_folder="static", template_folder="app/web/templates")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.is_demo,
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        SETTINGS=settings,
    )
    settings.folder("")
    clock.use_offset_file(settings.data_dir / "clock" if settings.is_demo else None)
    db.init_app(app)
    login.init_app(app)
    csrf.init_app(app)
    babel.init_app(app, default_locale="zh", default_timezone="Asia/Shanghai")
    with app.app_context():
        prepare_engine(db.engine)
    slots.install(app)
    errors.install(app)
    guard.install(app)
    for name in ("app.web.menus", "app.web.filters", "app.web.security", "app.web.openapi", "app.web.health", "app.web.logs"):
        if importlib.util.find_spec(name) and hasattr(module := importlib.import_module(name), "install"):
            module.install(app)
    consumers: list[Consumer] = []
    timers: list[Timer] = []
    for chapter in CHAPTERS:
        for room in ("views", "api"):
            if importlib.util.find_spec(f"{chapter}.{room}"):
                module = importlib.import_module(f"{chapter}.{room}")
                for attribute in ("bp", "api"):
                    if (blueprint := getattr(module, attribute, None)) is not None and hasattr(blueprint, "register"):
                        if blueprint.name not in app.blueprints:
                            app.register_blueprint(blueprint)
                        if attribute == "api":
                            csrf.exempt(blueprint)  # no cookie changes anything there: see app.accounts.sessions.views.load
    app.extensions["mall.worker"] = lambda: Worker(sessions_of(app), consumers, timers)
    return app


def sessions_of(app: Flask) -> Callable[[], Session]:
    """Sessions outside a request, on the application's engine."""
    with app.app_context():
        engine = db.engine
    return lambda: Session(engine)


logging.getLogger("mall").setLevel(logging.INFO)
_: Any = None
app = create_app()
