"""What a backup is: a folder with a manifest that names every file, its size and its hash, and why one is refused."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from app.kernel.errors import N_, Conflict, Invalid, Unavailable

SCHEMA = "mall-backup/1"
MANIFEST = "manifest.json"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
FILES, LOG, SECRET, PUBLIC = "files", "journal", "secret/journal.key", "journal.key.pub"


class TargetInTheWay(Conflict):
    """The backup would be written over something, or into the very data it copies."""

    code = "backup.target_in_the_way"
    message = N_("备份目录 %(target)s 已有内容，或在数据目录之内：请给出一个不存在或为空、且在数据目录之外的目录")
    target: str


class NotABackup(Invalid):
    """The folder has no manifest: it is none of ours, or the backup was cut short."""

    code = "backup.not_a_backup"
    message = N_("%(source)s 不是完整的备份：没有清单 manifest.json，或清单无法读取。备份中断时不会写出清单，请换一份备份")
    source: str


class Damaged(Conflict):
    """A file is missing or is not what the manifest says. Nothing was restored."""

    code = "backup.damaged"
    message = N_("备份已损坏：%(count)s 个文件缺失或与清单不符，首个是 %(first)s。未恢复任何内容，请换一份备份")
    count: int
    first: str


class NotEmpty(Conflict):
    """A restore never overwrites."""

    code = "backup.not_empty"
    message = N_("恢复只写入空的系统，而这里已有 %(found)s：请指定空的数据目录（MALL_DATA_DIR）和空的数据库（MALL_DATABASE_URL）")
    found: str


class OtherDatabase(Conflict):
    """A copy of one kind of database cannot be read by the other."""

    code = "backup.other_database"
    message = N_("备份来自 %(backup)s，这里的数据库是 %(here)s：请把 MALL_DATABASE_URL 指向同种的空数据库")
    backup: str
    here: str


class TooNew(Conflict):
    """The tables of the backup are unknown to this program."""

    code = "backup.too_new"
    message = N_("备份的数据表版本 %(revision)s 本程序不认识：请用制作备份时的版本，或更新的版本来恢复")
    revision: str


class ToolMissing(Unavailable):
    """PostgreSQL's own programs make and read its copies."""

    code = "backup.tool_missing"
    message = N_(
        "没有找到 %(tool)s：PostgreSQL 的备份和恢复由它自带的程序完成，"
        "请安装与服务器同版本或更新的客户端（Debian：apt-get install postgresql-client），或把它放到 PATH 中"
    )
    tool: str


class ToolFailed(Unavailable):
    """PostgreSQL's program did not succeed; what it said is told."""

    code = "backup.tool_failed"
    message = N_("%(tool)s 没有成功：%(said)s")
    tool: str
    said: str


@dataclass(frozen=True)
class Kept:
    """One file of a backup."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What was kept, of which state."""

    made_at: str
    mode: str
    address: str
    database: str
    revision: str
    origin: str
    log_size: int
    log_root: str
    entries: int
    events: int
    with_key: bool
    files: list[Kept] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size for file in self.files)

    def as_text(self) -> str:
        """The manifest as it is written."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"


def manifest_of(text: str) -> Manifest:
    """A manifest of its text. Raises ValueError."""
    try:
        given: dict[str, Any] = json.loads(text)
        if given.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        files = [Kept(str(one["path"]), int(one["size"]), str(one["sha256"])) for one in given.pop("files")]
        manifest = Manifest(**given, files=files)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    if any(not is_inside(file.path) for file in files) or manifest.database not in DATABASES:
        raise ValueError("a path leads out of the backup")
    return manifest


def is_inside(path: str) -> bool:
    """Whether a path of a manifest stays inside its folder."""
    parts = path.split("/")
    return all(part not in {"", ".", ".."} and "\\" not in part and "\0" not in part for part in parts)
