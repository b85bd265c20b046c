"""What happens to people. The stream is `person/<id>`; no password, secret or token is ever part of a fact."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class PersonFact(Fact):
    """What every event of a person carries."""

    person_id: int
    organisation_id: int


@dataclass(frozen=True, kw_only=True)
class PersonAdded(PersonFact):
    """Somebody got a login."""

    type: ClassVar[str] = "person.added"
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RoleGranted(PersonFact):
    """A person holds one more role."""

    type: ClassVar[str] = "person.role_granted"
    role: str


@dataclass(frozen=True, kw_only=True)
class RoleRevoked(PersonFact):
    """A person holds a role no longer."""

    type: ClassVar[str] = "person.role_revoked"
    role: str


@dataclass(frozen=True, kw_only=True)
class PersonDisabled(PersonFact):
    """A person may no longer sign in; sessions and tokens ended."""

    type: ClassVar[str] = "person.disabled"


@dataclass(frozen=True, kw_only=True)
class PersonEnabled(PersonFact):
    """A person may sign in again."""

    type: ClassVar[str] = "person.enabled"


@dataclass(frozen=True, kw_only=True)
class PersonUnlocked(PersonFact):
    """An administrator lifted a lock before its time."""

    type: ClassVar[str] = "person.unlocked"


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(PersonFact):
    """A person chose a new password; other sessions ended."""

    type: ClassVar[str] = "person.password_changed"


@dataclass(frozen=True, kw_only=True)
class PasswordReset(PersonFact):
    """An administrator set a temporary password that must be changed at the next sign-in."""

    type: ClassVar[str] = "person.password_reset"


@dataclass(frozen=True, kw_only=True)
class SecondFactorEnabled(PersonFact):
    """From now on a one-time code is asked for."""

    type: ClassVar[str] = "person.second_factor_enabled"


@dataclass(frozen=True, kw_only=True)
class SecondFactorDisabled(PersonFact):
    """No one-time code is asked for any more."""

    type: ClassVar[str] = "person.second_factor_disabled"


@dataclass(frozen=True, kw_only=True)
class TokenIssued(PersonFact):
    """A program may act for a person within these scopes."""

    type: ClassVar[str] = "person.token_issued"
    token_id: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(PersonFact):
    """A token ended before its time."""

    type: ClassVar[str] = "person.token_revoked"
    token_id: int
