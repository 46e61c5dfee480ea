"""Signals as something to wait for: the kernel writes their numbers into a socket, nothing is lost.

Handlers do nothing, so no code of ours ever runs at a random place.
"""

from __future__ import annotations

import select
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any

STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class Wakeups:
    """Installed while entered; main thread only."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._saved: dict[signal.Signals, Any] = {}
        self._saved_fd = -1

    def __enter__(self) -> Wakeups:
        self._saved_fd = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *STOPS):
            # nohup and a shell's background jobs ignore a signal on purpose
            if number == signal.SIGCHLD or signal.getsignal(number) is not signal.SIG_IGN:
                self._saved[number] = signal.signal(number, _nothing)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._saved.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._saved_fd)
        self._read.close()
        self._write.close()

    def wait(self, seconds: float) -> int:
        """Waits until something happens, at most ``seconds``; returns how many stop signals came."""
        ready, _, _ = select.select([self._read], [], [], max(0.0, seconds))
        numbers = self._read.recv(4096) if ready else b""
        return sum(number in STOPS for number in numbers)

    def nudge(self) -> None:
        """Ends the current wait; other threads may call it."""
        with suppress(OSError):
            self._write.send(b"\0")


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
