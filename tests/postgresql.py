"""A PostgreSQL server of the tests' own: made in a temporary folder, shared by all workers, gone when the tests are over.

PostgreSQL refuses to run as root; then another user of the system owns the server. A small watchdog stops it even when
the tests themselves are killed.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.peers import postgresql_bin

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
DURABLE = {**SETTINGS, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""For measurements: what a careful administrator would run."""

WATCHDOG = """
while kill -0 "$1" 2>/dev/null; do sleep 1; done
[ -d "$2" ] || exit 0
kill -QUIT "$(head -n 1 "$2/data/postmaster.pid")" 2>/dev/null
sleep 1
rm -rf "$2"
"""


class ServerMissing(RuntimeError):
    """No PostgreSQL could be found or started."""


def start(*, owner_pid: int, settings: dict[str, str] = SETTINGS) -> tuple[str, Path]:
    """Start a server that lives no longer than the owner. Returns its address without a database, and its folder."""
    found = postgresql_bin()
    if found is None:
        raise ServerMissing("no PostgreSQL server is installed")
    folder = Path(tempfile.mkdtemp(prefix="mall-pg-"))
    try:
        binaries, options = _as_allowed_user(Path(found), folder)
        data = folder / "data"
        _run([binaries / "initdb", "-D", data, "-U", "mall", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], options)
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            configuration.write(f"unix_socket_directories = '{folder}'\n")
        for attempt in range(3):
            port = _free_port()
            command = [binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60", "-o", f"-p {port}", "start"]
            if _run(command, options, check=attempt == 2):
                break
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    apart = 'setsid /bin/sh -c "$0" watchdog "$@" >/dev/null 2>&1 </dev/null &'
    subprocess.run(["/bin/sh", "-c", apart, WATCHDOG, str(owner_pid), str(folder)], check=True)
    return f"postgresql+psycopg://mall@127.0.0.1:{port}", folder


def start_again(folder: Path, port: int, *, seconds: float = 60.0) -> None:
    """Start a server that was killed, at its old port; waits until what the dead one left behind in memory is gone."""
    binaries, options = _as_allowed_user(Path(postgresql_bin() or ""), folder)
    command = [binaries / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-t", "60", "-o", f"-p {port}", "start"]
    until = time.monotonic() + seconds
    while not _run(command, options, check=time.monotonic() > until):
        time.sleep(0.2)


def run_as_owner(folder: Path, command: list[str]) -> bool:
    """Run a program of the system as the user that owns the server; whether it succeeded."""
    return _run(command, _as_allowed_user(Path(postgresql_bin() or ""), folder)[1], check=False)


def stop(folder: Path) -> None:
    """Stop the server at once and remove its folder."""
    pid_file = folder / "data" / "postmaster.pid"
    if pid_file.exists():
        binaries, options = _as_allowed_user(Path(postgresql_bin() or ""), folder)
        _run([binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"], options, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _as_allowed_user(binaries: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    options: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(folder), "TZ": "UTC"}}
    if os.geteuid() != 0:
        return binaries, options
    user = next(entry for name in ("postgres", "nobody") if (entry := _user(name)))
    os.chown(folder, user.pw_uid, user.pw_gid)
    options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    if not _run(["/usr/bin/test", "-x", binaries / "postgres"], options, check=False):  # inside a home folder closed to others
        copy = folder / "server"
        if not copy.exists():
            shutil.copytree(binaries.parent, copy, symlinks=True)
            folder.chmod(0o711)
            copy.chmod(0o755)
        binaries = copy / "bin"
    return binaries, options


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _run(command: list[Any], options: dict[str, Any], *, check: bool = True) -> bool:
    done = subprocess.run(list(map(str, command)), **options, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise ServerMissing(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
