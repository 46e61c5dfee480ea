"""A running stack seen from another process: what runs in DIR, and how to stop it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nashr.runtime import folder, records
from nashr.runtime.programs import StackError

DOWN_SECONDS = 90.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProgramStatus:
    """One program: its process (None while there is none), state, restarts so far, since when (RFC 3339)."""

    name: str
    pid: int | None
    state: str
    restarts: int
    since: str


@dataclass(frozen=True)
class StackStatus:
    """The supervisor and its programs; state is starting, ready, stopping or stopped."""

    state: str
    pid: int | None
    programs: tuple[ProgramStatus, ...]


def status(data: Path) -> StackStatus:
    """What runs in ``data``. What a supervisor that is gone wrote down says nothing about now."""
    alive = folder.is_locked(data)
    pid = folder.holder(data) if alive else None
    written = records.read(data / records.STATUS)
    programs = tuple(ProgramStatus(**row) for row in written.get("programs", []))
    if pid is not None and written.get("pid") == pid:
        return StackStatus(str(written["state"]), pid, programs)
    state = "starting" if pid is not None else "stopping" if alive else "stopped"
    return StackStatus(state, pid, tuple(_stopped(program) for program in programs))


def _stopped(program: ProgramStatus) -> ProgramStatus:
    return ProgramStatus(program.name, None, "stopped", program.restarts, program.since)


def down(data: Path, *, seconds: float = DOWN_SECONDS) -> bool:
    """Stops the stack in ``data`` and waits until nothing of it runs; False if nothing did.

    Raises StackError when it does not stop in ``seconds``.
    """
    if not folder.is_locked(data):
        return False
    pid = folder.holder(data)
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError:
            raise StackError(f"the stack in {data} (pid {pid}) is another user's: run as them") from None
        except ProcessLookupError:
            pid = None
    deadline = time.monotonic() + seconds
    while folder.is_locked(data):
        if time.monotonic() > deadline:
            raise StackError(f"the stack in {data} (pid {pid}) does not stop: kill -9 {pid} ends it")
        time.sleep(POLL_SECONDS)
    if pid is not None:
        _await_exit(pid, deadline=deadline)
    return True


def _await_exit(pid: int, *, deadline: float) -> None:
    """Its lock is free a moment before it is gone; a zombie is gone."""
    with suppress(OSError):
        while time.monotonic() < deadline:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            time.sleep(POLL_SECONDS)
