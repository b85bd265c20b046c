"""Signatures of payment webhooks: `t=<unix seconds>,v1=<hex>` over `"{t}." + raw body` with HMAC-SHA256.

While a secret is being rolled the sender signs with both, so a header may carry several `v1`, and we may hold several
secrets; one match is enough. A time too far away is refused in both directions: a signature dated into the future
could otherwise be kept and played back later.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import ClassVar

from app.kernel.errors import N_, Refusal

HEADER = "Stripe-Signature"
TOLERANCE_S = 300


class BadSignature(Refusal):
    """The webhook was not signed by the payment gateway, or not at this time; `reason` is a stable word."""

    code = "payment.bad_signature"
    message = N_("支付通知的签名无效（%(reason)s），通知未被接受。请核对通知密钥和服务器时间后由支付通道重新发送")
    status: ClassVar[int] = 400
    reason: str


def sign(body: bytes, secrets: Sequence[str], *, at: int) -> str:
    """The header for a body sent at `at` (unix seconds), one `v1` per secret."""
    return ",".join([f"t={at}", *(f"v1={_digest(body, secret, at)}" for secret in secrets)])


def verify(body: bytes, header: str, secrets: Sequence[str], *, now: int, tolerance_s: int = TOLERANCE_S) -> None:
    """Accept a webhook signed by one of our secrets within the tolerance (seconds), else raise BadSignature."""
    at, signatures = _parts(header)
    if not any(secret.strip() for secret in secrets):
        raise BadSignature(reason="no_secret")
    matched = False
    for secret in secrets:
        expected = _digest(body, secret, at).encode()
        for signature in signatures:
            same = hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
            matched = matched or (same and bool(secret.strip()))
    if not matched:
        raise BadSignature(reason="no_match")
    if abs(now - at) > tolerance_s:
        raise BadSignature(reason="too_old" if at < now else "too_early")


def _digest(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def _parts(header: str) -> tuple[int, list[str]]:
    """The time and the `v1` signatures; anything that is not exactly this form is malformed."""
    times: list[str] = []
    signatures: list[str] = []
    well_formed = header.isascii()
    for item in header.split(","):
        name, *values = item.split("=")
        if name == "t":
            times.append(values[0] if values else "")
        elif name == "v1":
            signatures.append(values[0] if values else "")
        well_formed = well_formed and (bool(values) or name not in ("t", "v1"))
    if not well_formed or not times or not signatures or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        raise BadSignature(reason="malformed")
    return int(times[0]), signatures
