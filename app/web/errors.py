"""Turns refusals and HTTP errors into a page, a fragment or an RFC 9457 problem, in the reader's language."""

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException, InternalServerError

from app.kernel.errors import N_, Refusal, Unavailable
from app.kernel.money import yuan
from app.web.language import spoken

log = logging.getLogger("mall.web")
RETRY_S = 5
"""When whoever was told 503 may come again, unless the refusal knows better."""


def shown(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as people read them: fen become yuan under the same name without the ending."""
    out: dict[str, Any] = dict(facts)
    for name, value in facts.items():
        if name.endswith("_fen") and value is not None:
            out[name] = out[name.removesuffix("_fen")] = yuan(value)
    if spoken() == "en":
        out.update((name, _listed(value)) for name, value in out.items() if isinstance(value, str))
    return out


def _listed(words: str) -> str:
    """A fact that names something of ours, or several things, in the reader's language; other facts as they are."""
    return str(gettext("、").join(gettext(word) if word else "" for word in words.split("、")))


def sentence(refusal: Refusal) -> str:
    """What happened and why, in the reader's language."""
    return _told(refusal.message, refusal.facts)


def way_out(refusal: Refusal) -> str:
    """What to do next, in the reader's language; empty when the sentence says it all."""
    return _told(refusal.way_out, refusal.facts) if refusal.way_out else ""


def _told(text: str, facts: dict[str, Any]) -> str:
    return str(gettext(text, **shown(facts)) if facts else gettext(text))


def problem(status: int, code: str, title: str, **more: Any) -> Response:
    """An RFC 9457 problem with a stable code."""
    body = {"type": f"urn:mall:problem:{code}", "title": title, "status": status, "code": code, **more}
    response = make_response(jsonify(body), status)
    response.content_type = "application/problem+json"
    return response


def refused_problem(refusal: Refusal) -> Response:
    """A refusal for a program: code, sentence, way out, and the facts as they are (fen stay integers)."""
    facts = {name: value for name, value in refusal.facts.items() if value is not None}
    extra: dict[str, Any] = {"facts": facts}
    if refusal.way_out:
        extra["way_out"] = way_out(refusal)
    if refusal.basis:
        extra["basis"] = refusal.basis
    if isinstance(verdicts := getattr(refusal, "verdicts", None), list | tuple):
        extra["verdicts"] = [verdict.as_dict() for verdict in verdicts]
        facts.pop("verdicts", None)
    return problem(refusal.status, refusal.code, sentence(refusal), **extra)


def _answer(status: int, code: str, title: str, refusal: Refusal | None = None) -> Response:
    if request.path.startswith("/api/"):
        return refused_problem(refusal) if refusal else problem(status, code, title)
    context = {"status": status, "title": title, "refusal": refusal, "way_out": way_out(refusal) if refusal else ""}
    template = "errors/_refusal.html" if "HX-Request" in request.headers else "errors/error.html"
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def failure(error: HTTPException) -> Response:
    """The answer to what is no refusal of ours: a missing page, a method that is not taken, a request that is too large."""
    code = error.code or 500
    if isinstance(error, InternalServerError):
        log.error("request failed", extra={"request_id": g.get("request_id")})
    if error.response is not None and code < 400:
        return make_response(error.response)
    return _answer(code, (error.name or "error").lower().replace(" ", "_"), gettext(_TITLES.get(code, "请求没有成功")))


def install(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        answer = _answer(refusal.status, refusal.code, sentence(refusal), refusal)
        if isinstance(refusal, Unavailable):
            answer.headers["Retry-After"] = str(getattr(refusal, "retry_after", None) or RETRY_S)
        return answer

    app.register_error_handler(HTTPException, failure)


_TITLES = {
    400: N_("请求格式不对"),
    403: N_("您的岗位没有这项权限"),
    404: N_("没有找到，或您无权查看"),
    405: N_("此地址不接受这种操作"),
    413: N_("提交的内容过大"),
    415: N_("不支持这种内容格式"),
    422: N_("填写的内容有误"),
    429: N_("请求过于频繁，请稍后再试"),
    500: N_("系统出错，已记录，请稍后再试"),
    503: N_("服务暂时不可用，请稍后再试"),
}
