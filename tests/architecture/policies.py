"""The table of routes and who may call them, as the code has it; run as a program it writes the checked-in table anew."""

import csv
import io
import tempfile
from pathlib import Path

from flask import Flask
from werkzeug.routing import Rule

from app.config import Settings
from app.policy import Permission
from app.web.guard import Policy, policy_of

TABLE = Path(__file__).with_name("policies.csv")
REWRITE = "python -m tests.architecture.policies"
HEADS = ("endpoint", "methods", "address", "policy")


def methods(rule: Rule) -> list[str]:
    """What a route answers to, without what Flask adds by itself."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def routes(app: Flask) -> list[Rule]:
    """Every route but Flask's own static files."""
    return sorted((rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"), key=lambda rule: (rule.endpoint, str(rule)))


def policy(app: Flask, rule: Rule) -> Policy:
    """The policy of a route; an application with a bare one does not start."""
    found = policy_of(app.view_functions[rule.endpoint])
    assert found is not None, rule.endpoint
    return found


def said(found: Policy) -> str:
    """A policy in the table's words."""
    if found.anyone:
        return "public"
    return "signed in" if set(found.permissions) == set(Permission) else " ".join(sorted(found.permissions))


def table(app: Flask) -> str:
    """The whole table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for rule in routes(app):
        writer.writerow((rule.endpoint, " ".join(methods(rule)), str(rule), said(policy(app, rule))))
    return text.getvalue()


def rewrite() -> None:
    """Write the table as the code stands."""
    from wsgi import create_app

    with tempfile.TemporaryDirectory() as folder:
        TABLE.write_text(table(create_app(Settings(data_dir=Path(folder)))))


if __name__ == "__main__":
    rewrite()
