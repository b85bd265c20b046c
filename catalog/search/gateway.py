"""The engine of this installation: embedded, or Meilisearch with the embedded one to fall back on, as `MALL_MEILI_URL` says."""

from app.config import Settings
from catalog.search.engine import EmbeddedEngine
from catalog.search.fallback import FallbackEngine
from catalog.search.meili import MeiliEngine
from catalog.search.port import SearchEngine
from catalog.search.taught import Taught


def engine_for(settings: Settings) -> SearchEngine:
    """The engine that the settings ask for; nothing is connected or opened before the first question."""
    root = settings.folder("search")
    embedded = EmbeddedEngine(root)
    if not settings.meili_url:
        return embedded
    return FallbackEngine(MeiliEngine(settings.meili_url, settings.meili_key or None, taught=Taught(root)), embedded)
