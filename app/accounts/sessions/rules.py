"""How long a session lives, when a login is locked, and how a one-time code is proven."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp

from app.kernel.errors import N_, Invalid
from app.policy import Actor

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)
"""`seen_at` is written at most this often, so that reading pages writes nothing."""

LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
CODE_SECONDS = 30


class SignInRefused(Invalid):
    """One sentence for every reason, so that nobody learns which logins exist, are locked, or have a second factor."""

    code = "sign_in.refused"
    message = N_("账号、密码或动态口令不正确，或账号已锁定、停用")
    way_out = N_("连续 5 次不成功将锁定 15 分钟；忘记密码请联系本单位管理员重置")
    status = 401


class WrongCode(Invalid):
    """The one-time code does not fit the new secret."""

    code = "totp.wrong"
    message = N_("动态口令不正确，请核对手机时间后输入最新的 6 位数字")


class PasswordFirst(Invalid):
    """A temporary password must be changed on the page before a program may act."""

    code = "password.change_first"
    message = N_("首次登录须先在网页上修改密码")
    status = 403


class NoSuchLanguage(Invalid):
    """The texts exist in two languages."""

    code = "language.unknown"
    message = N_("没有这种语言的文本")
    way_out = N_("可选择中文或英文")


@dataclass(frozen=True)
class SignedIn:
    """Who makes a request: found by one statement from the cookie or the token."""

    actor: Actor
    login: str
    language: str | None
    must_change_password: bool
    has_second_factor: bool
    session_id: int | None = None
    token_id: int | None = None
    is_due: bool = False
    """The session has not been marked as seen for a minute."""

    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """For Flask-Login; nothing is stored under it."""
        return str(self.actor.person_id)


@dataclass(frozen=True)
class Knock:
    """An attempt that has been counted already; for an unknown or locked login it holds no person."""

    person_id: int | None = None
    password_hash: str = ""
    totp_secret: str | None = None
    totp_last_step: int | None = None
    must_change_password: bool = False


@dataclass(frozen=True)
class Proven:
    """A person who gave the right password, and the time step of his one-time code if one was asked for."""

    person_id: int
    step: int | None
    must_change_password: bool


def totp_step(secret: str, code: str, at: datetime, last: int | None = None) -> int | None:
    """The time step whose code this is: the present one or a neighbour, never one that was used before; None if none."""
    given = "".join(code.split())
    if len(given) != 6 or not given.isascii() or not given.isdigit():
        return None
    present = int(at.timestamp()) // CODE_SECONDS
    generator = pyotp.TOTP(secret)
    fitting = [
        step for step in (present - 1, present, present + 1) if pyotp.utils.strings_equal(given, generator.generate_otp(step))
    ]
    return next((step for step in fitting if last is None or step > last), None)


def new_secret() -> str:
    """A secret for an authenticator."""
    return pyotp.random_base32()


def enrolment_uri(secret: str, login: str, issuer: str) -> str:
    """What the QR code of an enrolment holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def expires_at(created_at: datetime, seen_at: datetime) -> datetime:
    """When a session ends unless it is used."""
    return min(created_at + LONGEST, seen_at + IDLE)
