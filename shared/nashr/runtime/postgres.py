"""The embedded PostgreSQL: its folder below DIR/postgres, its settings, its socket. No TCP at all."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from nashr.runtime import account, launch, probes, programs
from nashr.runtime.launch import Program, RunAs
from nashr.runtime.programs import StackError

DATABASE = "nashr"
PORT = 5432  # only part of the socket's name; nothing listens on it
SOCKET_DIR_BYTES = 107 - len(f"/.s.PGSQL.{PORT}")
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

CONF = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",  # each backend maps what it touched; the system's page cache serves the rest
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "min_wal_size": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",  # the workers of PostgreSQL 18 cost three processes and win nothing at this size
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
}

INITDB = (
    "--username=nashr",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)


def prepare(data: Path, *, user: str, socket_dir: Path | None) -> tuple[Program, str, Path]:
    """Makes DIR/postgres at the first start; returns the program, its URL and its socket's folder.

    ``socket_dir``: the folder of the last start, used again while it is still ours.
    Raises StackError when the folder belongs to another version or user, or is damaged.
    """
    found = programs.postgres()
    home = data / "postgres"
    if home.exists() and not home.is_dir():
        raise StackError(f"{home} is a file, not PostgreSQL's folder: move it away, or choose another --data")
    run_as = _settle(home, user=user, program=found.postgres)
    _initialise(home, initdb=found.initdb, run_as=run_as)
    sockets = _socket_folder(home, run_as=run_as, before=socket_dir)
    url = f"postgresql://nashr@/{DATABASE}?host={quote(str(sockets), safe='')}&port={PORT}"
    conf = [word for name, value in CONF.items() for word in ("-c", f"{name}={value}")]
    program = Program(
        name="postgres",
        argv=(str(found.postgres), "-D", str(home / "data"), "-k", str(sockets), *conf),
        env=ENV,
        cwd=home,
        run_as=run_as,
        ready=lambda: probes.database_ok(url, database=DATABASE),
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        grace_seconds=20.0,
    )
    return program, url, sockets


def _settle(home: Path, *, user: str, program: Path) -> RunAs | None:
    """Makes ``home`` for whoever runs PostgreSQL; nothing above it is touched."""
    fresh = not home.exists()
    run_as = account.choose(home, user=user, program=program)
    if fresh:
        home.mkdir(mode=0o700)
        if run_as is not None and not run_as.namespace:
            os.chown(home, run_as.uid, run_as.gid)
    return run_as


def _initialise(home: Path, *, initdb: Path, run_as: RunAs | None) -> None:
    """Makes the cluster beside its place and moves it there: a start cut short leaves none half made."""
    cluster = home / "data"
    if cluster.exists():
        _check_version(cluster)
        return
    fresh = home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    made = launch.run([str(initdb), "-D", str(fresh), *INITDB], cwd=home, env=ENV, run_as=run_as)
    if made.returncode != 0:
        words = (made.stderr or made.stdout).strip().splitlines() or [f"exit code {made.returncode}"]
        raise StackError(f"initdb failed in {home} ({words[-1]}): correct that, or choose another --data")
    fresh.replace(cluster)
    handle = os.open(home, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _check_version(cluster: Path) -> None:
    cure = "restore it from a backup (nashr restore), or move it away to start an empty one"
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
        damaged = not (cluster / "global" / "pg_control").is_file()
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{cluster} is damaged, PG_VERSION cannot be read ({error}): {cure}") from None
    if version != programs.POSTGRES_MAJOR:
        raise StackError(
            f"{cluster} was written by PostgreSQL {version[:20]!r} and this nashr carries "
            f"{programs.POSTGRES_MAJOR}: start it with the nashr that wrote it, or {cure}"
        )
    if damaged:
        raise StackError(f"{cluster} is damaged, global/pg_control is missing: {cure}")


def _socket_folder(home: Path, *, run_as: RunAs | None, before: Path | None) -> Path:
    """DIR/postgres/run, or a private folder in the temporary one where that path is too long for a socket."""
    usual = home / "run"
    if len(os.fsencode(usual)) <= SOCKET_DIR_BYTES and "," not in str(usual):
        usual.mkdir(mode=0o700, exist_ok=True)
        chosen = usual
    elif before is not None and _is_private(before, owner=_owner(run_as)):
        return before
    else:
        chosen = Path(tempfile.mkdtemp(prefix="nashr-"))
    if run_as is not None and not run_as.namespace:
        os.chown(chosen, run_as.uid, run_as.gid)
    return chosen


def _is_private(folder: Path, *, owner: int) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == owner


def _owner(run_as: RunAs | None) -> int:
    return os.geteuid() if run_as is None or run_as.namespace else run_as.uid
