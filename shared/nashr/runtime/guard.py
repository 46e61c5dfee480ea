"""Outlives the supervisor by a moment: when its pipe ends, it ends what the supervisor left behind.

Run as a file by ``python -I -S``. A death signal reaches only direct children; this reaches their pools
too, by process group. It inherits the stack's lock, so that the lock is free only when nothing is left.
Lines on stdin: ``+GROUP SIGNAL`` and ``-GROUP``.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_SECONDS = 10.0


def main() -> None:
    """Follows the supervisor until its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            group, death = line[1:].split()
            groups[int(group)] = int(death)
        else:
            groups.pop(int(line[1:]), None)
    _end(groups)


def _end(groups: dict[int, int]) -> None:
    for group, death in groups.items():
        _send(group, death)
    deadline = time.monotonic() + GRACE_SECONDS
    left = [group for group in groups if _send(group, 0)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [group for group in left if _send(group, 0)]
    for group in left:
        _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
