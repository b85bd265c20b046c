"""What a supplier's system calls holds by its own document: many goods at once, stock by region, and pages with what outsiders sent."""

from app.policy import Role
from tests.architecture.land import Land
from tests.security import api_cases
from tests.security.fuzz import Complaints, Tally
from tests.security.test_malformed import holds


def test_the_operations_on_many_listings_conform(ground: Land, complaints: Complaints) -> None:
    tally = Tally()
    for path in ("prices", "stocks", "shelves", "availability"):
        api_cases.throw(ground, Role.LISTER, often=15, seldom=0, tally=tally, under=f"/api/v1/listings/{path}")
    holds(tally, complaints, 60)
