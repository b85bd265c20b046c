"""The shape of `/api/v1`: one OpenAPI 3.1 document made from the routes, validated input, problems, idempotency keys."""

import copy
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar, cast

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from app.kernel.errors import N_, Invalid
from app.web.errors import problem
from app.web.guard import policy_of, public
from app.web.security import LONGEST_ID

__all__ = [
    "Answers", "CursorPage", "Fen", "Id", "Model", "PageQuery", "Problem", "Verbatim", "idempotency_key", "spec", "streamed", "titled",
]

View = TypeVar("View", bound=Callable[..., Any])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Fen = Annotated[int, Field(ge=0, le=10**15, description=N_("金额，单位：分"))]
Verbatim = Annotated[str, StringConstraints(strip_whitespace=False)]
"""Text that a digest or a signature stands on: not trimmed."""

bp = Blueprint("openapi", __name__, template_folder="templates")


class Model(BaseModel):
    """Base of every body the API takes or gives: unknown fields are refused, text is trimmed, rows can be read."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, from_attributes=True)


class PageQuery(Model):
    """Where a list is read from."""

    cursor: str | None = Field(default=None, max_length=500, description=N_("上一次回答中的 next"))
    limit: int = Field(default=50, ge=1, le=200)


class CursorPage(Model):
    """Base of a page of a list; subclasses add `items`."""

    next: str | None = Field(default=None, description=N_("下一页的 cursor；没有更多时为 null"))


class FieldProblem(Model):
    """One field that was not accepted."""

    field: str
    code: str
    message: str


class Problem(BaseModel):
    """RFC 9457: why a request was refused; `code` is stable, `title` is in the reader's language."""

    type: str
    title: str
    status: int
    code: str
    way_out: str | None = None
    basis: str | None = None
    facts: dict[str, Any] | None = None
    errors: list[FieldProblem] | None = None


class IdempotencyKeyMissing(Invalid):
    """The command needs a key of the caller's own, so that sending it twice does it once."""

    code = "idempotency_key.missing"
    message = N_("缺少 Idempotency-Key 请求头")
    way_out = N_("为每一次业务意图生成一个 8 到 255 位的可见 ASCII 字符串，重试时沿用同一个")
    status = 400


class IdempotencyKeyBad(IdempotencyKeyMissing):
    """The key has the wrong shape."""

    code = "idempotency_key.bad"
    message = N_("Idempotency-Key 应为 8 到 255 位的可见 ASCII 字符")


def idempotency_key() -> str:
    """The caller's key for this command. Raises IdempotencyKeyMissing or IdempotencyKeyBad."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise IdempotencyKeyMissing()
    if not re.fullmatch(r"[\x21-\x7e]{8,255}", key):
        raise IdempotencyKeyBad()
    return key


def titled(summary: str) -> Callable[[View], View]:
    """Give an operation its one-line title for the documentation page (mark the text with N_)."""

    def mark(view: View) -> View:
        view.__dict__["summary"] = summary
        return view

    return mark


_SENTENCES = {
    "missing": N_("必填"),
    "extra_forbidden": N_("没有这个字段"),
    "string_type": N_("应为文字"),
    "string_too_short": N_("至少 %(min_length)s 个字"),
    "string_too_long": N_("至多 %(max_length)s 个字"),
    "string_pattern_mismatch": N_("格式不符"),
    "int_type": N_("应为整数"),
    "int_parsing": N_("应为整数"),
    "int_from_float": N_("应为整数"),
    "bool_parsing": N_("应为 true 或 false"),
    "bool_type": N_("应为 true 或 false"),
    "date_from_datetime_parsing": N_("日期写作 2026-11-24"),
    "date_parsing": N_("日期写作 2026-11-24"),
    "enum": N_("可用的值：%(expected)s"),
    "literal_error": N_("可用的值：%(expected)s"),
    "greater_than": N_("应大于 %(gt)s"),
    "greater_than_equal": N_("应不小于 %(ge)s"),
    "less_than": N_("应小于 %(lt)s"),
    "less_than_equal": N_("应不大于 %(le)s"),
    "too_short": N_("至少 %(min_length)s 项"),
    "too_long": N_("至多 %(max_length)s 项"),
    "list_type": N_("应为数组"),
    "dict_type": N_("应为对象"),
    "model_type": N_("应为对象"),
    "model_attributes_type": N_("应为对象"),
}


def _refuse_input(_request: object, _response: object, error: Exception | None, *_: object) -> None:
    """Turn a body of the wrong shape into a problem that names each field."""
    if not isinstance(error, ValidationError):
        return
    errors = [
        {
            "field": ".".join(str(part) for part in each["loc"]),
            "code": each["type"],
            "message": gettext(_SENTENCES[each["type"]], **each.get("ctx", {})) if each["type"] in _SENTENCES else each["msg"],
        }
        for each in error.errors(include_url=False, include_input=False)
    ]
    abort(problem(422, "invalid_input", gettext("填写的内容有误"), errors=errors))


def _check_answer(_request: object, _response: object, error: Exception | None, *_: object) -> None:
    """An answer that breaks its own contract is our fault and ends as a logged 500."""
    if error is not None:
        raise error


def _component(model: Any) -> str:
    """`chapter.Model`: the name of a schema in the document."""
    chapter = model.__module__.rpartition(".")[0].rpartition(".")[2]
    return model.__name__ if chapter == "web" else f"{chapter}.{model.__name__}"


spec = SpecTree(
    "flask",
    before=_refuse_input,
    after=_check_answer,
    validation_error_status=422,
    validation_error_model=Problem,
    naming_strategy=_component,
    title=N_("政府采购网上商城 API"),
    version="v1",
    description=N_("金额一律为整数分，时间一律为 UTC（RFC 3339），错误一律为 RFC 9457 problem。"),
    path="api/spec",  # unused: the document is served by our own view below
    openapi_version="3.1.0",
    security_schemes=[SecurityScheme(name="bearer", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={"bearer": []},
    page_templates={},
)
"""`@spec.validate(resp=Answers(HTTP_200=Model), tags=("orders",))` on a view whose `json` or `query` argument is a Model."""


def streamed(*, query: type[Model], resp: Answers, tags: tuple[str, ...]) -> Callable[[View], View]:
    """Describe a view whose answer has no end: the validator would read it whole before the first line is sent."""

    def mark(view: View) -> View:
        stand_in = spec.validate(query=query, resp=resp, tags=tags)(lambda: None)
        spec._function_metadata[view] = spec._function_metadata[stand_in]  # noqa: SLF001 - spectree has no other door
        view.__dict__["is_stream"] = True
        return view

    return mark


def install(app: Flask) -> None:
    """Serve the document and its page."""
    app.register_blueprint(bp)


def document() -> dict[str, Any]:
    """The OpenAPI document of this application, made once."""
    app = current_app
    made = app.extensions.get("mall.openapi")
    if made is None:
        own = copy.copy(spec)
        own.__dict__.pop("_spec", None)
        own.models = copy.deepcopy(spec.models)
        made = json.loads(json.dumps(own.spec))
        _say_in_words(app, made)
        app.extensions["mall.openapi"] = made
    return cast(dict[str, Any], made)


def _say_in_words(app: Flask, made: dict[str, Any]) -> None:
    """Add the titles, who may call each operation, and that public ones need no token."""
    made["jsonSchemaDialect"] = "https://json-schema.org/draft/2020-12/schema"
    made["paths"] = {path: made["paths"][path] for path in sorted(made["paths"]) if path.startswith("/api/")}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]*:)?([^>]+)>", r"{\1}", str(rule))
        for method, operation in made["paths"].get(path, {}).items():
            if method.upper() not in (rule.methods or ()):
                continue
            view = app.view_functions[rule.endpoint]
            operation["operationId"] = rule.endpoint.replace("_api.", ".")
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["schema"]["type"] == "integer":
                    parameter["schema"] |= {"format": "int64", "minimum": 0, "maximum": 10**LONGEST_ID - 1}
            operation["summary"] = getattr(view, "summary", operation["summary"])
            policy = policy_of(view)
            if policy is not None and policy.anyone:
                operation["security"] = []
            elif policy is not None:
                operation["x-permissions"] = [permission.value for permission in policy.permissions]
            if getattr(view, "is_stream", False):
                operation["responses"]["200"] = {"description": "OK", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
            _add_problems(path, operation, is_public=policy is not None and policy.anyone)


def _add_problems(path: str, operation: dict[str, Any], *, is_public: bool) -> None:
    """What any operation may be answered, whatever its view says: bad text, no token, no permission, nothing there, no JSON."""
    taken = operation.setdefault("responses", {})
    common = {400: True, 401: not is_public, 403: not is_public, 404: "{" in path}
    common |= dict.fromkeys((413, 415), "requestBody" in operation)
    for status, is_possible in common.items():
        if is_possible:
            taken.setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": {}})
    for status, response in taken.items():
        if status >= "400" and "content" in response:
            response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = dict(sorted(taken.items()))


@bp.get("/api/v1/openapi.json")
@public
def openapi_json() -> Response:
    """The document for programs."""
    return jsonify(document())


@bp.get("/api/docs")
@public
def docs() -> ResponseReturnValue:
    """The same for people, rendered on the server."""
    made = document()
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(next(iter(operation["tags"]), "other"), []).append((method.upper(), path, operation))
    return render_template("api/docs.html", document=made, groups=sorted(groups.items()), fields=_fields)


def _fields(schema: dict[str, Any] | None) -> list[dict[str, str]]:
    """Rows of a body's table: name, type, whether it must be there, what it means."""
    made = document()
    resolved = _resolve(made, schema or {})
    must = set(resolved.get("required", ()))
    return [
        {
            "name": name,
            "type": _type_words(made, each),
            "required": "1" if name in must else "",
            "note": each.get("description", ""),
        }
        for name, each in resolved.get("properties", {}).items()
    ]


def _resolve(made: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return cast(dict[str, Any], made["components"]["schemas"].get(name, {}))
    return schema


def _type_words(made: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return cast(str, schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(_type_words(made, each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"[{_type_words(made, schema.get('items', {}))}]"
    return cast(str, schema.get("format") or schema.get("type", "any"))
