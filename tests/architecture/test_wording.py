"""Every sentence a reader sees can be taken out for translation."""

import ast
import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "catalog", "orders", "supervision")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
NOT_TRANSLATED = {"app/web/templates/_seal.html", "app/web/templates/_switches.html"}
"""The seal's character, and the names of the languages in themselves."""


def templates() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.html"))


def test_no_template_has_chinese_outside_an_extractable_call() -> None:
    bare: list[str] = []
    for path in templates():
        name = str(path.relative_to(ROOT))
        if name in NOT_TRANSLATED:
            continue
        for no, line in enumerate(JINJA.sub(lambda m: "\n" * m[0].count("\n"), path.read_text()).splitlines(), start=1):
            if CHINESE.search(line):
                bare.append(f"{name}:{no}: {line.strip()}")
    assert bare == []


def test_no_expression_in_a_template_has_a_bare_chinese_text() -> None:
    bare: list[str] = []
    for path in templates():
        name = str(path.relative_to(ROOT))
        if name in NOT_TRANSLATED:
            continue
        for found in re.finditer(r"\{[{%].*?[}%]\}", path.read_text(), re.DOTALL):
            said = re.sub(r"\b(_|gettext|ngettext|pgettext)\(\s*(\"[^\"]*\"|'[^']*')(\s*,\s*(\"[^\"]*\"|'[^']*'))?", "", found[0])
            if CHINESE.search(said):
                bare.append(f"{name}: {said.strip()}")
    assert bare == []


def test_the_catalogue_of_sentences_can_be_extracted_and_holds_the_rules_words() -> None:
    method_map = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
    sentences = {
        message
        for package in PACKAGES
        for _, _, message, _, _ in extract_from_dir(
            ROOT / package, method_map=method_map, keywords={"_": None, "N_": None, "_l": None, "gettext": None, "lazy_gettext": None}
        )
        if isinstance(message, str)
    }
    assert "无预算采购" in sentences
    assert "提交未被接受：%(count)s 项检查未通过" in sentences
    assert len(sentences) > 500


def test_no_view_says_a_chinese_sentence_that_cannot_be_extracted() -> None:
    bare: list[str] = []
    for package in PACKAGES:
        for room in ("views.py", "api.py", "forms.py"):
            for path in (ROOT / package).rglob(room):
                tree = ast.parse(path.read_text())
                docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
                wrapped = docs | {
                    id(argument)
                    for node in ast.walk(tree)
                    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in WRAPPERS
                    for argument in ast.walk(node)
                }
                bare += [
                    f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
                    for node in ast.walk(tree)
                    if isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and CHINESE.search(node.value)
                    and node.value not in ENDINGS
                    and id(node) not in wrapped
                ]
    assert bare == []


ENDINGS = {"市"}
"""What is cut off a region's name, not shown."""

WRAPPERS = {"titled", "_", "_l", "N_", "gettext", "ngettext", "lazy_gettext", "pgettext"}
