"""Signatures of webhooks, judged beside the official library."""

import random
import time

import pytest
import stripe

from orders.payments.webhook_signature import TOLERANCE_S, BadSignature, sign, verify

BODY = '{"id":"evt_1","object":"event","备注":"支付"}'.encode()
NOW = 1_800_000_000


def reason(header: str, secrets: list[str], *, now: int = NOW, body: bytes = BODY) -> str | None:
    """Why we refuse, or None when we accept."""
    try:
        verify(body, header, secrets, now=now)
    except BadSignature as refused:
        return refused.reason
    return None


def official(header: str, secret: str, *, body: bytes = BODY) -> bool:
    """Whether the official library accepts, at its own present."""
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_S)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def test_a_signature_made_now_is_accepted_and_is_the_official_one() -> None:
    header = sign(BODY, ["whsec_a"], at=NOW)
    assert header == stripe.WebhookSignature.generate_signature_header(BODY.decode(), "whsec_a", NOW)
    assert reason(header, ["whsec_a"]) is None


def test_while_a_secret_rolls_either_one_on_either_side_is_enough() -> None:
    both = sign(BODY, ["whsec_old", "whsec_new"], at=NOW)
    assert [reason(both, [secret]) for secret in ("whsec_old", "whsec_new", "whsec_other")] == [None, None, "no_match"]
    assert reason(sign(BODY, ["whsec_old"], at=NOW), ["whsec_new", "whsec_old"]) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-300, None), (-301, "too_old"), (300, None), (301, "too_early"), (10**9, "too_early")],
)
def test_the_time_may_be_300_seconds_off_in_both_directions(seconds: int, expected: str | None) -> None:
    assert reason(sign(BODY, ["whsec_a"], at=NOW + seconds), ["whsec_a"]) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "malformed"),
        ("t=1", "malformed"),
        ("v1=abc", "malformed"),
        ("t=abc,v1=abc", "malformed"),
        (f"t=+{NOW},v1=abc", "malformed"),
        (f"t={NOW},v1=签名", "no_match"),
        (f"t={NOW},v0=abc", "malformed"),
        ("t=" + "9" * 400 + ",v1=abc", "malformed"),
    ],
)
def test_anything_else_is_refused_with_a_word_for_why(header: str, expected: str) -> None:
    assert reason(header, ["whsec_a"]) == expected


def test_without_a_secret_nothing_is_accepted() -> None:
    assert reason(sign(BODY, [""], at=NOW), [""]) == "no_secret"
    assert reason(sign(BODY, [" "], at=NOW), [" ", "whsec_a"]) == "no_match"
    assert reason(sign(BODY, ["whsec_a"], at=NOW), []) == "no_secret"


def test_a_changed_body_is_refused() -> None:
    header = sign(BODY, ["whsec_a"], at=NOW)
    assert reason(header, ["whsec_a"], body=BODY + b" ") == "no_match"


def test_ten_thousand_headers_are_judged_as_the_official_library_judges_them() -> None:
    """We differ only where we are stricter: future times, and times not written in plain digits."""
    chance = random.Random(20261124)
    secrets = ["whsec_a", "whsec_b"]
    accepted = stricter = 0
    for _ in range(10_000):
        now = int(time.time())
        at = now + chance.choice([0, 0, 0, -100, -290, -310, -5000, 100, 310, 9000])
        header = _mutated(sign(BODY, chance.choice([["whsec_a"], secrets, ["whsec_b"]]), at=at), chance)
        theirs = official(header, "whsec_a")
        ours = reason(header, ["whsec_a"], now=now)
        if ours is None:
            accepted += 1
            assert theirs, header
        elif theirs:
            stricter += 1
            assert ours in ("too_early", "malformed"), (header, ours)
    assert accepted > 2_000
    assert stricter > 500


def _mutated(header: str, chance: random.Random) -> str:
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 4])):
        at = chance.randrange(len(header) + 1)
        match chance.randrange(8):
            case 0:
                header = header[:at] + chance.choice("0123456789abcdef=,tv1 +_-") + header[at:]
            case 1:
                header = header[:at] + header[at + 1 :]
            case 2:
                header = header[:at] + chance.choice("0123456789abcdefg") + header[at + 1 :]
            case 3:
                header = ",".join(chance.sample(header.split(","), len(header.split(","))))
            case 4:
                header += "," + chance.choice(["v1=", "v1=00", "v0=ff", "t=5", "x", "v1=签", "scheme=v1"])
            case 5:
                header = chance.choice(["t=1,", "v1=00,", "v0=1,", " ", ","]) + header
            case 6:
                header = header.replace("t=", chance.choice(["t= ", "t=+", "t=0", "T=", "t=="]))
            case 7:
                header = header.upper() if chance.random() < 0.3 else header[: chance.randrange(len(header) + 1)]
    return header
