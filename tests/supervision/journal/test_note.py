import base64

import pytest

from supervision.journal import note, service

SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = TEXT + (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
FOREIGN = "— sm2.example " + base64.b64encode(b"\x09\x09\x09\x09" + b"s" * 64).decode() + "\n"


def test_the_example_of_the_go_package_is_signed_and_opened_byte_for_byte():
    signer = note.signer_of(SKEY)
    assert signer.verifier.vkey == VKEY
    assert signer.skey == SKEY
    assert signer.sign(TEXT) == SIGNED
    assert note.open_note(SIGNED, note.verifier_of(VKEY)) == TEXT


def test_a_signature_of_an_unknown_kind_disturbs_nobody():
    verifier = note.verifier_of(VKEY)
    assert note.open_note(SIGNED + FOREIGN, verifier) == TEXT
    with pytest.raises(note.BadNote):
        note.open_note(TEXT + "\n" + FOREIGN, verifier)


@pytest.mark.parametrize(
    "wrong",
    [
        SIGNED.replace("problem", "Problem"),
        SIGNED.replace("x08go/ZJ", "x08go/ZK"),
        SIGNED[:-1],
        SIGNED.replace("\n\n", "\n"),
        SIGNED.replace("— ", "- "),
        SIGNED.replace("PeterNeumann x", "PeterNeuman x"),
        TEXT,
        "",
        SIGNED + "\n",
        "x" * 70_000,
    ],
)
def test_a_note_that_was_touched_is_not_opened(wrong):
    with pytest.raises(note.BadNote):
        note.open_note(wrong, note.verifier_of(VKEY))


@pytest.mark.parametrize(
    "wrong",
    [VKEY.replace("c74f20a3", "c74f20a4"), VKEY.replace("c74f", "zzzz"), "a+b", "a b+c74f20a3+AAAA", VKEY[:-4], VKEY.replace("+ARpc", "+AhPc")],
)
def test_a_key_that_is_not_one_is_refused(wrong):
    with pytest.raises(note.BadNote):
        note.verifier_of(wrong)
    with pytest.raises(note.BadNote):
        note.signer_of(note.SECRET + wrong)


@pytest.mark.parametrize("text", ["log\n01\nAAAA\n", "log\n-1\nAAAA\n", "log\nx\nAAAA\n", "log\n1\nAAAA\n", "log\n1\n!\n", "other\n1\nAAAA\n", "log\n"])
def test_a_checkpoint_with_another_form_is_refused(text):
    signer = note.generate("log")
    with pytest.raises(note.BadNote):
        note.head_of(signer.sign(text), signer.verifier)


def test_a_checkpoint_comes_back_as_it_was_signed():
    signer = note.generate("log")
    head = note.Head("log", 10, b"r" * 32)
    assert note.head_of(signer.sign(head.text), signer.verifier) == head


def test_the_key_file_is_private_and_never_written_twice(tmp_path):
    path = tmp_path / "keys" / "journal.key"
    verifier = service.create_key(path, "log.example")
    assert path.stat().st_mode & 0o777 == 0o600
    assert service.signer_at(path).verifier == verifier == service.verifier_at(path)
    assert "PRIVATE" not in service.public_path(path).read_text()
    before = path.read_text()
    with pytest.raises(service.KeyInTheWay):
        service.create_key(path, "log.example")
    assert path.read_text() == before
    assert "seed" not in repr(service.signer_at(path))
    with pytest.raises(service.KeyMissing):
        service.signer_at(tmp_path / "nowhere")
