"""A stand-in child: writes down what happens to it, and misbehaves as told.

Usage: standin.py NOTES [ready=FILE] [stubborn] [crash] [pool] [runaway]
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

NOTES = Path(sys.argv[1])
WORDS = sys.argv[2:]


def note(event: str) -> None:
    handle = os.open(NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{event} {os.getpid()} {time.monotonic()}\n".encode())
    os.close(handle)


def on_signal(number: int, _frame: FrameType | None) -> None:
    note(signal.Signals(number).name)
    if "stubborn" not in WORDS:
        sys.exit(0)


def fork_child(*, runaway: bool) -> None:
    """Like a decode pool's process: it outlives its parent unless somebody cares."""
    if os.fork() == 0:
        if runaway:
            os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note("pool")
        while True:
            signal.pause()


signal.signal(signal.SIGTERM, on_signal)
signal.signal(signal.SIGINT, on_signal)
note("start")
if "crash" in WORDS:
    sys.exit("Error: the stand-in was told to crash")
if "pool" in WORDS or "runaway" in WORDS:
    fork_child(runaway="runaway" in WORDS)
for word in WORDS:
    if word.startswith("ready="):
        Path(word.removeprefix("ready=")).touch()
while True:
    signal.pause()
