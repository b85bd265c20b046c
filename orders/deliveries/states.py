"""How an acceptance came about."""

from enum import StrEnum

from app.kernel.errors import N_


class AcceptanceKind(StrEnum):
    """Signed by a person, or deemed given when the time ran out (视同验收): that only starts the payment clock."""

    SIGNED = "signed"
    DEEMED = "deemed"


KIND_NAMES: dict[AcceptanceKind, str] = {AcceptanceKind.SIGNED: N_("签署验收"), AcceptanceKind.DEEMED: N_("逾期视同验收")}
