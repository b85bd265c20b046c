"""Kinds of controls, and the pools between which their money moves."""

from enum import StrEnum

from app.kernel.errors import N_


class ControlKind(StrEnum):
    """What a control limits: a money source (指标) or a line of a filed plan (计划明细)."""

    ALLOTMENT = "allotment"
    PLAN_LINE = "plan_line"


class Pool(StrEnum):
    """Where money of a control stands. The four in the middle are the buckets people see: 冻结 承诺 应付 已付."""

    OUTSIDE = "outside"
    FREE = "free"
    RESERVED = "reserved"
    COMMITTED = "committed"
    ACCRUED = "accrued"
    PAID = "paid"


POOL_NAMES: dict[Pool, str] = {
    Pool.OUTSIDE: N_("额度之外"),
    Pool.FREE: N_("可用"),
    Pool.RESERVED: N_("冻结"),
    Pool.COMMITTED: N_("承诺"),
    Pool.ACCRUED: N_("应付"),
    Pool.PAID: N_("已付"),
}

BUCKETS: tuple[Pool, ...] = (Pool.RESERVED, Pool.COMMITTED, Pool.ACCRUED, Pool.PAID)

WAYS: frozenset[tuple[Pool, Pool]] = frozenset(
    {
        (Pool.OUTSIDE, Pool.FREE),  # opened, raised
        (Pool.FREE, Pool.OUTSIDE),  # lowered, sent back
        (Pool.FREE, Pool.RESERVED),  # submitted
        (Pool.RESERVED, Pool.COMMITTED),  # contract concluded
        (Pool.COMMITTED, Pool.ACCRUED),  # accepted
        (Pool.ACCRUED, Pool.PAID),  # paid
        (Pool.RESERVED, Pool.FREE),  # rejected, withdrawn, lapsed
        (Pool.COMMITTED, Pool.FREE),  # terminated, sent back before acceptance
        (Pool.ACCRUED, Pool.FREE),  # returned after acceptance
        (Pool.PAID, Pool.FREE),  # refunded inside the year
    }
)
"""The only moves there are; every move takes from one pool and gives to another."""
