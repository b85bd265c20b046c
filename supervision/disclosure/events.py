"""Facts of publication; the stream is named by the notice's number."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class NoticePublished(Fact):
    """A notice went public."""

    type: ClassVar[str] = "notice.published"
    notice: str
    kind: str
    contract: str
    order: str
    sha256: str
