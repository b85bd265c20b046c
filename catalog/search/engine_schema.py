"""Fields of the embedded index, and how a listing is written into them."""

from typing import Final

from tantivy import Document, Index, Schema, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from catalog.search import entry
from catalog.search.paging import composite
from catalog.search.port import CATEGORY_FACETS, FLAGS, SearchDocument
from catalog.search.ranking import MOST_POPULAR

VERSION: Final = 4
"""Raised with every change of fields or of analysis; an index of another version must be rebuilt."""
CARD: Final = "\x1f"
"""Stands between the texts that a hit shows."""


def schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_integer_field("pk", stored=True, indexed=True, fast=True)
    builder.add_integer_field("product", stored=True, indexed=True, fast=True)
    for name in ("w", "own", "called", "kinds", "synonyms", "perhaps", "bi"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    # A prefix query reads term frequencies even of one word.
    for name in ("lat", "py", "sp"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("key", tokenizer_name="raw", index_option="freq")
    builder.add_text_field("pre", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("cats", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("supplier_id", tokenizer_name="raw", index_option="basic")
    for name in ("leaf", "cat1", "cat2", "cat3", "brand", "supplier", "region", "credit"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("price", "delivery"):
        builder.add_integer_field(name, fast=True)
    for flag in FLAGS:
        builder.add_boolean_field(flag.value, indexed=True, fast=True)
    builder.add_float_field("rank", fast=True)
    for name in ("by_price", "by_sales", "by_new"):
        builder.add_unsigned_field(name, fast=True)
    builder.add_bytes_field("card", stored=True)
    return builder.build()


def prepare(index: Index) -> Index:
    """Tokenizers live in the process, not in the files: every opening needs this."""
    index.register_tokenizer("whitespace", TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    index.config_reader("manual", 0)
    return index


def rank(popularity: float) -> float:
    """The factor field of popularity, 0 to 1: log2(2 + rank) runs from 1 to `MOST_POPULAR`, less than any step between tiers."""
    return float(2.0 ** (1.0 + min(max(popularity, 0.0), 1.0) * (MOST_POPULAR - 1)) - 2.0)


def written(document: SearchDocument, of: Schema) -> Document:
    found = entry.analysed(document)
    path = document.category_path[:3]
    facts: dict[str, object] = {
        "pk": document.pk,
        "product": document.product_id,
        "w": found.words,
        "called": found.called,
        "kinds": found.kinds,
        "synonyms": found.synonyms,
        "perhaps": found.perhaps,
        "own": found.own,
        "bi": found.pairs,
        "lat": found.latin,
        "sp": found.spec,
        "py": found.pinyin,
        "pre": found.edges,
        "key": entry.keys(document),
        "cats": entry.category_codes(document),
        "supplier_id": str(document.supplier_id),
        "leaf": document.category_code + entry.LABEL + document.category_name,
        "brand": document.brand,
        "supplier": f"{document.supplier_id}{entry.LABEL}{document.supplier_name}",
        "region": list(document.regions),
        "price": document.price_fen,
        "delivery": document.delivery_days,
        "rank": rank(document.popularity),
        "by_price": composite(document.price_fen, document.pk),
        "by_sales": composite(document.sales, document.pk),
        "by_new": composite(int(document.created_at.timestamp()), document.pk),
        "card": CARD.join(
            text.replace(CARD, " ")
            for text in (document.title, document.brand, document.model, document.category_name, document.supplier_name)
        ).encode(),
    }
    for name, step in zip(CATEGORY_FACETS, path, strict=False):
        facts[name.value] = step.code + entry.LABEL + step.name
    if document.credit is not None:
        facts["credit"] = document.credit
    for flag in FLAGS:
        facts[flag.value] = getattr(document, flag.value)
    return Document.from_dict(facts, of)
