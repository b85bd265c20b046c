"""Cases for `/api` made by schemathesis from the published document, half of them about things that are really there."""

import contextlib
import re
import time
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.policy import GRANTS, OrganisationKind, Permission, Role
from tests.architecture.land import KIND_OF, OWN, SIBLING, Land
from tests.architecture.test_policies import SUBJECTS
from tests.security.fuzz import Tally

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
ENDLESS = {"/api/v1/stream/events"}
"""Answers that have no end; they have tests of their own."""

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


class Caller:
    """A program of one person that asks for a new token when the last one has ended."""

    def __init__(self, ground: Land, role: Role) -> None:
        self.ground, self.role = ground, role
        self.renew()

    def renew(self) -> None:
        """Another token."""
        self.headers = {"Authorization": self.ground.visitor(self.role, program=True).environ_base["HTTP_AUTHORIZATION"]}


def throw(
    ground: Land, role: Role, *, often: int, seldom: int, tally: Tally, start: int = 0, things: int = 20, every: int = 1, under: str = ""
) -> None:
    """Throw right and wrong cases at every operation as this role: `often` at what it may do, `seldom` at what it may not.

    Where an address names something, up to `things` that are really there get half as many each. `every` second or third operation is enough for a look,
    or those below one address.
    """
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", ground.app)
    schema.config.generation.update(with_security_parameters=False)  # the callers have tokens; who has none gets no further
    caller = Caller(ground, role)
    for result in list(schema.get_all_operations())[::every]:
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path in ENDLESS or not operation.path.startswith(under):
            continue
        wanted = {Permission(each) for each in operation.definition.raw.get("x-permissions", ())}
        is_open = not wanted or bool(wanted & GRANTS[role])
        many = often if is_open else seldom
        known = real(ground, role, operation.path)[:things] if is_open else []
        for mode in MODES if many else ():
            _throw(caller, operation, mode, {}, many, tally, start)
        for number, values in enumerate(known):
            _throw(caller, operation, MODES[number % 2], values, max(1, often // 2), tally, start + number)


def real(ground: Land, role: Role, path: str) -> list[dict[str, Any]]:
    """Values of the path's parameters that lead to something: the role's own at every stage, and a neighbour's."""
    arguments = re.findall(r"{(\w+)}", path)
    name = next((name for pattern, name in SUBJECTS if re.search(pattern, path)), None) if arguments else None
    own, next_door = ground.places[OWN].keys, ground.places[SIBLING].keys
    if name == "person":
        name = "person supplier" if KIND_OF[role] is OrganisationKind.SUPPLIER else "person unit"
    if name is None or name not in own:
        return []
    values = [key for kind, key in own.items() if kind.split(" ")[0] == name or kind == name] + [next_door[name]]
    return [{argument: 1 if argument == "version" else value for argument in arguments} for value in dict.fromkeys(values)]


def _throw(caller: Caller, operation: Any, mode: GenerationMode, known: dict[str, Any], many: int, tally: Tally, start: int) -> None:
    what = f"{operation.method.upper()} {operation.path}"

    @seed(start)
    @settings(max_examples=many, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known or None))
    def one(case: Any) -> None:
        began = time.thread_time()
        try:
            response = case.call(headers=caller.headers)
        except Exception as error:  # the application's own, which schemathesis hands on
            tally.note(what, 500, 0.0, 0.0)
            tally.blame(f"{what}: {type(error).__name__}: {error}"[:300], case.as_curl_command()[:600])
            return
        tally.note(what, response.status_code, response.elapsed, time.thread_time() - began)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failures:
            for each in failures.exceptions:
                tally.blame(f"{what} {response.status_code}: {each.title}: {str(each.message)[:200]}", case.as_curl_command()[:600])
        if response.status_code == 401:
            caller.renew()

    with contextlib.suppress(Unsatisfiable):  # an operation that takes nothing can be given nothing wrong
        one()
