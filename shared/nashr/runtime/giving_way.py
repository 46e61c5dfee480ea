"""Breaking news has the right of way: while some is under way, a process begins hardly anything else.

Slots, threads and connections of its own bring breaking work to the processors early. That these are free is
seen to here; why and by how much: benchmarks/load/README.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf


class Way:
    """What one process knows of breaking work.

    Others wait until nothing was heard of it for ``hold`` seconds. One of them may begin every ``trickle``
    seconds, though, and after ``most`` seconds on end all may for REST_SECONDS: they never starve.
    """

    REST_SECONDS = 1.0

    def __init__(
        self, *, hold: float, trickle: float, most: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hold, self._trickle, self._most, self._clock = hold, trickle, most, clock
        self._lock = threading.Lock()
        self._until = self._next = clock()
        self._latest = -inf  # when this hold ends, whatever is heard
        self._free = True  # somebody else began since

    def breaking(self) -> None:
        """Some was asked for, or has come a step further."""
        with self._lock:
            now = self._clock()
            if now >= self._until:
                rested, spent = now >= self._until + self.REST_SECONDS, self._until == self._latest
                if spent and not rested:
                    return
                if rested or self._free:
                    self._next, self._latest = now + self._trickle, now + self._most
                self._free = False
            self._until = min(now + self._hold, self._latest)

    def pause(self) -> float:
        """Seconds that anything else is to wait from now, and then to ask again; 0: it may begin."""
        with self._lock:
            now = self._clock()
            wait = min(self._until, self._next) - now
            if wait > 0:
                return wait
            if now < self._until:
                self._next = now + self._trickle
            else:
                self._free = True
            return 0.0
