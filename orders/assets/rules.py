"""What an asset card needs, and why a change of one is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.kernel.errors import N_, Conflict, Invalid


class NotADraft(Conflict):
    """Only a drafted card is completed and stored."""

    code = "asset.not_a_draft"
    message = N_("资产卡片 %(card)s 已入库或已登记，不能再改")
    card: str


class KeeperMissing(Invalid):
    """A card names who keeps the asset and where."""

    code = "asset.keeper_missing"
    message = N_("请填写保管人和存放地点")
    field: str | None = "keeper"


@dataclass(frozen=True)
class Bundle:
    """Pieces that go on one card: one with a serial number, or several without."""

    quantity: int
    serial: str | None


def bundles(accepted: int, serials: Sequence[str], *, carded: int) -> Iterator[Bundle]:
    """How the accepted pieces of a line that have no card yet go on cards: one card for each serial number, one for the rest."""
    pieces: list[str | None] = list(serials[:accepted])
    pieces += [None] * (accepted - len(pieces))
    open_pieces = pieces[carded:]
    for serial in open_pieces:
        if serial is not None:
            yield Bundle(1, serial)
    if nameless := open_pieces.count(None):
        yield Bundle(nameless, None)
