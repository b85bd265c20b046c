"""The one-file program for outsiders: an empty Python proves real receipts with it and refuses every changed one."""

import base64
import copy
import json
import random
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from supervision.journal import note, queries
from tests.peers import ROOT
from tests.supervision.journal.world import Paid, placed

SCRIPT = ROOT / "static/verify_receipt.py"
program = runpy.run_path(str(SCRIPT))
signed, verified, key_of, Refused = (program[name] for name in ("signed", "verified", "key_of", "Refused"))


@pytest.fixture
def sealed(world):
    world.record(placed("RC-1"), Paid(number="RC-1", amount_fen=5), stream="RC-1")
    world.order(300)
    world.sequence()
    return world


def receipt(world, version=2, fields=("amount_fen",)) -> dict:
    with world.sessions() as session:
        return queries.receipt(session, world.directory, queries.event_of(session, "RC-1", version), fields).as_json()


def run(folder: Path, given: object, *keys: str) -> subprocess.CompletedProcess[str]:
    """As an outsider runs it: no environment, no package, another folder, an old locale."""
    file = folder / "given.json"
    file.write_text(given if isinstance(given, str) else json.dumps(given, ensure_ascii=False), encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(SCRIPT), *(part for key in keys for part in ("--key", key)), str(file)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder, env={"LC_ALL": "C"}, timeout=60)


def why(given: dict, *keys: str) -> str:
    try:
        verified(json.dumps(given, ensure_ascii=False), [key_of(key) for key in keys])
    except Refused as refused:
        return refused.args[0]
    return "proven"


def test_an_outsider_proves_a_receipt_with_the_standard_library_alone(sealed, tmp_path):
    answer = run(tmp_path, receipt(sealed), sealed.signer.verifier.vkey)
    assert (answer.returncode, answer.stderr) == (0, "")
    for said in ("成立 PROVEN", "RC-1，第 2 步", "共 302 条", "amount_fen = 5", '@type = "payment.settled"'):
        assert said in answer.stdout


def test_an_outsider_is_told_in_two_languages_why_a_receipt_is_refused(sealed, tmp_path):
    given = receipt(sealed)
    given["openings"][-1]["value"] = "6"
    answer = run(tmp_path, given, sealed.signer.verifier.vkey)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "公开字段与存证不符" in answer.stderr and "not what was sealed" in answer.stderr


def test_an_outsider_without_a_key_or_a_file_is_told_how_to_use_it(sealed, tmp_path):
    assert run(tmp_path, receipt(sealed)).returncode == 2
    command = [sys.executable, "-I", str(SCRIPT), "--key", sealed.signer.verifier.vkey, str(tmp_path / "nowhere")]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2
    keys = tmp_path / "vkeys"
    keys.write_text(note.generate("other").verifier.vkey + "\n" + sealed.signer.verifier.vkey + "\n")
    file = tmp_path / "given"
    file.write_text(json.dumps(receipt(sealed)))
    assert subprocess.run([*command[:3], "--keys", str(keys), str(file)], capture_output=True, timeout=60).returncode == 0


def test_every_receipt_of_a_log_is_proven_and_every_change_of_one_is_refused(sealed):
    vkey = sealed.signer.verifier.vkey
    for version, fields in ((1, ()), (1, ("unit", "lines")), (2, ("amount_fen", "@actor"))):
        assert why(receipt(sealed, version, fields), vkey) == "proven"
    rng = random.Random(7)
    given = receipt(sealed)

    def changed(*path: object) -> str:
        other = copy.deepcopy(given)
        at = other
        for step in path[:-1]:
            at = at[step]
        kept = at[path[-1]]
        if isinstance(kept, int):
            at[path[-1]] = kept + 1
        else:
            spot = rng.randrange(len(kept))
            at[path[-1]] = kept[:spot] + chr(ord(kept[spot]) ^ 1) + kept[spot + 1 :]
        return why(other, vkey)

    places = [("schema",), ("stream",), ("version",), ("index",), ("leaf_hash",), ("entry",), ("checkpoint",)]
    places += [("proof", i) for i in range(len(given["proof"]))] + [("commitments", i) for i in range(32)]
    places += [("openings", i, part) for i in range(len(given["openings"])) for part in ("slot", "field", "value", "salt")]
    for _ in range(2):
        assert [place for place in places if changed(*place) == "proven"] == []
    for name in given:
        assert why({key: value for key, value in given.items() if key != name}, vkey) == "form"
    for name in ("proof", "commitments", "openings"):
        assert why({**given, name: given[name][:-1]}, vkey) in {"proof", "fields", "proven" if name == "openings" else ""}
        assert why({**given, name: []}, vkey) in {"proof", "fields"}
    assert why(given, note.generate(sealed.signer.name).verifier.vkey) == "checkpoint"


def test_a_receipt_of_one_record_cannot_be_shown_for_another(sealed):
    one, other, vkey = receipt(sealed, 1), receipt(sealed, 2), sealed.signer.verifier.vkey
    for name in ("version", "index", "leaf_hash", "entry", "proof", "commitments", "openings"):
        assert why({**one, name: other[name]}, vkey) in {"proof", "leaf", "fields"}


def test_a_retired_key_counts_up_to_the_size_it_signed_last(sealed):
    vkey = sealed.signer.verifier.vkey
    assert [why(receipt(sealed), f"{vkey} {size}") for size in (302, 301)] == ["proven", "checkpoint"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"schema": "mall-journal-receipt/1"}', "\ud800", "[" * 100_000, "x" * 300_000])
def test_what_is_no_receipt_is_refused_without_a_traceback(text, sealed, tmp_path):
    answer = run(tmp_path, text.encode("utf-8", "replace").decode(), sealed.signer.verifier.vkey)
    assert (answer.returncode, "Traceback" in answer.stderr) == (1, False)


def test_its_ed25519_agrees_with_another_implementation():
    rng = random.Random(8032)

    def judged(public: bytes, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True

    agreed = {True: 0, False: 0}
    for _ in range(30):
        key, text = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)), rng.randbytes(rng.randrange(200))
        public, signature = key.public_key().public_bytes_raw(), key.sign(text)
        cases = [(public, text, signature), (public, text + b"x", signature), (rng.randbytes(32), text, signature)]
        spot = rng.randrange(64)
        cases.append((public, text, signature[:spot] + bytes([signature[spot] ^ 1 << rng.randrange(8)]) + signature[spot + 1 :]))
        s = int.from_bytes(signature[32:], "little") + program["L"]  # the same signature written otherwise: malleable
        cases.append((public, text, signature[:32] + s.to_bytes(32, "little")))
        for case in cases:
            said = signed(*case)
            assert said == judged(*case), base64.b64encode(b"".join(case))
            agreed[said] += 1
    assert agreed == {True: 30, False: 120}
