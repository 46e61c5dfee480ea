"""The supervisor's end of the guard: tells it which process groups exist, starts it again if it dies."""

from __future__ import annotations

import subprocess
from contextlib import suppress

from nashr.runtime import guard, launch


class Guard:
    """Keeps ``groups``, process group to death signal, ready for the day the supervisor is killed."""

    def __init__(self, *, lock: int) -> None:
        self._lock = lock
        self._groups: dict[int, int] = {}
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def add(self, group: int, *, death_signal: int) -> None:
        """From now on ``group`` gets ``death_signal`` when the supervisor dies."""
        self._groups[group] = int(death_signal)
        self._say(f"+{group} {int(death_signal)}")

    def remove(self, group: int) -> None:
        """``group`` is gone."""
        if self._groups.pop(group, None) is not None:
            self._say(f"-{group}")

    def restart(self) -> None:
        """After its death: a new one, told everything again."""
        self._process.wait()
        self._close_pipe()
        self._process = self._start()
        for group, number in self._groups.items():
            self._say(f"+{group} {number}")

    def close(self) -> None:
        """Lets it end. It first ends what is still in its list."""
        self._close_pipe()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            launch.light_python(guard.__file__),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            bufsize=0,
            env={},
            pass_fds=(self._lock,) if self._lock >= 0 else (),
        )

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its SIGCHLD is on the way, and then restart() repeats everything
            self._process.stdin.write(f"{line}\n".encode())

    def _close_pipe(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
