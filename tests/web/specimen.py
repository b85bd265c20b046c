"""A small application that shows every macro of the design system with plausible figures."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, g, render_template, request
from flask_login import LoginManager
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from app.kernel.errors import N_
from app.web import filters, menus, slots
from app.web.extensions import babel

ROOT = Path(__file__).resolve().parents[2]
MOMENT = datetime(2026, 11, 24, 1, 42, 17, tzinfo=UTC)


class Specimen(FlaskForm):
    title = StringField("发票抬头", validators=[DataRequired("请填写发票抬头")])
    amount = StringField("金额（元）")
    reason = TextAreaField("采购说明")
    mode = RadioField("验收方式", choices=[SelectChoice("once", "一次验收"), SelectChoice("parts", "分批验收")], default="parts")
    place = RadioField("收货", choices=[SelectChoice("a", "办公楼 B1 库房"), SelectChoice("b", "服务大厅 2 楼")], default="a")
    agree = BooleanField("比选快照已存证")


def _verdict(outcome: str, rule: str, title: str, basis: str, figure: str, bound: str, *ways: tuple[str, str]) -> dict[str, object]:
    return {"outcome": outcome, "rule": rule, "title": title, "basis": basis, "figure": figure, "bound": bound, "ways": list(ways)}


VERDICTS = [
    _verdict("block", "B04", "超计划数量", "复印纸：计划 100 箱，已下单 72 箱，本单 40 箱。预算法第 13 条。", "112 / 100 箱", "超 12 箱", ("改为 28 箱", "/"), ("调整计划", "/")),
    _verdict("hold", "S02", "疑似拆分订单", "30 日内同一供应商同一品目第 3 单，须说明后由监管放行。", "53,160.00", "上限 50,000.00", ("填写说明", "/")),
    _verdict("warn", "P04", "未选最低价", "同款最低 119.00（中原智采，次日达）。", "+2.1%", "+100.00", ("换最低价", "/")),
    _verdict("pass", "B01", "有预算、有计划", "5 行均关联已备案计划与在用指标。", "5 / 5 行", "2 条指标"),
    _verdict("pass", "P12", "岗位分离", "经办、审批、验收三人各异。", "3 人", ""),
]
STEPS = [
    {"title": "提交", "at": MOMENT, "detail": "经办人 · 办公室 0317。冻结计划 3 行、指标 2 条 22,522.00", "state": "done", "leaf": 1204511, "hash": "7c1e93b0a1", "href": "/"},
    {"title": "审批通过", "at": MOMENT, "detail": "审批人 · 办公室 0102，用时 5 小时 28 分", "state": "done", "leaf": 1204988, "hash": "e20f4ad7bb", "href": "/"},
    {"title": "退货 粉盒 1 支", "at": MOMENT, "detail": "漏粉，照片 2 张。供应商同意，328.00 释放", "state": "trouble", "leaf": 1219385, "hash": "18e5f46a7d", "href": "/"},
    {"title": "待验收 8 台", "due": "剩 1 个工作日", "detail": "打印机 4、一体机 4。", "state": "now", "ways": [("逐项验收", "/", "pri"), ("申请延期", "/", "")]},
    {"title": "国库支付", "due": "验收后 30 日内", "state": "todo"},
    {"title": "资产登记 14 台", "due": "支付后 30 日内", "state": "todo"},
]
PROOF = {
    "index": 1283790, "size": 1284317, "leaf": "8a90f3d46674aa", "root": "2ef4eaa3e1a9bb",
    "steps": [
        {"hash": "2211502f00aa", "side": "right", "leaves": 1, "parent": "4a809291b233"},
        {"hash": "ff7da1e800aa", "side": "left", "leaves": 2, "parent": "aa7df65559d8"},
        {"hash": "cbfece2a00aa", "side": "left", "leaves": 4, "parent": "27fc939359e4"},
        {"hash": "405c37dc00aa", "side": "right", "leaves": 16, "parent": "d1586e32b0bb"},
        {"hash": "1c5ba96b00aa", "side": "left", "leaves": 1048576, "parent": "2ef4eaa3e1a9"},
    ],
}
LIMITS = [
    {"name": "A4 黑白打印机", "code": "A02021003", "meters": [
        {"used": 4_052_400, "this": 1_263_600, "limit": 5_000_000, "rule": "S03"}, {"used": 5_639_800, "this": 779_400, "limit": 30_000_000, "rule": "S02"},
        {"used": 14_890_000, "this": 779_400, "limit": 200_000_000, "rule": "S01"}]},
    {"name": "复印纸", "code": "A05040101", "meters": [
        {"used": 354_000, "this": 486_000, "limit": 5_000_000, "rule": "S03"}, {"used": 1_121_000, "this": 486_000, "limit": 30_000_000, "rule": "S02"},
        {"used": 3_398_000, "this": 486_000, "limit": 200_000_000, "rule": "S01"}]},
]
GOODS = [("A02021003", "奔图 P3370DN"), ("A02020400", "惠普 1188w"), ("A02010108", "联想 昭阳"), ("A05010301", "安禾 办公椅")]
STREAM = [
    {"leaf": 1283816 - n, "region": "郑州 · 金水", "unit": "金水区某某小学", "supplier": "中原文仪", "fen": 384_000 + n * 1_000_000, "tone": tone, "word": word}
    for n, (tone, word) in enumerate([("", "通过"), ("bad", "阻断 P01"), ("hold", "挂起 S02"), ("warn", "预警 R04"), ("", "通过"), ("", "通过")])
]


def make_app() -> Flask:
    app = Flask("specimen", static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="specimen", WTF_CSRF_ENABLED=True, TESTING=True)
    app.jinja_loader = ChoiceLoader([FileSystemLoader(ROOT / "app/web/templates"), FileSystemLoader(Path(__file__).parent / "templates")])
    babel.init_app(app, default_locale="zh_Hans_CN")
    CSRFProtect(app)
    LoginManager(app).user_loader(lambda _: None)
    filters.install(app)
    filled = slots.install(app)
    board = menus.install(app)
    filled.fill("header.todo", lambda: '<a href="/">待办 <b class="pill">18</b></a>')
    filled.fill("header.cart", lambda: '<a class="cartbtn" href="/"><span class="o">购物车</span><b class="pill">5</b><b class="num">18,488.00</b></a>')
    filled.fill("header.budget", lambda: render_template("budget_slot.html"))
    filled.fill("footer.checkpoint", lambda: '监督日志检查点 <span class="mono">#1,221,904</span> · 09:42:17 已签')
    filled.fill("tour", lambda: '<div class="tour"><div class="w"><span>下一步：审批人</span><a class="btn s" href="/">以其身份继续</a></div></div>')
    for name in ("home", "search", "portal", "signin", "signout", "verify", "rules", "todo", "orders", "watch_search", "suggest"):
        board.place(name, "shop")
    for label, icon in ((N_("办公设备"), "layout-grid"), (N_("计算机"), ""), (N_("办公用品"), ""), (N_("家具"), ""), (N_("比选"), "scale")):
        board.add("shop", menus.Entry(label=label, endpoint="shop" if icon == "layout-grid" else "portal", icon=icon, right=icon == "scale"))
    for label, icon in ((N_("态势"), "layout-dashboard"), (N_("订单流"), "activity"), (N_("预警"), "alert-triangle"), (N_("存证"), "fingerprint")):
        board.add("watch", menus.Entry(label=label, endpoint="watch" if icon == "activity" else "portal", icon=icon))
    for label in (N_("首页"), N_("公告"), N_("合同"), N_("核验")):
        board.add("portal", menus.Entry(label=label, endpoint="portal" if label == "首页" else "shop"))

    @app.context_processor
    def around() -> dict[str, object]:
        viewer = SimpleNamespace(name="演示 0317", unit="郑州市某某局", region="郑州市", roles="经办人")
        return {"viewer": None if "anonymous" in request.args else viewer, "demo": True, "locale": "zh"}

    @app.before_request
    def number() -> None:
        g.request_id = "7f31c2"

    world = {
        "verdicts": VERDICTS, "steps": STEPS, "proof": PROOF, "limit_rows": LIMITS, "goods": GOODS, "stream": STREAM, "moment": MOMENT, "today": date(2026, 11, 24),
        "stats": {"min": 118000, "q1": 126900, "median": 135800, "q3": 142900, "max": 156000, "n": 126},
        "points": [(date(2026, 8, 27), 142900), (date(2026, 9, 14), 137900), (date(2026, 10, 16), 134900), (date(2026, 11, 8), 129900)],
        "months": [(f"{n} 月", value, "/") for n, value in enumerate((3.1, 4.2, 5.8, 6.4, 7.1, 8.8, 6.0, 5.5, 7.9, 8.6, 10.83), 1)],
    }

    @app.get("/")
    def shop() -> str:
        form = Specimen(meta={"csrf": False})
        form.validate()
        return render_template("specimen.html", form=form, **world)

    @app.get("/watch")
    def watch() -> str:
        return render_template("watch_specimen.html", **world)

    @app.get("/portal")
    def portal() -> str:
        return render_template("portal_specimen.html")

    @app.get("/error/<int:status>")
    def error(status: int) -> str:
        return render_template("errors/error.html", status=status, title="审批这张订单需要“审批人”", refusal=None, way_out="")

    @app.after_request
    def policy(response):
        response.headers["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
        return response

    return app
