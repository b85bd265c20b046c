"""The bare page that a search page is measured against: the same stack used the plain way, and nothing of the product.

Flask, Flask-SQLAlchemy and Jinja with one query of 24 rows, 24 cards with the fields and links a card of the mall has, 20 facets, a base
page with a search box; what the mall's page is longer by is made up with filler. Templates are compiled once, as in the product.
`/barest` is less than anybody would write: rows instead of objects, one flat template without links, macros or a base.
"""

import os
from collections.abc import Sequence
from typing import Any, Final

from flask import Flask, render_template, request
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from markupsafe import Markup
from sqlalchemy import insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.kernel.db import commit, prepare_engine

TEMPLATES: Final = {
    "base.html": """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title></head><body>
<header><a href="{{ url_for('search') }}">商城</a><form action="{{ url_for('search') }}"><input name="q" value="{{ request.args.q }}"></form>
</header><main>{% block main %}{% endblock %}</main><footer>{{ filler }}</footer></body></html>""",
    "list.html": """{% extends "base.html" %}{% from "card.html" import card %}{% block title %}{{ word }}{% endblock %}{% block main %}
<aside>{% for name, count in facets %}<label><input type="checkbox" name="f" value="{{ name }}"{% if name in chosen %} checked{% endif %}>
<a href="{{ url_for('search', q=word, f=name) }}">{{ name }}</a> <b>{{ count }}</b></label>{% endfor %}</aside>
<ol>{% for item in items %}{{ card(item) }}{% endfor %}</ol>{% endblock %}""",
    "card.html": """{% macro card(item) %}<li class="card"><a href="{{ url_for('good', good_id=item.id) }}"><h3>{{ item.title }}</h3></a>
{% if item.energy %}<span class="tag">节能</span>{% endif %}{% if item.sme %}<span class="tag">中小</span>{% endif %}
<p class="spec">{{ item.summary or item.brand ~ ' ' ~ item.model }}</p><p class="price">¥{{ item.price_fen|fen }}</p>
<p class="supplier">{{ item.supplier }} 信用 {{ item.score }} 分</p>
<p class="stock">{% if item.stock %}现货 {{ item.stock }} {{ item.unit }}{% else %}缺货{% endif %} · {{ item.days }} 日达</p>
<label><input type="checkbox" name="ids" value="{{ item.id }}">比选</label>
<button name="listing_id" value="{{ item.id }}">加入购物车</button></li>{% endmacro %}""",
    "barest.html": """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{{ word }}</title></head><body><main>
<aside>{% for name, count in facets %}<label><input type="checkbox" name="f" value="{{ name }}"> {{ name }} <b>{{ count }}</b></label>
{% endfor %}</aside><ol>{% for item in items %}<li class="card"><a href="/goods/{{ item.id }}"><h3>{{ item.title }}</h3></a>
<p class="brand">{{ item.brand }} · {{ item.supplier }}</p><p class="price">¥{{ "{:,.2f}".format(item.price_fen / 100) }}</p>
<p class="stock">{{ item.stock }}</p></li>{% endfor %}</ol></main><footer>{{ filler }}</footer></body></html>""",
}
WORDS: Final = ("打印机", "电脑", "椅子", "纸")
FACETS: Final = [(f"分类{number}", number * 7) for number in range(20)]


class Base(DeclarativeBase):
    """The yardstick's own tables: nothing of the product's."""


class Good(Base):
    """What a card shows, in one table."""

    __tablename__ = "goods_shown"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    brand: Mapped[str]
    model: Mapped[str]
    summary: Mapped[str]
    supplier: Mapped[str]
    unit: Mapped[str]
    price_fen: Mapped[int]
    stock: Mapped[int]
    score: Mapped[int]
    days: Mapped[int]
    energy: Mapped[bool]
    sme: Mapped[bool]
    word: Mapped[str] = mapped_column(index=True)


def page() -> Flask:
    """The application; YARDSTICK_URL names its database, YARDSTICK_BYTES how long its page shall be."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["YARDSTICK_URL"]
    db = SQLAlchemy(app, model_class=Base)
    app.jinja_loader = DictLoader(TEMPLATES)
    app.jinja_env.filters["fen"] = lambda fen: f"{fen / 100:,.2f}"
    with app.app_context():
        prepare_engine(db.engine)

    def wanted(columns: Any) -> Any:
        return select(columns).where(Good.word == _word()).order_by(Good.price_fen).limit(24)

    @app.get("/")
    def search() -> str:
        chosen = request.args.getlist("f")
        items = db.session.scalars(wanted(Good)).all()
        return render_template("list.html", word=_word(), facets=FACETS, chosen=chosen, items=items, filler=filler["list.html"])

    @app.get("/barest")
    def barest() -> str:
        items = db.session.execute(wanted(Good.__table__)).all()
        return render_template("barest.html", word=_word(), facets=FACETS, items=items, filler=filler["barest.html"])

    @app.get("/goods/<int:good_id>")
    def good(good_id: int) -> str:
        return str(good_id)

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    filler = {"list.html": Markup(), "barest.html": Markup()}
    with app.test_request_context("/?q=打印机"):
        for name in filler:
            shown = render_template(name, word=WORDS[0], facets=FACETS, chosen=(), items=[_good(n) | {"id": n} for n in range(24)])
            filler[name] = _filler(int(os.environ.get("YARDSTICK_BYTES", "0")) - len(shown.encode()))
    return app


def fill(url: str) -> None:
    """Make the page's table and its rows."""
    from sqlalchemy.orm import Session

    from app.kernel.db import make_engine

    engine = make_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, commit(session):
        session.execute(insert(Good), [_good(number) for number in range(2000)])
    engine.dispose()


def _word() -> str:
    return request.args.get("q", WORDS[0])


def _filler(length: int) -> Markup:
    return Markup("x" * max(0, length))


def _good(number: int) -> dict[str, Any]:
    tags: Sequence[bool] = (number % 2 == 0, number % 3 == 0)
    return {
        "title": f"激光打印机 双面 A4 高速 型号{number}", "brand": f"品牌{number % 12}", "model": f"LJ{number}",
        "summary": "A4 幅面 自动双面 每分 30 页" if number % 2 else "", "supplier": f"供应商{number % 30}", "unit": "台",
        "price_fen": 90000 + number * 137, "stock": number % 90, "score": 90 + number % 10, "days": 1 + number % 7,
        "energy": tags[0], "sme": tags[1], "word": WORDS[number % 4],
    }
