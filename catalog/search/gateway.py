"""The engine of this installation: embedded, or Meilisearch with the embedded one to fall back on."""

from app.config import Settings
from catalog.search.engine import EmbeddedEngine
from catalog.search.fallback import FallbackEngine
from catalog.search.meili import MeiliEngine
from catalog.search.port import SearchEngine


def engine_for(settings: Settings) -> SearchEngine:
    """The engine that the settings ask for; nothing is connected or opened before the first question."""
    embedded = EmbeddedEngine(settings.folder("search"))
    if settings.search_engine == "embedded":
        return embedded
    return FallbackEngine(MeiliEngine(settings.meili_url, settings.meili_key), embedded)
