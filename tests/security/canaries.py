"""Plants a mark of its own in every text that a person of one unit or supplier wrote, so that it is known wherever it turns up.

What belongs to whom follows the foreign keys, from the two organisations down.
"""

import json
import re
from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Enum, String, and_, select, true, update

from app.kernel.db import Base
from app.policy import Role
from migrations import append_only, tables  # noqa: F401 - the metadata is whole
from tests.architecture.land import OWN, Land

MARK = re.compile(r"CANARY\.([a-z_]+\.[a-z_]+)\.")

WRITTEN: dict[str, set[str]] = {
    "acceptance_lines": {"serials", "reason"}, "acceptances": {"remarks"}, "addresses": {"label", "street", "contact", "phone"},
    "alerts": {"note"}, "allotments": {"source", "document_number"}, "api_tokens": {"name"},
    "asset_cards": {"serial", "keeper", "place", "voucher"}, "attempts": {"lines"},
    "bulk_jobs": {"file_name", "headings", "samples"}, "bulk_problems": {"heading", "figure", "facts"}, "comparisons": {"words", "content"}, "budget_lines": {"name"}, "budget_projects": {"name"},
    "contracts": {"text", "payee_name", "payee_bank", "payee_bank_account", "payee_account"}, "decision_records": {"verdicts"}, "events": {"body"}, "holds": {"explanation"},
    "invoice_titles": {"title", "tax_number"}, "invoices": {"buyer_title", "buyer_tax_number", "seller_tax_number"}, "line_decisions": {"reason"},
    "listing_reports": {"words", "answer"}, "listing_reviews": {"reason"}, "listing_versions": {"title"},
    "listings": {"sku", "title", "shelf_reason"}, "questions": {"words", "answer", "hidden_reason"}, "order_lines": {"title", "brand", "model", "place"},
    "orders": {"reason", "invoice_title", "invoice_tax_number"}, "organisations": {"name", "short_name"},
    "payment_applications": {"payee_name", "payee_bank", "payee_bank_account", "payee_account", "receipt_number"},
    "people": {"name", "phone"}, "plan_lines": {"name"}, "plans": {"title"}, "ratings": {"words"}, "reorder_lists": {"name"}, "saved_searches": {"words"}, "shipments": {"carrier", "tracking"},
    "suppliers": {"name", "legal_representative", "contact", "phone", "bank_name", "bank_account", "payee_account", "standing_reason"},
    "supplier_applications": {
        "legal_representative", "address", "business", "contact", "phone", "email", "bank_name", "bank_account", "payee_account",
    },
    "supplier_application_remarks": {"reason"}, "standing_decisions": {"reason"}, "uploads": {"title"},
    "qualifications": {"number", "issuer", "return_reason"},
    "terminations": {"reason"}, "stream_entries": {"unit_name", "supplier_name"},
    "connections": {"base_url", "client_id"}, "connected_goods": {"sku", "title", "images"}, "dispatches": {"note", "shop_order"},
    "dispatch_parcels": {"parcel"}, "webhook_endpoints": {"url"}, "webhook_deliveries": {"body"}, "webhook_attempts": {"request", "response"},
}  # fmt: skip
"""Texts that somebody of the unit or the supplier types, or that repeat what he typed."""

MADE: dict[str, set[str]] = {
    "acceptances": {"number"},
    "alerts": {"number", "key", "rule", "rule_version", "region", "order_number", "parameters", "inputs", "evidence", "close_code"},
    "allotments": {"number", "functional_class", "economic_class", "fund_nature"}, "api_tokens": {"token_hash", "scopes"},
    "asset_cards": {"number", "class_code", "name", "brand", "model"}, "attempts": {"number", "key", "digest", "region", "verdicts"},
    "bulk_jobs": {"token", "entity", "region", "format", "digest", "mapping", "why", "lease_token"}, "bulk_problems": {"rule", "way_out"},
    "budget_lines": {"code", "category_code"}, "budget_moves": {"key", "stream"}, "comparisons": {"number", "region", "kind", "sha256"}, "budget_projects": {"code", "kind"},
    "contract_documents": {"sha256"}, "contracts": {"number", "filing_number", "sha256"},
    "decision_records": {"submission", "rule_version"},
    "events": {"stream", "type", "region"},
    "gateway_charges": {"intent", "application", "destination", "currency", "receipt"}, "gateway_lines": {"reason"}, "holds": {"rule"}, "invoices": {"code", "number"}, "journal_erasures": {"field"},
    "listing_reports": {"subject"}, "listing_reviews": {"rules", "verdicts"}, "listing_verdicts": {"rule_version", "verdicts"},
    "listings": {"regions"}, "questions": {"region"},
    "notices": {"number", "region", "title", "contract_number", "order_number", "unit_name", "supplier_name", "body", "search_text", "sha256"},
    "order_lines": {"category_code", "unit"}, "orders": {"number", "region", "mode"},
    "organisations": {"code", "credit_code", "region", "unit_kind"}, "addresses": {"region"},
    "payment_applications": {"number", "intent", "return_reason", "trouble"}, "payment_clocks": {"rule", "document_number"}, "awaited": {"region"}, "saved_searches": {"question", "request", "known"},
    "people": {"login", "password_hash", "totp_secret", "language"}, "plan_lines": {"category_code"},
    "plans": {"number", "region", "method", "return_reason"}, "shipments": {"number"}, "sign_in_sessions": {"token_hash"},
    "stream_entries": {"type", "number", "region", "category", "mode", "state", "risk", "rules"},
    "submissions": {"number", "key", "digest", "comparison"}, "suppliers": {"kind"}, "supplier_areas": {"region"}, "supplier_classes": {"code"},
    "supplier_applications": {"number", "region", "kind", "classes", "areas", "agreement_version"}, "supplier_application_remarks": {"subject"},
    "standing_decisions": {"region", "document_no", "basis", "decided_for", "ended_reason"}, "uploads": {"name", "sha256"},
    "qualifications": {"requirement", "title"},
    "connections": {"secret", "token", "regions", "trouble"}, "connected_goods": {"trouble"}, "dispatches": {"trade_no", "trouble"},
    "dispatch_parcels": {"shipment"}, "webhook_endpoints": {"number", "types", "secret", "old_secret"},
    "webhook_deliveries": {"message_id", "type", "subject"}, "webhook_attempts": {"trouble"},
}  # fmt: skip
"""Numbers, codes, hashes, values out of lists and what the product words itself; notices are published whole."""

SHARED = {
    "brands", "product_facts", "profile_attributes", "profiles",
    "categories", "class_rules", "consumer_floors", "event_leases", "event_receipts", "gateway_notices", "journal_checkpoints", "limits", "mall_categories",
    "dishonest_firms", "supplier_agreements", "supplier_requirements",
    "products", "reference_prices", "region_days", "rule_parameters", "stream_cursors", "terms",
    "search_miss_marks", "search_misses", "search_synonyms", "supplier_join_knocks", "search_samples", "exposure_days", "traded_months", "price_index",
}  # fmt: skip
"""Tables that belong to no unit and no supplier."""

WORDS = {"note", "reason", "unit_name", "supplier_name", "payee", "name", "keeper", "place", "carrier", "tracking", "title", "explanations", "unit", "supplier"}
"""Parts of an event's body that hold such texts."""

PARTS = {
    ("events", "body"): WORDS, ("webhook_deliveries", "body"): WORDS,
    ("attempts", "lines"): {"words"}, ("comparisons", "content"): {"words", "by", "supplier_name"}, ("decision_records", "verdicts"): {"reason"},
    ("acceptance_lines", "serials"): None, ("bulk_jobs", "headings"): None, ("bulk_jobs", "samples"): None, ("bulk_problems", "facts"): None,
}  # fmt: skip
"""Columns that hold JSON, with the parts of it that hold such texts (None: every text in it). A check of the buyer's price keeps his words."""

LATE = {"listings.shelf_reason", "listing_reviews.reason", "listing_reports.answer", "questions.answer", "questions.hidden_reason"}
"""What is written once somebody has decided or answered; it is planted although nobody has."""


def texts() -> dict[str, set[str]]:
    """Every text column of every table that is not shared."""
    found: dict[str, set[str]] = defaultdict(set)
    for table in Base.metadata.tables.values():
        if table.name not in SHARED:
            names = {column.name for column in table.columns if isinstance(column.type, String) and not isinstance(column.type, Enum)}
            if names:
                found[table.name] = names
    return dict(found)


def plant(ground: Land) -> set[str]:
    """Mark every written text of the first unit and the first supplier; returns the columns in which there was one."""
    people = ground.places[OWN].world.people
    houses = {people[role].organisation_id or 0 for role in (Role.BUYER, Role.LISTER)}
    with ground.engine.begin() as connection:
        append_only.drop(connection)
        owned = _owned(connection, houses)
        planted = set()
        for name, columns in WRITTEN.items():
            for column in columns:
                if _mark(connection, name, column, owned[name]):
                    planted.add(f"{name}.{column}")
        append_only.create(connection)
    return planted


def _owned(connection: Connection, organisations: set[int]) -> dict[str, set[int]]:
    """The keys of what hangs on these organisations, by table; an event hangs on the order, plan or person of its stream."""
    owned: dict[str, set[Any]] = defaultdict(set, {"organisations": set(organisations)})
    growing = True
    while growing:
        growing = False
        for table in Base.metadata.sorted_tables:
            (key, *_), before = table.primary_key.columns, len(owned[table.name])
            for column in table.columns:
                foreign = next(iter(column.foreign_keys), None)
                if foreign is None or column.name in {"version", "prev_version", "stream"} or foreign.column.table.name in {"events", *SHARED}:
                    continue
                parents = owned[foreign.column.table.name]
                if parents and foreign.column.primary_key:
                    owned[table.name].update(connection.scalars(select(key).where(column.in_(parents))))
            growing |= len(owned[table.name]) > before
    streams = {number for name in ("orders", "plans") for number in _numbers(connection, name, owned[name])} | {f"person/{person}" for person in owned["people"]}
    orders, submissions, records = (Base.metadata.tables[name] for name in ("orders", "submissions", "decision_records"))
    sent = select(submissions.c.number).where(submissions.c.id.in_(select(orders.c.submission_id).where(orders.c.id.in_(owned["orders"]))))
    owned["decision_records"] |= set(connection.scalars(select(records.c.id).where(records.c.submission.in_(sent))))
    events, entries = Base.metadata.tables["events"], Base.metadata.tables["stream_entries"]
    owned["events"] |= set(connection.scalars(select(events.c.id).where(events.c.stream.in_(streams))))
    owned["stream_entries"] |= set(connection.scalars(select(entries.c.event_id).where(entries.c.event_id.in_(owned["events"]))))
    return owned


def _numbers(connection: Connection, name: str, ids: set[int]) -> list[str]:
    table = Base.metadata.tables[name]
    return list(connection.scalars(select(table.c.number).where(table.c.id.in_(ids))))


def _mark(connection: Connection, name: str, column: str, keys: set[Any]) -> bool:
    table = Base.metadata.tables[name]
    (key, *_), target, mark = table.primary_key.columns, table.c[column], f"CANARY.{name}.{column}."
    written = true() if f"{name}.{column}" in LATE else and_(target.is_not(None), target != "")
    done = False
    for row_key, text in connection.execute(select(key, target).where(key.in_(keys), written)).all():
        marked = _in_json(text, mark, PARTS[name, column]) if (name, column) in PARTS else f"{mark}{row_key}"
        connection.execute(update(table).where(key == row_key).values({column: marked}))
        done |= mark in marked
    return done


def _in_json(text: str, mark: str, parts: set[str] | None) -> str:
    def walk(value: Any, *, is_words: bool) -> Any:
        if isinstance(value, dict):
            return {name: walk(each, is_words=is_words or name in (parts or ())) for name, each in value.items()}
        if isinstance(value, list):
            return [walk(each, is_words=is_words) for each in value]
        return mark if is_words and isinstance(value, str) and value else value

    try:
        return json.dumps(walk(json.loads(text), is_words=parts is None))
    except ValueError:
        return text
