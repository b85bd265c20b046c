"""People, the posts they hold, and their API tokens."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from app.policy import Role

_ADMINISTRATORS = text("role IN ('system_admin', 'security_admin', 'audit_admin')")
_RULES_OR_CASES = text("role IN ('rule_admin', 'supervisor')")


class PersonState(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Person(Base):
    """Somebody with a login of his own; sub-accounts are bound to persons, never shared."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str | None]
    totp_last_step: Mapped[int | None]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    sessions_from: Mapped[datetime | None]
    """Sessions opened before this moment are ended (password changed, person disabled)."""
    state: Mapped[PersonState] = enum_column(PersonState, default=PersonState.ACTIVE)
    language: Mapped[str | None]
    """As chosen by the person; until then the browser says it."""
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class Post(Base):
    """A role that a person holds; the database itself keeps the exclusive ones apart."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("uq_posts_one_administrator", "person_id", unique=True, sqlite_where=_ADMINISTRATORS, postgresql_where=_ADMINISTRATORS),
        Index("uq_posts_rules_or_cases", "person_id", unique=True, sqlite_where=_RULES_OR_CASES, postgresql_where=_RULES_OR_CASES),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    role: Mapped[Role] = enum_column(Role, primary_key=True)
    granted_by: Mapped[int | None]
    granted_at: Mapped[datetime]


class ApiToken(Base):
    """A scoped token; only its hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    """When it was last used, to the minute."""
    created_at: Mapped[datetime]
