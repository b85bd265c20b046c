"""Nothing that is thrown at the application breaks it: no answer 5xx, none that its document does not name, none slow, no error logged."""

from io import BytesIO
from random import Random

import pytest

from app.policy import Role
from tests.architecture.land import OWN, Land
from tests.security import api_cases, form_cases
from tests.security.fuzz import SLOWEST_SECONDS, Complaints, Tally

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
"""A part of a broken upload goes to the garbage collector: werkzeug gives up reading before it knows the file's end."""

PROGRAMS = (Role.BUYER, Role.ORDER_CLERK, Role.SUPERVISOR, Role.FINANCE, Role.LISTER)
"""Between them they reach nearly every operation that changes something."""

LAST = (Role.SUPPLIER_ADMIN, Role.UNIT_ADMIN, Role.SECURITY_ADMIN)
PEOPLE = (None, *(role for role in Role if role not in LAST), *LAST)
"""Administrators come last: what they are made to do may shut others out."""


def holds(tally: Tally, complaints: Complaints, least: int, *, is_alone: bool = False) -> None:
    """Print what happened, and fail for anything that was wrong; waiting counts as slow where the test has the machine to itself."""
    print(tally)
    assert tally.wrong == {}
    assert [status for status in tally.answers if status >= 500] == []
    assert complaints.lines == []
    assert tally.cases >= least
    slowest = tally.slowest if is_alone else tally.busiest
    assert slowest[0] < SLOWEST_SECONDS, slowest


# ---------------------------------------------------------------- the API, by its own document


def test_a_few_cases_for_every_other_operation_conform(ground: Land, complaints: Complaints) -> None:
    tally = Tally()
    api_cases.throw(ground, Role.BUYER, often=1, seldom=0, tally=tally, things=1, every=2)
    holds(tally, complaints, 50)


@pytest.mark.deep
@pytest.mark.timeout(7_200)
def test_ten_thousand_cases_of_five_roles_conform(ground: Land, complaints: Complaints) -> None:
    tally, start = Tally(), 0
    while tally.cases < 10_000:
        for role in PROGRAMS:
            api_cases.throw(ground, role, often=12, seldom=2, tally=tally, start=start)
        start += 1_000
    holds(tally, complaints, 10_000, is_alone=True)


# ---------------------------------------------------------------- forms


def test_some_malformed_forms_of_everybody_are_answered_calmly(ground: Land, complaints: Complaints) -> None:
    tally, dice = Tally(), Random(2026)
    for role in (None, Role.BUYER, Role.LISTER):
        form_cases.throw(ground, role, 40, tally, dice)
    holds(tally, complaints, 120)


@pytest.mark.deep
@pytest.mark.timeout(7_200)
def test_ten_thousand_malformed_forms_of_everybody_are_answered_calmly(ground: Land, complaints: Complaints) -> None:
    tally = Tally()
    for number, role in enumerate(PEOPLE):
        form_cases.throw(ground, role, 510, tally, Random(number))
    holds(tally, complaints, 10_000, is_alone=True)


def test_every_route_that_takes_a_form_is_among_those_that_are_spoiled(ground: Land) -> None:
    routes = {str(rule) for rule in form_cases.posted(ground)}
    poster = form_cases.Poster(ground, Role.BUYER)
    seen = {form_cases.route(ground, form.action) for form in form_cases.harvest(ground, poster)}
    assert routes - seen == set()


# ---------------------------------------------------------------- what was found once


def test_a_file_in_place_of_a_password_is_no_text(ground: Land, complaints: Complaints) -> None:
    poster = form_cases.Poster(ground, Role.BUYER)
    answer = poster.client.post("/account/password", data={"csrf_token": poster.token, "current": (BytesIO(b"x"), "a.exe"), "new": (BytesIO(b"y"), "b.exe")})
    assert answer.status_code == 422
    assert complaints.lines == []


@pytest.mark.parametrize("typed", [{}, {"csrf_token": (BytesIO(b"x"), "a.txt")}, {"receipt": (BytesIO(b"x"), "a.txt")}])
def test_a_file_in_place_of_a_text_on_the_page_that_takes_a_file_is_no_text_either(ground: Land, complaints: Complaints, typed: dict[str, object]) -> None:
    poster = form_cases.Poster(ground, None)
    files = {"file": (BytesIO(b"\x89PNG not a receipt"), "../../etc/receipt.json")}
    answer = poster.client.post("/log", data={**files, **typed}, headers={"X-CSRFToken": poster.token})
    assert answer.status_code in {200, 422}
    assert complaints.lines == []


def test_a_text_in_place_of_a_table_is_no_file(ground: Land, complaints: Complaints) -> None:
    poster = form_cases.Poster(ground, Role.CATALOGUE_ADMIN)
    answer = poster.client.post("/references/", data={"csrf_token": poster.token, "file": "_"})
    assert answer.status_code == 422 and "请选择文件" in answer.get_data(as_text=True)
    assert complaints.lines == []


def test_per_cent_signs_in_the_reason_that_ended_a_suspension_are_shown_as_they_are(ground: Land, complaints: Complaints) -> None:
    poster, supplier = form_cases.Poster(ground, Role.SUPERVISOR), ground.places[OWN].world.supplier.organisation_id
    for step in ("suspend", "lift"):
        typed = {"csrf_token": poster.token, "kind": "suspension", "reason": "%(number)s 100%"}
        assert poster.client.post(f"/suppliers/{supplier}/{step}", data=typed).status_code == 303
    page = ground.app.test_client().get(f"/suppliers/{supplier}")
    assert page.status_code == 200 and page.get_data(as_text=True).count("%(number)s 100%") == 2
    assert complaints.lines == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_a_number_that_no_database_holds_is_not_found_whatever_the_method(ground: Land, method: str) -> None:
    client = ground.visitor(Role.BUYER, program=True)
    assert client.open(f"/api/v1/cart/items/{'9' * 19}", method=method, json={}).status_code == 404


def test_the_endless_stream_is_described_with_its_filters(ground: Land) -> None:
    described = ground.app.test_client().get("/api/v1/openapi.json").get_json()["paths"]["/api/v1/stream/events"]["get"]
    assert "text/event-stream" in described["responses"]["200"]["content"]
    assert {"region", "risk", "q"} <= {each["name"] for each in described["parameters"]}
