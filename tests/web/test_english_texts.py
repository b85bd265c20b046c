"""The English catalogue is whole, and no text hides from it."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from app.web.language import CATALOGUE, FORMS, in_number

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "catalog", "orders", "supervision")
MARKS = {"_", "N_", "_l", "gettext", "lazy_gettext"}
HAN = re.compile(r"[\u3400-\u9fff]")
PUNCTUATION = re.compile(r"[\u3001-\u303f\uff01-\uff5e]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w)\}")

QUOTED = {
    "品目名称或编码，例如 打印机、A0202", "台、套、包、箱……", "填写是或否，或留空",
    "搜索“激光打印机”，打开一件商品，加入购物车，到购物车结算；填单页提示先比选的，点“冻结同款比选并引用”，再提交",
}  # fmt: skip
"""Texts whose translation must quote a Chinese word that the reader types."""

CHINESE_BY_NATURE = {
    "app/kernel/money.py", "app/kernel/workdays.py", "app/kernel/typeset.py", "app/web/language.py", "app/policy.py",
    "catalog/products/rules.py", "catalog/search/analysis.py", "catalog/search/spelling.py", "catalog/search/lexicon.py",
    "catalog/search/engine_query.py", "orders/comparisons/documents.py", "orders/contracts/documents.py", "orders/plans/service.py", "supervision/disclosure/documents.py",
    "supervision/disclosure/rules.py", "supervision/dashboard/views.py",
}
"""Legal texts, amounts in capitals, holidays, names of records, what the search engine knows."""

FOR_OPERATORS = re.compile(r"/(cli|sheet)\.py$|^supervision/training/|^(app/accounts/(organisations|people)|catalog/suppliers)/(rules|service)\.py$")
"""Commands and the headings and words of the tables that are read; the training province."""


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_po(BytesIO(CATALOGUE.read_bytes()), locale="en")


def _extracted() -> set[str]:
    keywords = {**DEFAULT_KEYWORDS, "N_": None, "_l": None}
    found: set[str] = set()
    for package in PACKAGES:
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / package, [("**.py", "python"), ("**/templates/**.html", "jinja2")], {"**/templates/**.html": {"silent": "false"}}, keywords
        ):
            found.add(str(message))
    return found | _marked_in(ROOT / "wsgi.py")


def _marked_in(path: Path) -> set[str]:
    return {text for call in _calls(ast.parse(path.read_text(encoding="utf-8"))) for text in _texts(call)}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) in MARKS:
            yield node


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _entries(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def test_every_text_is_in_the_catalogue_and_no_other(catalogue: Catalog) -> None:
    known, wanted = {str(message.id) for message in _entries(catalogue)}, _extracted()
    assert sorted(wanted - known) == [], "run `make texts`, then translate these"
    assert sorted(known - wanted) == [], "no page says these any more; run `make texts`"
    assert list(catalogue.obsolete) == []


def test_every_text_is_translated(catalogue: Catalog) -> None:
    assert [message.id for message in _entries(catalogue) if not message.string or message.fuzzy] == []


def test_both_languages_fill_in_the_same_facts(catalogue: Catalog) -> None:
    def facts(text: str) -> set[str]:
        return {a or b for a, b in PLACEHOLDER.findall(text)}

    wrong = [
        (message.id, message.string)
        for message in _entries(catalogue)
        if facts(str(message.id)) != facts(str(message.string)) or {name for name, _, _ in FORMS.findall(str(message.string))} - facts(str(message.id))
    ]
    assert wrong == []


def test_no_chinese_is_left_in_an_english_text(catalogue: Catalog) -> None:
    left = [message.id for message in _entries(catalogue) if HAN.search(str(message.string)) or PUNCTUATION.search(str(message.string))]
    assert sorted(map(str, left)) == sorted(QUOTED)


def test_a_count_chooses_its_form() -> None:
    text = "%(n)s {n:order|orders} of %(m)s {m:unit|units}"
    assert in_number(text, {"n": 1, "m": "1,200"}) == "%(n)s order of %(m)s units"
    assert in_number(text, {"n": 0, "m": "1"}) == "%(n)s orders of %(m)s unit"


def test_no_template_says_chinese_past_gettext() -> None:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("**/templates/**/*.html")):
            source = re.sub(r"\{#.*?#\}", lambda comment: "\n" * comment[0].count("\n"), path.read_text(encoding="utf-8"), flags=re.DOTALL)
            said = re.sub(r"\b_\(\s*('[^']*'|\"[^\"]*\")", "", source)
            found += [
                f"{path.relative_to(ROOT)}:{number}"
                for number, line in enumerate(said.splitlines(), 1)
                if (HAN.search(line) or PUNCTUATION.search(line)) and "chopmark" not in line
            ]
    assert found == []


def test_no_code_says_chinese_past_gettext() -> None:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in CHINESE_BY_NATURE or FOR_OPERATORS.search(name):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            marked = {id(node) for call in _calls(tree) for node in ast.walk(call)}
            told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            found += [
                f"{name}:{node.lineno} {node.value[:40]}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and HAN.search(node.value) and id(node) not in marked | told
            ]
    assert found == []


def test_scripts_say_nothing_of_their_own() -> None:
    assert [path.name for path in sorted((ROOT / "static" / "js").glob("*.js")) if HAN.search(path.read_text(encoding="utf-8"))] == []
