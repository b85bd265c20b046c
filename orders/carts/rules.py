"""What a cart takes and what it refuses. A cart promises nothing; everything is judged when it is sent off."""

from app.kernel.errors import N_, Conflict, Invalid

MOST_LINES = 100
MOST_PIECES = 100_000


class BadQuantity(Invalid):
    """A quantity is a whole number from one up."""

    code = "cart.bad_quantity"
    message = N_("数量须为 1 到 100,000 之间的整数")
    field: str | None = "quantity"


class CartFull(Conflict):
    """So many lines are more than one submission should hold."""

    code = "cart.full"
    message = N_("购物车最多 %(most)s 行")
    way_out = N_("请先提交或移出一部分")
    most: int = MOST_LINES


class CannotSplit(Invalid):
    """A line is split into two parts of at least one piece."""

    code = "cart.cannot_split"
    message = N_("本行共 %(quantity)s 件，不能分出 %(pieces)s 件")
    way_out = N_("请填写小于本行数量的件数")
    quantity: int
    pieces: int


class NothingRejected(Conflict):
    """Only what was not approved, refused or not confirmed in time can be put back into the cart."""

    code = "cart.nothing_rejected"
    message = N_("订单 %(number)s 没有被驳回或释放的行，不能重建购物车")
    number: str


def check_quantity(quantity: int) -> None:
    """Raises BadQuantity."""
    if not 1 <= quantity <= MOST_PIECES:
        raise BadQuantity()


def check_split(quantity: int, pieces: int) -> None:
    """Raises CannotSplit."""
    if not 0 < pieces < quantity:
        raise CannotSplit(quantity=quantity, pieces=pieces)
