"""The public log: static files that never change, and the proof page."""

import io
import json
import subprocess
import sys

import pytest

from app.config import Settings
from supervision.journal import custody, note, queries, service
from tests.peers import TOOLS
from tests.supervision.journal.world import World, placed


@pytest.fixture
def mall(database_url, tmp_path):
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "data", database_url=database_url))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    settings = app.config["SETTINGS"]
    service.create_key(settings.journal_key_path, settings.journal_origin)
    with app.app_context():
        engine = db.engine
    yield app
    engine.dispose()


@pytest.fixture
def world(mall, tmp_path):
    from app.web.extensions import db

    with mall.app_context():
        world = World(db.engine, tmp_path)
    world.directory = mall.config["SETTINGS"].folder("journal")
    world.key = mall.config["SETTINGS"].journal_key_path
    world.signer = service.signer_at(world.key)
    return world


@pytest.fixture
def visitor(mall):
    return mall.test_client()


def receipt(world):
    with world.sessions() as session:
        return json.dumps(queries.receipt(session, world.directory, queries.event_of(session, "RC-1", 1), ["unit"]).as_json(), ensure_ascii=False)


def test_before_the_first_event_the_page_says_so(visitor):
    answer = visitor.get("/log")
    assert (answer.status_code, "还没有签署检查点" in answer.text) == (200, True)
    assert visitor.get("/log/checkpoint").status_code == 404
    assert visitor.get("/log/0").status_code == 404


def test_tiles_are_served_as_they_are_and_for_ever(world, visitor):
    world.order(300)
    world.sequence()
    for name in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"):
        with visitor.get(f"/log/{name}") as answer:
            assert answer.data == (world.directory / name).read_bytes()
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.content_type == "application/octet-stream"
    with visitor.get("/log/checkpoint") as answer:
        assert answer.text == world.checkpoint()
        assert "immutable" not in answer.headers["Cache-Control"]
    assert visitor.get("/log/vkey").text.strip() == world.signer.verifier.vkey


@pytest.mark.parametrize(
    "name", ["tile/0/999", "tile/0/../../journal.key", "tile/0/..%2f..%2fjournal.key", "sequencer.lock", "tile/0/000.p/0", "tile/00/000", "tile/x/000", "tile/entries"]
)
def test_nothing_else_is_served(world, visitor, name):
    world.order(3)
    world.sequence()
    assert visitor.get(f"/log/{name}").status_code == 404


def test_a_receipt_is_verified_on_the_page_pasted_or_as_a_file(world, visitor):
    world.record(placed("RC-1"), stream="RC-1")
    world.order(20)
    world.sequence()
    text = receipt(world)
    pasted = visitor.post("/log", data={"receipt": text})
    assert (pasted.status_code, "回执成立" in pasted.text, "许昌市第一中学" in pasted.text) == (200, True, True)
    sent = visitor.post("/log", data={"file": (io.BytesIO(text.encode()), "receipt.json")}, content_type="multipart/form-data")
    assert (sent.status_code, "回执成立" in sent.text) == (200, True)
    for wrong, why in ((text.replace("第一中学", "第二中学"), "公开字段与存证不符"), ("{}", "不是一份完整的回执"), ("", "不是一份完整的回执")):
        refused = visitor.post("/log", data={"receipt": wrong})
        assert (refused.status_code, why in refused.text) == (422, True)


def test_a_leaf_has_a_public_page_that_shows_no_secret(world, visitor):
    world.record(placed("RC-1", unit="金丝雀小学"), stream="RC-1")
    world.order(20)
    world.sequence()
    answer = visitor.get("/log/0")
    assert answer.status_code == 200
    assert "日志第 0 条" in answer.text
    assert world.head().root.hex() in answer.text
    assert "金丝雀" not in answer.text
    assert "RC-1" not in answer.text
    assert visitor.get("/log/21").status_code == 404


def test_the_audit_command_accepts_and_then_finds_what_was_changed(world, mall):
    from supervision.journal.cli import journal

    world.order(20)
    run = mall.test_cli_runner()
    assert run.invoke(journal, ["sequence"]).output.strip() == "20 events sequenced"
    answer = run.invoke(journal, ["audit", "--json"])
    report = json.loads(answer.output)
    assert (answer.exit_code, report["accepted"], report["entries"]) == (0, True, 20)
    assert "accepted" in run.invoke(journal, ["audit"]).output
    (world.directory / "tile/0/000.p/20").write_bytes(b"x" * 640)
    answer = run.invoke(journal, ["audit"])
    assert (answer.exit_code, "tile.changed" in answer.output) == (1, True)
    assert run.invoke(journal, ["key"]).output.strip() == world.signer.verifier.vkey
    assert run.invoke(journal, ["key", "--create"]).exit_code == 1


@pytest.mark.peer("log-verifier")
def test_the_outside_verifier_reads_the_log_from_the_running_mall(world, mall):
    import threading

    from werkzeug.serving import make_server

    world.order(300)
    world.sequence()
    server = make_server("127.0.0.1", 0, mall)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    command = [str(TOOLS / "tlog-verify"), "-vkey", world.signer.verifier.vkey, f"http://127.0.0.1:{server.server_port}/log"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    server.shutdown()
    thread.join()
    server.server_close()
    assert (answer.returncode, answer.stderr) == (0, "")


def test_every_key_and_what_happened_to_the_log_is_published_and_proved_by_the_program_that_the_pages_offer(world, visitor, tmp_path):
    old = world.signer.verifier
    custody.prepare(world.sessions, world.directory, world.key)
    world.signer = service.signer_at(world.key)
    new = custody.finish(world.sessions, world.directory, world.key)
    listed = visitor.get("/log/vkeys").text
    assert note.verifiers_of(listed) == service.verifier_at(world.key)
    assert listed.startswith(new.vkey) and f"{old.vkey} 2\n" in listed
    items = visitor.get("/api/v1/log/announcements").get_json()["items"]
    assert [next(o["value"] for o in item["openings"] if o["field"] == "@type") for item in items] == ['"key.announced"', '"key.retired"']
    page = visitor.get("/log").text
    assert "/static/verify_receipt.py" in page and "/log/vkeys" in page
    (tmp_path / "keys").write_text(listed)
    with visitor.get("/static/verify_receipt.py") as answer:
        (tmp_path / "verify_receipt.py").write_bytes(answer.data)
    for item in items:
        command = [sys.executable, "-I", "verify_receipt.py", "--keys", "keys", "-"]
        told = subprocess.run(command, cwd=tmp_path, input=json.dumps(item), capture_output=True, encoding="utf-8", timeout=60)
        assert (told.returncode, new.vkey in told.stdout) == (0, True)
