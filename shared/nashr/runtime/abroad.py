"""Threads of a worker for steps that wait for servers of others: claimed without hints, bounded per receiver.

A receiver that answers has a few requests at a time, one that fails or dawdles has one; and all of those
together have half of the threads. So a bad receiver never delays another, and none of them delays a page.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, TypeAlias

from nashr.domain.errors import Retryable
from nashr.store.queue import Step

THREADS: Final = 16
PER_RECEIVER: Final = 4
SLOW_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 1.0

Claim: TypeAlias = Callable[[Collection[str]], Step | None]
"""Takes the next due step that is for none of these receivers."""


class Receivers:
    """Who is being told something at this moment, and who has failed or dawdled the last time. Not locked."""

    def __init__(self, *, threads: int = THREADS, each: int = PER_RECEIVER) -> None:
        self._threads = threads
        self._each = each
        self._busy: Counter[str] = Counter()
        self._ailing: set[str] = set()

    @property
    def running(self) -> int:
        return self._busy.total()

    def closed(self) -> list[str]:
        """To whom nothing more may be sent now."""
        full = {name for name, running in self._busy.items() if running >= self._limit(name)}
        if sum(self._busy[name] for name in self._ailing) >= self._threads // 2:
            full |= self._ailing
        return sorted(full)

    def _limit(self, name: str) -> int:
        return 1 if name in self._ailing else self._each

    def begin(self, name: str) -> None:
        self._busy[name] += 1

    def end(self, name: str, *, well: bool) -> None:
        self._busy[name] -= 1
        if not self._busy[name]:
            del self._busy[name]
        (self._ailing.discard if well else self._ailing.add)(name)


class Abroad:
    """Starts a thread for each step that can be claimed; a thread goes on while there is more, and ends."""

    def __init__(self, claim: Claim, work: Callable[[Step], str], *, stopping: threading.Event) -> None:
        self._claim = claim
        self._work = work
        self._stopping = stopping
        self._receivers = Receivers()
        self._lock = threading.Lock()

    def run(self, wait: Callable[[float], bool]) -> None:
        """Looks for work whenever ``wait`` returns, until the worker leaves; ``wait`` takes seconds."""
        while not self._stopping.is_set():
            wait(_LOOK_SECONDS)
            with suppress(Retryable):
                while (step := self._take()) is not None:
                    name = f"abroad-{step.id}"
                    threading.Thread(target=self._go_on, args=(step,), name=name, daemon=True).start()

    def _take(self) -> Step | None:
        with self._lock:
            if self._stopping.is_set() or self._receivers.running >= THREADS:
                return None
            step = self._claim(self._receivers.closed())
            if step is not None:
                self._receivers.begin(receiver(step))
            return step

    def _go_on(self, step: Step | None) -> None:
        while step is not None:
            begun = time.monotonic()
            outcome = "crashed"
            try:
                outcome = self._work(step)
            finally:
                well = outcome == "done" and time.monotonic() - begun < SLOW_SECONDS
                with self._lock:
                    self._receivers.end(receiver(step), well=well)
            step = None
            with suppress(Retryable):
                step = self._take()


def receiver(step: Step) -> str:
    """Whom a step speaks to: a webhook's id, or the name of a site's hub."""
    return str(step.input["to"])
