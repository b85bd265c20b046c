"""Facts of an endpoint; the stream is named by its number. No secret ever stands in them."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class EndpointFact(Fact):
    """What every event of an endpoint carries."""

    endpoint: str
    organisation_id: int
    url: str


@dataclass(frozen=True, kw_only=True)
class EndpointAdded(EndpointFact):
    """An organisation wants to be told of these kinds of events."""

    type: ClassVar[str] = "webhook.added"
    types: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EndpointChanged(EndpointFact):
    """Another address or other kinds of events."""

    type: ClassVar[str] = "webhook.changed"
    types: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EndpointRotated(EndpointFact):
    """Another secret; the one before signs along until then."""

    type: ClassVar[str] = "webhook.rotated"
    until: str


@dataclass(frozen=True, kw_only=True)
class EndpointSwitched(EndpointFact):
    """Switched on or off by the organisation."""

    type: ClassVar[str] = "webhook.switched"
    state: str


@dataclass(frozen=True, kw_only=True)
class EndpointGivenUp(EndpointFact):
    """Switched off by the mall, because nothing was taken for too long."""

    type: ClassVar[str] = "webhook.given_up"
    failing_since: str
