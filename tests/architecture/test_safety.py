"""Ways of writing that have made holes elsewhere, found in the syntax tree: each rule is shown to find what it looks for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import ROOT

PACKAGES = ("app", "catalog", "orders", "supervision")
SOURCES = [ROOT / "wsgi.py", *sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
TEMPLATES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("templates/**/*.html"))
CLOCK = "app/kernel/clock.py"
SQL = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|ALTER|DROP|CREATE|SET)\b", re.IGNORECASE)

SAFE_IN_TEMPLATES = {
    "orders/carts/templates/carts/_line.html": "{% set target = 'hx-target=\"#cart\" hx-swap=\"morph:innerHTML\"'|safe %}",
    "orders/carts/templates/carts/_cart.html": "{% set whole = 'hx-target=\"#cart\" hx-swap=\"morph:innerHTML\"'|safe %}",
}
"""Fixed texts of ours: attributes that several buttons share."""

SQL_WITH_PIECES = {"orders/payments/simulator/state.py", "supervision/training/writer.py"}
"""Clauses and table names of ours, every value bound; each line says so where it stands."""


def called(node: ast.Call) -> str:
    """The dotted name of what is called."""
    parts, at = [], node.func
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    return ".".join(reversed([*parts, at.id])) if isinstance(at, ast.Name) else ""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call with its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, called(node)


def pasted_sql(tree: ast.AST) -> list[int]:
    """SQL put together from pieces: f-strings, %, format, +."""
    found = []
    for node in ast.walk(tree):
        first = None
        if isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
            first = node.values[0]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            first = node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            first = node.func.value
        if isinstance(node, ast.expr) and isinstance(first, ast.Constant) and isinstance(first.value, str) and SQL.match(first.value):
            found.append(node.lineno)
    return found


def without_time_limit(tree: ast.AST) -> list[int]:
    """Calls to the outside that may wait for ever."""
    verbs = {"get", "post", "put", "patch", "delete", "request", "stream", "Client", "AsyncClient"}
    wanted = {f"{module}.{verb}" for module in ("httpx", "requests") for verb in verbs} | {"urllib.request.urlopen", "urlopen"}
    return [node.lineno for node, name in calls(tree) if name in wanted and "timeout" not in {word.arg for word in node.keywords}]


def own_clock(tree: ast.AST) -> list[int]:
    """The time read from anywhere but the product's clock."""
    wanted = {"datetime.now", "datetime.utcnow", "datetime.datetime.now", "datetime.today", "date.today", "datetime.date.today", "time.time"}
    return [node.lineno for node, name in calls(tree) if name in wanted]


def danger(tree: ast.AST) -> list[int]:
    """Code made at run time, shells, unsafe loaders, followed redirects, unchecked certificates."""
    names = {"eval", "exec", "compile", "os.system", "os.popen", "pickle.load", "pickle.loads", "marshal.loads", "yaml.load", "render_template_string"}
    switched = {("shell", True), ("verify", False), ("follow_redirects", True)}
    return [
        node.lineno
        for node, name in calls(tree)
        if name in names or any((word.arg, getattr(word.value, "value", None)) in switched for word in node.keywords)
    ]


def float_money(tree: ast.AST) -> list[int]:
    """Fen that pass through a float: float(x_fen), x_fen / y, a fen annotated as float, a float literal beside fen."""

    def is_fen(node: ast.AST) -> bool:
        return (isinstance(node, ast.Name) and node.id.endswith("_fen")) or (isinstance(node, ast.Attribute) and node.attr.endswith("_fen"))

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "float" and any(is_fen(each) for each in ast.walk(node)):
            found.append(node.lineno)
        if isinstance(node, ast.AnnAssign | ast.arg) and isinstance(node.annotation, ast.Name) and node.annotation.id == "float":
            target = node.arg if isinstance(node, ast.arg) else getattr(node.target, "id", "")
            found += [node.lineno] if target.endswith("_fen") else []
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Div):
            found += [node.lineno] if any(is_fen(target) for target in node.targets) else []
    return found


RULES = {
    "pasted_sql": (pasted_sql, 'session.execute(f"SELECT * FROM orders WHERE number = {number}")', SQL_WITH_PIECES),
    "without_time_limit": (without_time_limit, 'httpx.post("https://example.org", json={})', set()),
    "own_clock": (own_clock, "at = datetime.now(UTC)", {CLOCK}),
    "danger": (danger, 'subprocess.run("ls", shell=True)', set()),
    "float_money": (float_money, "share_fen = total_fen / 3", set()),
}


@pytest.mark.parametrize("rule", RULES)
def test_no_source_breaks_the_rule_and_the_rule_finds_what_it_looks_for(rule: str) -> None:
    find, specimen, allowed = RULES[rule]
    assert find(ast.parse(specimen)) == [1]
    broken = [f"{name}:{line}" for file in SOURCES if (name := str(file.relative_to(ROOT))) not in allowed for line in find(ast.parse(file.read_text()))]
    assert broken == []


@pytest.mark.parametrize("rule", [name for name, (_, _, allowed) in RULES.items() if allowed - {CLOCK}])
def test_every_exception_is_still_needed_and_gives_its_reason(rule: str) -> None:
    find, _, allowed = RULES[rule]
    for name in allowed:
        text = (ROOT / name).read_text()
        lines = find(ast.parse(text))
        assert lines, name
        assert all("# noqa: S608 - " in text.splitlines()[line - 1] for line in lines)


def test_every_markup_made_of_a_variable_gives_its_reason() -> None:
    bare = []
    for file in SOURCES:
        lines = file.read_text().splitlines()
        for node, name in calls(ast.parse("\n".join(lines))):
            is_fixed = not node.args or isinstance(node.args[0], ast.Constant)
            if name.rpartition(".")[2] == "Markup" and not is_fixed and not any("noqa: S704 - " in line for line in lines[node.lineno - 1 : node.end_lineno]):
                bare.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert bare == []


TABLES_WRITTEN_BY = {"app/kernel/sheets.py", "app/accounts/people/cli.py"}
"""The one door that defuses every cell, and the operator's list of logins (small letters and digits) with their first passwords."""


def test_every_table_that_is_taken_away_goes_through_the_door_that_defuses_cells() -> None:
    writers = {"csv.writer", "csv.DictWriter"}
    found = {str(file.relative_to(ROOT)) for file in SOURCES for _, name in calls(ast.parse(file.read_text())) if name in writers}
    assert found == TABLES_WRITTEN_BY


SPEAKS_TO_OTHERS = {"orders/payments/gateway.py", "orders/payments/handlers.py", "orders/payments/wire/call.py", "catalog/search/meili.py"}
"""Addresses of these come from the operator's settings; nobody else can name one."""


DOOR = "app/kernel/outgoing.py"
"""Addresses that anybody else typed in are reached through this one, which judges each before it calls."""


def test_only_gateways_to_addresses_of_the_operator_speak_to_other_machines() -> None:
    clients = {"httpx", "requests", "urllib.request", "http.client", "aiohttp", "meilisearch", "ftplib", "smtplib"}
    found = set()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name == client or name.startswith(f"{client}.") for name in names for client in clients):
                found.add(str(file.relative_to(ROOT)))
    assert found == SPEAKS_TO_OTHERS | {DOOR}


def test_no_template_switches_escaping_off() -> None:
    off = {}
    for file in TEMPLATES:
        for line in file.read_text().splitlines():
            if re.search(r"\|\s*safe\b|autoescape\s+false", line):
                off[str(file.relative_to(ROOT))] = line.strip()
    assert off == SAFE_IN_TEMPLATES


def test_no_template_holds_a_script_a_style_or_an_event_handler_of_its_own() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=\"|javascript:|hx-on|hx-vals=.js:|src=\"https?:|href=\"http:", re.IGNORECASE)
    assert [f"{file.relative_to(ROOT)}: {found[0]}" for file in TEMPLATES if (found := inline.search(Path(file).read_text()))] == []
