"""Where a product comes from, and what policy says of it."""

from enum import StrEnum
from typing import Final

from app.kernel.errors import N_


class Origin(StrEnum):
    """Where a product comes from in the sense of the import rules."""

    DOMESTIC = "domestic"
    IMPORTED = "imported"


class FactKind(StrEnum):
    """What a product may be shown to be; each needs a document that names it."""

    ENERGY = "energy"
    ENVIRONMENT = "environment"
    SAFE_RELIABLE = "safe_reliable"
    DOMESTIC_2026 = "domestic_2026"
    POVERTY_AREA = "poverty_area"


FACT_NAMES: Final[dict[FactKind, str]] = {
    FactKind.ENERGY: N_("节能产品"),
    FactKind.ENVIRONMENT: N_("环境标志产品"),
    FactKind.SAFE_RELIABLE: N_("安全可靠产品"),
    FactKind.DOMESTIC_2026: N_("本国产品"),
    FactKind.POVERTY_AREA: N_("脱贫地区农副产品"),
}

NUMBER_NAMES: Final[dict[FactKind, str]] = {
    FactKind.ENERGY: N_("节能产品认证证书编号"),
    FactKind.ENVIRONMENT: N_("环境标志产品认证证书编号"),
    FactKind.SAFE_RELIABLE: N_("安全可靠测评结果公告编号"),
    FactKind.DOMESTIC_2026: N_("本国产品声明函编号"),
    FactKind.POVERTY_AREA: N_("832 平台产品编号"),
}

EXPIRING: Final = frozenset({FactKind.ENERGY, FactKind.ENVIRONMENT, FactKind.SAFE_RELIABLE})
"""Certificates, which name the last day they hold."""


class Counts(StrEnum):
    """Whether a fact counts on a day, and if not why."""

    YES = "yes"
    UNPROVEN = "unproven"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    WITHDRAWN = "withdrawn"


COUNTS_NAMES: Final[dict[Counts, str]] = {
    Counts.YES: N_("有效"), Counts.UNPROVEN: N_("未登记证书，不计"), Counts.EXPIRED: N_("已到期，不计"),
    Counts.NOT_YET: N_("尚未生效"), Counts.WITHDRAWN: N_("已撤销"),
}  # fmt: skip
COUNTS_TONES: Final[dict[Counts, str]] = {
    Counts.YES: "ok", Counts.UNPROVEN: "dim", Counts.EXPIRED: "warn", Counts.NOT_YET: "info", Counts.WITHDRAWN: "bad",
}  # fmt: skip
