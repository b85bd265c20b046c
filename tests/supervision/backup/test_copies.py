"""What a backup holds and what it never holds, and what a restore refuses, changing nothing."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervision.backup import gateway, rules, service
from tests import databases
from tests.supervision.backup.conftest import Customers, Mall
from tests.supervision.journal.world import World, bare_engine


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mall, Path]]:
    """A mall with three orders, a document and a second database, and a backup of it."""
    folder = tmp_path_factory.mktemp("kept")
    mall = Mall(folder / "mall", databases.fresh_sqlite(folder))
    customers = Customers(mall)
    for _ in range(3):
        customers.order(mall)
    mall.worker.drain()
    (mall.settings.folder("documents") / "HT-1.pdf").write_bytes(b"%PDF-1.7 one")
    with contextlib.closing(sqlite3.connect(mall.settings.folder("treasury") / "more.db")) as more:
        more.executescript("PRAGMA journal_mode = WAL; CREATE TABLE paid (fen INTEGER); INSERT INTO paid VALUES (7)")
        mall.did("backup", folder / "copy")
    yield mall, folder / "copy"
    mall.close()


@pytest.fixture
def mall(kept: tuple[Mall, Path]) -> Mall:
    return kept[0]


@pytest.fixture
def copy(kept: tuple[Mall, Path], tmp_path: Path) -> Path:
    """The backup, for one test to spoil."""
    return Path(shutil.copytree(kept[1], tmp_path / "copy"))


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = bare_engine(tmp_path)
    yield World(engine, tmp_path)
    engine.dispose()


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but those that an application makes by being started."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith(".gate") and "search" not in file.parts and "treasury" not in file.parts
    }


def test_the_manifest_names_every_file_with_its_size_and_hash(mall: Mall, copy: Path):
    manifest = json.loads((copy / "manifest.json").read_text())
    there = {name: (len(packed), hashlib.sha256(packed).hexdigest()) for name, packed in state(copy).items() if name != "manifest.json"}
    named = {file["path"]: (file["size"], file["sha256"]) for file in manifest["files"] if "treasury" not in file["path"]}
    assert named == there and "files/documents/HT-1.pdf" in named
    head = mall.head()
    assert (manifest["origin"], manifest["log_size"], manifest["log_root"]) == (head.origin, head.size, head.root.hex())
    assert manifest["entries"] == manifest["events"] == head.size


def test_the_log_in_a_backup_is_that_of_its_checkpoint_however_far_the_log_has_gone(world: World, tmp_path: Path):
    world.order(300)
    world.sequence()
    checkpoint, wanted = world.checkpoint(), {f"tile/{level}/{number}" for level in ("0", "entries") for number in ("000", "001.p/44")} | {"tile/1/000.p/1", "checkpoint"}
    earlier = {name: packed for name, packed in state(world.directory).items() if name in wanted}
    assert set(earlier) == wanted
    world.order(300)
    world.sequence()
    assert not (world.directory / "tile/0/001.p").exists()  # full by now
    service._copy_log(world.directory, tmp_path / "copy", 300, checkpoint, service._silent)
    assert state(tmp_path / "copy") == earlier


def test_the_signing_key_is_in_a_backup_only_when_asked_for(mall: Mall, copy: Path, tmp_path: Path):
    secret = mall.settings.journal_key_path.read_bytes().strip()
    assert b"PRIVATE+KEY" in secret
    assert [name for name, packed in state(copy).items() if secret in packed] == []
    assert "guard this folder" in mall.did("backup", tmp_path / "whole", "--with-key")
    assert [name for name, packed in state(tmp_path / "whole").items() if secret in packed] == ["secret/journal.key"]
    assert (tmp_path / "whole/secret/journal.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "whole").stat().st_mode & 0o777 == 0o700


def test_a_backup_is_never_written_over_something_or_into_what_it_copies(mall: Mall, copy: Path):
    before = state(copy)
    assert "已有内容" in mall.refused("backup", copy)
    assert "数据目录之外" in mall.refused("backup", mall.settings.data_dir / "copy")
    assert state(copy) == before and not (mall.settings.data_dir / "copy").exists()


def test_a_restore_never_writes_over_anything(mall: Mall, copy: Path, elsewhere: Callable[[], Mall]):
    before = state(mall.settings.data_dir)
    assert "恢复只写入空的系统" in mall.refused("restore", copy)
    here = elsewhere()
    (here.settings.folder("documents") / "HT-9.pdf").write_bytes(b"%PDF")
    assert "HT-9.pdf" in here.refused("restore", copy)
    (here.settings.folder("documents") / "HT-9.pdf").unlink()
    here.settings.journal_key_path.write_text("another")
    assert "journal.key" in here.refused("restore", copy)
    assert state(mall.settings.data_dir) == before and gateway.is_empty(here.engine)


def test_a_backup_with_any_file_changed_or_gone_is_refused_and_nothing_is_restored(copy: Path, elsewhere: Callable[[], Mall]):
    here = elsewhere()
    files = [name for name in state(copy) if name != "manifest.json"]
    assert {"database.sqlite", "journal.key.pub", "journal/checkpoint", "files/documents/HT-1.pdf"} <= set(files)
    for name in files:
        kept = (copy / name).read_bytes()
        (copy / name).write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert f"1 个文件缺失或与清单不符，首个是 {name}" in here.refused("restore", copy)
        (copy / name).unlink()
        assert name in here.refused("restore", copy)
        (copy / name).write_bytes(kept)
    assert gateway.is_empty(here.engine) and state(here.settings.data_dir) == {}


def test_what_is_no_whole_backup_of_this_kind_is_refused_in_words(copy: Path, elsewhere: Callable[[], Mall], tmp_path: Path):
    here = elsewhere()
    manifest = json.loads((copy / "manifest.json").read_text())

    def said(**change: object) -> str:
        (copy / "manifest.json").write_text(json.dumps({**manifest, **change}))
        return here.refused("restore", copy)

    assert "来自 postgresql" in said(database="postgresql")
    assert "版本 9999 本程序不认识" in said(revision="9999")
    assert "不是完整的备份" in said(schema="another")
    for path in ("../outside", "/etc/passwd", "files//x", "files/./x", ""):
        assert "不是完整的备份" in said(files=[*manifest["files"], {"path": path, "size": 0, "sha256": ""}])
    assert "database.sqlite" in said(files=[file for file in manifest["files"] if file["path"] != "database.sqlite"])
    (copy / "manifest.json").unlink()
    assert "备份中断时不会写出清单" in here.refused("restore", copy)
    assert state(here.settings.data_dir) == {}


def test_a_restored_database_that_is_not_what_the_manifest_says_is_not_declared_good(copy: Path, elsewhere: Callable[[], Mall]):
    manifest = service.read(copy)
    (copy / "manifest.json").write_text(manifest.as_text().replace(f'"events": {manifest.events}', f'"events": {manifest.events + 1}'))
    assert "do not use it" in elsewhere().refused("restore", copy)


def test_documents_and_the_state_of_the_treasury_come_back(mall: Mall, copy: Path, elsewhere: Callable[[], Mall]):
    here = elsewhere()
    here.did("restore", copy)
    assert (here.settings.folder("documents") / "HT-1.pdf").read_bytes() == b"%PDF-1.7 one"
    with contextlib.closing(sqlite3.connect(here.settings.folder("treasury") / "more.db")) as more:
        assert more.execute("SELECT fen FROM paid").fetchall() == [(7,)]
    held = json.loads((here.log / "held.json").read_text())
    assert (held["size"], held["root"]) == (mall.head().size, mall.head().root.hex())
    assert state(mall.log / "tile").items() >= state(here.log / "tile").items()


def test_postgresql_without_its_programs_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gateway, "INSTALLED", tmp_path)
    with pytest.raises(rules.ToolMissing) as refused:
        gateway.tool("pg_dump")
    assert refused.value.tool == "pg_dump"
    (tmp_path / "15/bin").mkdir(parents=True)
    shutil.copy("/bin/true", tmp_path / "15/bin/pg_dump")
    assert gateway.tool("pg_dump") == str(tmp_path / "15/bin/pg_dump")
