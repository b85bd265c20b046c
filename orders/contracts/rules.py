"""What a contract says, and why confirming, refusing or ending one may be refused. Amounts in fen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from app.kernel.errors import N_, Conflict, Invalid, Missing
from app.policy import Actor

REFUSAL_CODES: dict[str, str] = {
    "out_of_stock": N_("缺货"),
    "price_error": N_("标价错误"),
    "cannot_deliver": N_("无法按期送达"),
    "other": N_("其他"),
}
"""Why a supplier does not take an order; every refusal counts for rule X03."""


class SupplierMayNotTrade(Conflict):
    """A suspended or banned supplier concludes no contract (政府采购法 77; rule K02)."""

    code = "contract.supplier_may_not_trade"
    message = N_("%(supplier)s 已被暂停或禁止交易，不能成立新合同")
    way_out = N_("请拒绝本订单，采购单位可改选其他供应商")
    basis = N_("政府采购法第77条；实施条例第19条")
    supplier: str


class UnknownRefusalCode(Invalid):
    """A refusal is founded on one of the codes."""

    code = "contract.unknown_refusal_code"
    message = N_("请选择拒单原因")
    field: str | None = "code"


class ReasonMissing(Invalid):
    """Ending a contract, or refusing for another reason, is explained in words."""

    code = "contract.reason_missing"
    message = N_("请写明原因，另一方和监管部门都会看到")
    field: str | None = "reason"


class AlreadyProposed(Conflict):
    """One proposal waits for an answer."""

    code = "contract.already_proposed"
    message = N_("终止合同已由%(side)s提出，正等待另一方签署")
    way_out = N_("请等待另一方答复，或先撤回原提议")
    side: str


class NothingProposed(Conflict):
    """There is no proposal to answer."""

    code = "contract.nothing_proposed"
    message = N_("没有待签署的终止提议")


class OtherSideSigns(Conflict):
    """Whoever proposed cannot sign for the other side (财办库〔2023〕243号)."""

    code = "contract.other_side_signs"
    message = N_("终止合同须由另一方签署，不能由提出方代签")
    way_out = N_("请等待另一方登录后签署")


class GoodsUnderWay(Conflict):
    """What is sent must arrive and be judged before the rest of the contract can be ended."""

    code = "contract.goods_under_way"
    message = N_("还有 %(pieces)s 件已发货尚未签收或验收，不能终止合同")
    way_out = N_("请先签收并验收（不合格的可退回），再终止未发货的部分")
    pieces: int


class NothingLeft(Conflict):
    """Everything ordered has been sent; only acceptance or return is open."""

    code = "contract.nothing_left"
    message = N_("全部货物均已发出，没有可终止的部分；请通过验收退回处理")


def unit_side(actor: Actor, unit_id: int) -> None:
    """Let only the purchasing unit of the order (or the system) in. Raises Missing."""
    if not actor.is_system and actor.organisation_id != unit_id:
        raise Missing()


def supplier_side(actor: Actor, supplier_id: int) -> None:
    """Let only the supplier of the order in. Raises Missing."""
    if not actor.is_system and actor.organisation_id != supplier_id:
        raise Missing()


def side_of(actor: Actor, unit_id: int, supplier_id: int) -> int:
    """The organisation id of the party that the actor belongs to. Raises Missing."""
    if actor.organisation_id is None or actor.organisation_id not in (unit_id, supplier_id):
        raise Missing()
    return actor.organisation_id


@dataclass(frozen=True, kw_only=True)
class TextLine:
    """A line of the contract, in words; amounts in yuan."""

    no: int
    title: str
    category: str
    category_name: str
    brand: str
    model: str
    measure: str
    listing_version: int
    quantity: int
    price: str
    amount: str
    tax: str
    plan: str
    allotment: str
    place: str


@dataclass(frozen=True)
class Period:
    """A number of calendar days, or of working days."""

    days: int
    in_workdays: bool


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Everything the standard form is filled with."""

    number: str
    filing_number: str
    order: str
    concluded: str
    unit_name: str
    unit_code: str
    region: str
    supplier_name: str
    supplier_code: str
    scale: str
    is_sme: bool
    legal_representative: str
    payee_name: str
    payee_bank: str
    payee_bank_account: str
    lines: Sequence[TextLine]
    capital: str
    total: str
    delivery: Period
    acceptance: Period
    payment_days: int
    invoice_title: str
    invoice_tax_number: str


@cache
def _form() -> Template:
    # Plain text, never markup: nothing is to be escaped.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - see above  # nosec B701
    return environment.from_string((files("orders.contracts") / "data/standard_form.txt").read_text("utf-8"))


def text_of(terms: Terms) -> str:
    """The contract in the words of the standard form (政府采购法 43–47; 河南省网上商城)."""
    return _form().render(vars(terms)).strip() + "\n"
