"""Signals to processes that may be gone, and what /proc knows of them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def send(pid: int, number: int) -> None:
    """Signals one process; a dead one is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def send_group(group: int, number: int) -> None:
    """Signals a process group; an empty one is fine, and so is one of zombies only."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def children_of(parent: int) -> set[int]:
    """The direct children of ``parent``, zombies too."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.add(int(status.parent.name))
    return found


def last_words(log: Path) -> str:
    """The last line of ``log`` that looks like a reason, else its last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return "nothing"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "Error", "rror:"))]
    return (telling or lines or ["nothing"])[-1][:300]
