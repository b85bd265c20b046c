"""Certificates and declarations of the training province's products: invented numbers in the form of the real ones.

Drawn from a generator of their own, so that the rest of the world stays as it is. Nothing in a category where certificates are
mandatory has run out; elsewhere a few have, so that a newcomer sees what that looks like.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from catalog.products.rules import PolicyFact, counting
from catalog.products.states import FactKind
from supervision.training.goods import ProductSeed

ISSUERS: Final[dict[FactKind, str]] = {
    FactKind.ENERGY: "中国质量认证中心",
    FactKind.ENVIRONMENT: "中环联合（北京）认证中心有限公司",
    FactKind.SAFE_RELIABLE: "中国信息安全测评中心",
    FactKind.POVERTY_AREA: "脱贫地区农副产品网络销售平台",
}
_SAFE_WORDS: Final = ("飞腾", "兆芯", "鲲鹏", "海光", "龙芯", "麒麟", "统信")
_POOR_HARVEST: Final = ("A0706",)


def of(seed: ProductSeed, product_id: int, today: date) -> list[PolicyFact]:
    """What this product's maker can show, judged on that day; ids are still to be given."""
    return list(_drawn(seed, product_id, Random(product_id), today))  # no secret is drawn from it  # nosec B311


def row(fact: PolicyFact, at: Any) -> dict[str, Any]:
    """A document as its table has it, recorded when the product was."""
    return {
        "product_id": fact.product_id, "kind": fact.kind, "number": fact.number, "issuer": fact.issuer, "valid_from": fact.valid_from,
        "valid_to": fact.valid_to, "recorded_at": at,
    }  # fmt: skip


def _drawn(seed: ProductSeed, product_id: int, rng: Random, today: date) -> Iterator[PolicyFact]:
    if seed.energy_saving:
        late = not seed.energy_mandatory and rng.random() < 0.12
        yield _fact(FactKind.ENERGY, product_id, f"CQC{rng.randint(22, 26)}701{rng.randint(0, 999999):06d}", rng, today, late=late)
    if seed.environment_label:
        number = f"CEC2{rng.randint(22, 26)}ELP{rng.randint(0, 9999999):07d}"
        yield _fact(FactKind.ENVIRONMENT, product_id, number, rng, today, late=rng.random() < 0.08)
    if any(word in f"{seed.model} {seed.title} {' '.join(map(str, seed.specs.values()))}" for word in _SAFE_WORDS):
        yield _fact(FactKind.SAFE_RELIABLE, product_id, f"2025年第{rng.randint(1, 3)}号 序号{rng.randint(1, 90)}", rng, today)
    if seed.category_code.startswith("A") and not seed.imported and rng.random() < 0.6:
        maker, number = seed.maker or seed.brand, f"BGCP-2026-{product_id:06d}"
        yield _fact(FactKind.DOMESTIC_2026, product_id, number, rng, today, issuer=maker, lasting=True)
    if seed.category_code.startswith(_POOR_HARVEST) and rng.random() < 0.5:
        yield _fact(FactKind.POVERTY_AREA, product_id, f"832-{rng.randint(10**7, 10**8 - 1)}", rng, today, lasting=True)


def _fact(
    kind: FactKind, product_id: int, number: str, rng: Random, today: date, *, late: bool = False, lasting: bool = False, issuer: str = ""
) -> PolicyFact:
    ends = None if lasting else today - timedelta(days=rng.randint(3, 60)) if late else today + timedelta(days=rng.randint(45, 900))
    begins = (ends or today) - timedelta(days=1096 if ends else 200)
    return PolicyFact(
        id=0, product_id=product_id, kind=kind, number=number, issuer=issuer or ISSUERS[kind], valid_from=begins, valid_to=ends,
        checked=False, counts=counting(number, begins, ends, withdrawn=False, on=today),
    )  # fmt: skip
