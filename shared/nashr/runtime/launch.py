"""A program as data, and how it starts: through the shim, in a session of its own, into its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nashr.runtime import shim

LOG_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """Another user: by setuid, or (``namespace``) as that id inside a user namespace of its own.

    In a namespace the program believes itself unprivileged while its files stay the caller's.
    """

    uid: int
    gid: int
    namespace: bool = False


@dataclass(frozen=True, kw_only=True)
class Program:
    """One child of the supervisor. ``ready`` answers at once: the supervisor asks every 50 ms."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    run_as: RunAs | None = None
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    grace_seconds: float = 10.0
    ready_file: Path | None = None


def launch(program: Program, *, log: Path) -> subprocess.Popen[bytes]:
    """Starts ``program``. Call it from the main thread: the death signal follows the thread that forked."""
    if program.ready_file is not None:
        program.ready_file.unlink(missing_ok=True)
    _turn(log)
    argv = through_shim(
        program.argv, cwd=program.cwd, run_as=program.run_as, death_signal=program.death_signal
    )
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            argv,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(handle)


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], run_as: RunAs | None
) -> subprocess.CompletedProcess[str]:
    """Runs a short program to its end; Ctrl-C does not reach it, our death does."""
    return subprocess.run(
        through_shim(argv, cwd=cwd, run_as=run_as, death_signal=signal.SIGKILL),
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        start_new_session=True,
        check=False,
    )


def light_python(script: str) -> list[str]:
    """A Python that starts in milliseconds: no site, no environment, nothing of ours."""
    return [sys.executable, "-I", "-S", script]


def through_shim(argv: Sequence[str], *, cwd: Path, run_as: RunAs | None, death_signal: int) -> list[str]:
    """``argv`` as the shim starts it: in ``cwd``, as ``run_as``, and not for longer than we live."""
    who = ["same", "0", "0"]
    if run_as is not None:
        who = ["namespace" if run_as.namespace else "user", str(run_as.uid), str(run_as.gid)]
    return [
        *light_python(shim.__file__),
        str(os.getpid()),
        str(int(death_signal)),
        *who,
        str(cwd),
        *argv,
    ]


def _turn(log: Path) -> None:
    """One old log is kept; a running program's log turns at its next start."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
