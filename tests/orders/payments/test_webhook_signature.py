"""Signatures of webhooks, judged beside the official library."""

import random
import time
from collections import Counter

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
        (f"t={NOW},v1=签名", "malformed"),
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


STRICTER = {
    "too_early": "signed more than 300 seconds ahead of us; the official helper looks back only",
    "malformed": "a time not in plain digits (a sign, spaces, underscores: the official helper reads what int() reads), or a header not in ASCII",
}
"""All that we refuse and the official helper accepts. The other way round there is nothing."""


def test_ten_thousand_headers_are_judged_as_the_official_library_judges_them() -> None:
    chance = random.Random(20261124)
    rolls = [["whsec_a"], ["whsec_a"], ["whsec_a", "whsec_b"], ["whsec_b"]]
    seen: Counter[str] = Counter()
    for number in range(10_000):
        now = int(time.time())
        at = now + chance.choice([0, 0, 0, -100, -290, -310, -5000, 100, 290, 310, 9000, 10**9])
        header = _random(chance) if number % 10 == 0 else _mutated(sign(BODY, chance.choice(rolls), at=at), chance)
        held = ["whsec_a"] if chance.random() < 0.8 else ["whsec_new", "whsec_a"]
        theirs = any(official(header, secret) for secret in held)
        ours = reason(header, held, now=now)
        match ours, theirs:
            case None, True:
                seen["both accept"] += 1
            case str(), False:
                seen["both refuse"] += 1
            case str(), True:
                seen[ours] += 1
            case _:
                raise AssertionError(f"accepted by us alone: {header!r}")
    assert set(seen) == {"both accept", "both refuse", *STRICTER}, seen
    assert min(seen.values()) > 50, seen


def _random(chance: random.Random) -> str:
    """A header that nobody signed: anything, or parts of a real one put together anyhow."""
    if chance.random() < 0.5:
        return "".join(chr(chance.choice([chance.randrange(32, 127), chance.randrange(0x100, 0x3000)])) for _ in range(chance.randrange(120)))
    parts = ["t=", "v1=", "v0=", ",", "=", str(int(time.time())), "00", "ff" * 32, " ", "签", "t", "v1"]
    return "".join(chance.choice(parts) for _ in range(chance.randrange(12)))


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
                header = header.replace("t=", chance.choice(["t= ", "t=+", "t=0", "t=0_", "T=", "t=="]))
            case 7:
                header = header.upper() if chance.random() < 0.3 else header[: chance.randrange(len(header) + 1)]
    return header
