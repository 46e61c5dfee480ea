"""DIR, the data folder: made private, checked before anything starts in it, locked while a stack runs."""

from __future__ import annotations

import errno
import fcntl
import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nashr.runtime.programs import StackError

LOCK = "supervisor.lock"
FREE_BYTES = 256 * 1024 * 1024
PARTS = ("logs", "run", "valkey", "s3")
REMAINS_SECONDS = 20.0
DYING_SECONDS = 0.5


@dataclass(frozen=True)
class DataFolder:
    """DIR, absolute, and whether this start made it: only then is its mode ours to set."""

    path: Path
    fresh: bool

    def settle(self, *, passage: bool) -> None:
        """DIR is closed, but for ``passage`` to DIR/postgres where PostgreSQL runs as another user."""
        if self.fresh:
            self.path.chmod(0o711 if passage else 0o700)


def open_folder(path: Path) -> DataFolder:
    """Makes or checks DIR and its parts, all closed to others. Raises StackError, naming the cure.

    As root a new DIR starts out with passage, so that PostgreSQL's user can be tried; settle() follows.
    """
    data = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link the operator chose
    check_is_folder(data)
    try:
        fresh = not data.exists()
        data.mkdir(parents=True, exist_ok=True)
        folder = DataFolder(data, fresh)
        folder.settle(passage=os.geteuid() == 0)
        _check_room(data)
        for part in (data, *(data / name for name in PARTS)):
            part.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=part) as probe:
                probe.write(b"x")
    except OSError as error:
        raise StackError(_why(error, data)) from None
    return folder


def check_is_folder(data: Path) -> None:
    """Raises StackError where ``data`` is there and is no folder."""
    if data.exists() and not data.is_dir():
        raise StackError(f"{data} is a file, not a folder: name another with --data")


def _check_room(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < FREE_BYTES:
        raise StackError(
            f"{data} has {free // 2**20} MB left and needs {FREE_BYTES // 2**20}: "
            "free some space, or name another folder with --data"
        )


def _why(error: OSError, data: Path) -> str:
    place = error.filename or data
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{place} is not writable by {_user()} ({error.strerror}): "
            "run nashr as the user it belongs to, or name another folder with --data"
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place} is full: free some space, or name another folder with --data"
    return f"{place} cannot hold the stack ({error.strerror}): name another folder with --data"


def _user() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return f"user {os.geteuid()}"


@contextmanager
def locked(data: Path) -> Iterator[int]:
    """Holds DIR for one stack; yields the lock's descriptor. Raises StackError if another has it.

    What a killed supervisor left behind holds the lock for a moment longer: that is waited for.
    """
    try:
        handle = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(_why(error, data)) from None
    try:
        started = time.monotonic()
        while not _take(handle):
            pid = holder(data)
            if time.monotonic() - started > (REMAINS_SECONDS if pid is None else DYING_SECONDS):
                whose = f"pid {pid}" if pid else "what is left of a killed one"
                raise StackError(f"already running in {data} ({whose}): nashr down --data {data}")
            time.sleep(0.05)
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield handle
    finally:
        os.close(handle)


def is_locked(data: Path) -> bool:
    """Whether a stack, or what a killed one left behind, still runs in ``data``."""
    try:
        check_is_folder(data)
        handle = os.open(data / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StackError(_why(error, data)) from None
    try:
        return not _take(handle)
    finally:
        os.close(handle)


def holder(data: Path) -> int | None:
    """The pid of the supervisor in ``data``, seen to have the lock file open; None if it is gone."""
    lock = data / LOCK
    try:
        pid = int(lock.read_text())
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except (OSError, ValueError):
        return None
    for handle in handles:
        with suppress(OSError):
            if handle.samefile(lock):
                return pid
    return None


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
