"""Named places where tests stage a fault. Inert unless NASHR_FAILPOINTS is set; refused in production.

``NASHR_FAILPOINTS="deliver.before_put=sleep:12:once,relay.after_hint=exit"``: actions are exit, stop
(SIGSTOP of this process), raise, sleep:SECONDS and block; ``once`` means once per data folder.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nashr.domain.errors import Retryable


class StagedFault(Retryable):
    """A failpoint raised."""


@dataclass(frozen=True)
class _Fault:
    action: str
    argument: float
    once: bool


_armed: Mapping[str, _Fault] = {}
_markers = Path(os.devnull)


def arm(spec: str, data: Path) -> None:
    """Reads the setting. Raises ValueError for an unknown action."""
    global _armed, _markers  # noqa: PLW0603 - one process, armed once at its start
    _armed = dict(_parse(part) for part in spec.split(",") if part.strip())
    _markers = data / "failpoints"


def _parse(part: str) -> tuple[str, _Fault]:
    name, _, text = part.strip().partition("=")
    action, *rest = text.split(":")
    if action not in {"exit", "stop", "raise", "sleep", "block"}:
        raise ValueError(f"NASHR_FAILPOINTS: {action!r} is not one of exit, stop, raise, sleep, block")
    numbers = [float(item) for item in rest if item != "once"]
    return name, _Fault(action, numbers[0] if numbers else 0.0, "once" in rest)


def reached(name: str) -> None:
    """Marks a place in the code; does nothing unless a test armed it."""
    fault = _armed.get(name)
    if fault is None or (fault.once and not _first(name)):
        return
    if fault.action == "exit":
        os._exit(9)
    if fault.action == "stop":
        # To this thread: of the process another one might take note, while this one runs on.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    if fault.action == "raise":
        raise StagedFault(f"failpoint {name}")
    if fault.action == "sleep":
        time.sleep(fault.argument)
    if fault.action == "block":
        threading.Event().wait()


def _first(name: str) -> bool:
    """Whether this is the first process of this data folder to arrive here."""
    _markers.mkdir(exist_ok=True)
    try:
        (_markers / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
