"""What logins and passwords must look like, who may change whose roles, and the columns of the import."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from app.accounts.organisations.rules import check_phone
from app.kernel import passwords
from app.kernel.errors import N_, Conflict, Forbidden, Invalid
from app.kernel.sheets import BadCell, Column
from app.policy import ROLE_NAMES, ROLES_OF, STEP_UP, OrganisationKind, Permission, Role, clashing

LONGEST_TOKEN = timedelta(days=90)
LONGEST_STEPPED_UP_TOKEN = timedelta(hours=8)
"""Approving and paying are granted to programs for a working day at most."""

_COMMON = ("password", "12345", "qwerty", "admin", "abc123", "zhengzhou", "henan", "caigou")


class LoginTaken(Conflict):
    """Another person has this login."""

    code = "person.login_taken"
    message = N_("账号“%(login)s”已被使用")
    way_out = N_("换一个账号，例如加上单位编码的后几位")
    login: str
    field: str | None = None


class BadLogin(Invalid):
    """A login has the wrong shape."""

    code = "person.bad_login"
    message = N_("账号应为 3 到 40 位小写字母、数字、点或连字符")


class WeakPassword(Invalid):
    """A password that is easily guessed."""

    code = "password.weak"
    message = N_("密码至少 10 位，须同时有字母和数字，不得含账号或常见词")
    way_out = N_("可用几个不相关的词加数字组成一句")


class SamePassword(Invalid):
    """The new password is the old one."""

    code = "password.same"
    message = N_("新密码不能与现用密码相同")


class RoleDoesNotFit(Invalid):
    """People of this kind of organisation cannot hold the role."""

    code = "role.does_not_fit"
    message = N_("“%(role)s”不是这类机构的岗位")
    role: str


class RolesClash(Conflict):
    """No one person may hold both roles (三员分立；规则管理员不处置预警)."""

    code = "role.clash"
    message = N_("“%(first)s”与“%(second)s”不得由同一人担任")
    way_out = N_("先撤销其中一个岗位，或授予另一人")
    first: str
    second: str


class NotForYourself(Forbidden):
    """Whoever grants roles does not grant them to himself, nor ends his own account."""

    code = "people.not_for_yourself"
    message = N_("不能更改自己的岗位或账号状态")
    way_out = N_("请本单位另一位管理员或平台安全管理员办理")


class ScopeTooWide(Invalid):
    """A token cannot do what its owner cannot."""

    code = "token.scope_too_wide"
    message = N_("令牌权限超出本人权限：%(scope)s")
    way_out = N_("只勾选本人已有的权限")
    scope: str


class TokenTooLong(Invalid):
    """A token would live too long for what it may do."""

    code = "token.too_long"
    message = N_("有效期最长 %(hours)s 小时")
    way_out = N_("缩短有效期；含审批、支付权限的令牌最长 8 小时")
    hours: int


class AlreadyBegun(Conflict):
    """The system has its administrators."""

    code = "people.already_begun"
    message = N_("系统已有平台运营机构和管理员")
    way_out = N_("请安全管理员在“人员与岗位”页添加或重置账号")


@dataclass(frozen=True, kw_only=True)
class NewPerson:
    """What is needed to give somebody a login."""

    login: str
    name: str
    phone: str | None = None
    roles: tuple[Role, ...] = ()


def check_login(text: str) -> str:
    """A login, in small letters. Raises BadLogin."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{2,39}", text):
        raise BadLogin(field="login")
    return text


def check_password(password: str, login: str, *, field: str = "new") -> None:
    """Accept a password that is long and not easily guessed. Raises WeakPassword."""
    plain = password.lower()
    if (
        not passwords.SHORTEST <= len(password) <= passwords.LONGEST
        or not re.search(r"\d", password)
        or not re.search(r"[^\W\d_]", password)
        or login in plain
        or any(word in plain for word in _COMMON)
        or len(set(plain)) < 5
    ):
        raise WeakPassword(field=field)


def temporary_password() -> str:
    """A password to be handed over once and changed at the first sign-in."""
    groups = ["".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(3)]
    return "-".join(["t7", *groups])


def check_roles(kind: OrganisationKind, roles: Collection[Role]) -> None:
    """Accept roles that fit the kind of organisation and one another. Raises RoleDoesNotFit or RolesClash."""
    for role in roles:
        if role not in ROLES_OF[kind]:
            raise RoleDoesNotFit(role=ROLE_NAMES[role], field="roles")
    if pair := clashing(roles):
        first, second = sorted(pair)
        raise RolesClash(first=ROLE_NAMES[first], second=ROLE_NAMES[second])


def check_scopes(scopes: Collection[Permission], granted: Collection[Permission], ttl: timedelta) -> None:
    """Accept scopes that the owner has himself, for as long as they allow. Raises ScopeTooWide or TokenTooLong."""
    beyond = set(scopes) - set(granted)
    if beyond or not scopes:
        raise ScopeTooWide(scope="、".join(sorted(beyond)) or "—", field="scopes")
    longest = LONGEST_STEPPED_UP_TOKEN if set(scopes) & STEP_UP else LONGEST_TOKEN
    if not timedelta(0) < ttl <= longest:
        raise TokenTooLong(hours=int(longest / timedelta(hours=1)), field="ttl")


def _login(text: str) -> str:
    return check_login(text.lower())


_ROLE_WORDS = {name: role for role, name in ROLE_NAMES.items()} | {role.value: role for role in Role}


def _roles(text: str) -> tuple[Role, ...]:
    words = [word for word in re.split(r"[;；,，、\s]+", text) if word]
    unknown = [word for word in words if word not in _ROLE_WORDS]
    if unknown:
        raise BadCell(N_("没有这个岗位"), N_("填写岗位名称，多个岗位用顿号或分号隔开，如：经办人；验收人"))
    return tuple(dict.fromkeys(_ROLE_WORDS[word] for word in words))


PEOPLE_COLUMNS = (
    Column("organisation_code", "单位编码"),
    Column("login", "账号", parse=_login),
    Column("name", "姓名"),
    Column("phone", "电话", required=False, parse=check_phone),
    Column("roles", "岗位", parse=_roles),
)
