"""One policy per route and method: `@requires(...)` or `@public`. An application with a bare route refuses to start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from flask import Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.kernel.errors import N_, Forbidden, Refusal
from app.policy import STEP_UP, Actor, Permission

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Policy:
    """Who may call a view: anyone, or whoever has one of these permissions."""

    anyone: bool = False
    permissions: tuple[Permission, ...] = ()


class SignInFirst(Refusal):
    """Nobody is signed in, or the session has ended."""

    code = "sign_in_first"
    message = N_("请先登录")
    status = 401


class SignedIn(Protocol):
    """What the accounts package puts into the session of a request."""

    actor: Actor
    is_authenticated: bool


def requires(*permissions: Permission) -> Callable[[View], View]:
    """Let only actors with at least one of these permissions in."""
    if not permissions:
        raise ValueError("name at least one permission, or say @public")

    def mark(view: View) -> View:
        view.__dict__["policy"] = Policy(permissions=permissions)
        return view

    return mark


def public(view: View) -> View:
    """Let everybody in."""
    view.__dict__["policy"] = Policy(anyone=True)
    return view


def policy_of(view: Callable[..., Any]) -> Policy | None:
    """The policy marked on a view, through decorators that keep `__wrapped__`."""
    found = getattr(view, "policy", None)
    if isinstance(found, Policy):
        return found
    wrapped = getattr(view, "__wrapped__", None)
    return policy_of(wrapped) if wrapped is not None else None


def me() -> Actor:
    """The actor of this request. Raises SignInFirst."""
    if not current_user.is_authenticated:
        raise SignInFirst()
    return cast(SignedIn, current_user).actor


def maybe_me() -> Actor | None:
    """The actor of this request, or None for the public."""
    return cast(SignedIn, current_user).actor if current_user.is_authenticated else None


def bare_routes(app: Flask) -> list[str]:
    """Endpoints without a policy; Flask's own static files are public."""
    return sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and policy_of(app.view_functions[rule.endpoint]) is None
    )


def install(app: Flask) -> None:
    """Check every request against its route's policy, before anything else looks at it."""

    @app.before_request
    def check_policy() -> ResponseReturnValue | None:
        if request.endpoint is None or request.endpoint == "static":
            return None
        policy = policy_of(current_app.view_functions[request.endpoint])
        if policy is None or policy.anyone:
            return None
        actor = maybe_me()
        if actor is None:
            if wants_page():
                return redirect(url_for("sessions.sign_in", next=request.full_path.rstrip("?")), 303)
            raise SignInFirst()
        if not any(actor.may(permission) for permission in policy.permissions):
            raise Forbidden()
        return None


def wants_fresh_proof() -> bool:
    """Whether this request changes what only somebody who has just proven himself may change, and he has not."""
    if request.endpoint is None or request.method in {"GET", "HEAD", "OPTIONS"}:
        return False
    policy, actor = policy_of(current_app.view_functions[request.endpoint]), maybe_me()
    if policy is None or actor is None or actor.stepped_up:
        return False
    opening = {permission for permission in policy.permissions if actor.may(permission)}
    return bool(opening) and opening <= STEP_UP


def wants_page() -> bool:
    """Whether the caller is a person looking at a page (not the API, not a fragment)."""
    return not request.path.startswith("/api/") and "HX-Request" not in request.headers
