"""The offers that a price is held against: what the region could buy now, from suppliers that may trade there (rules P03, P04)."""

import pytest

from app.kernel import clock
from app.kernel.db import commit
from app.policy import OrganisationKind, Role
from catalog.listings import queries
from catalog.suppliers import service as suppliers
from catalog.suppliers.rules import Decree
from catalog.suppliers.states import DecisionKind
from tests import factories


def compared(session, listing, region):
    offer = queries.offers(session, [listing.id], region, clock.today())[listing.id]
    return offer.lowest_fen, offer.rivals


@pytest.mark.both_databases
def test_a_supplier_barred_in_the_region_is_no_rival_there_and_elsewhere_it_is(session):
    with commit(session):
        product, cheap = factories.product(session), factories.supplier(session)
        own = factories.listing(session, factories.supplier(session), product, price_fen=1_000_00)
        factories.listing(session, cheap, product, price_fen=900_00)
        bureau = factories.organisation(session, OrganisationKind.FINANCE, region=factories.CITY)
        supervisor = factories.actor(session, factories.person(session, bureau, Role.SUPERVISOR))
    assert compared(session, own, factories.CITY) == (900_00, 2)
    with commit(session):
        decision = suppliers.decide(session, supervisor, cheap.organisation_id, Decree(kind=DecisionKind.SUSPENSION, reason="虚假库存"))
    for region, found in {factories.CITY: (1_000_00, 1), factories.COUNTY: (1_000_00, 1), factories.OTHER_CITY: (900_00, 2)}.items():
        assert compared(session, own, region) == found
    with commit(session):
        suppliers.lift(session, supervisor, cheap.organisation_id, reason="已整改", decision_id=decision.id)
    assert compared(session, own, factories.CITY) == (900_00, 2)
