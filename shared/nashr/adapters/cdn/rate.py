"""A token bucket: how long until the next request may go. One per process; the edge has the last word."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Bucket:
    """``burst`` requests at once, then ``rate`` a second; 0 lets everything pass. ``clock`` in seconds."""

    def __init__(self, *, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._lock = Lock()
        self._tokens = float(burst)
        self._filled_at = clock()

    def take(self) -> float:
        """Takes a token and returns 0, or takes none and returns the seconds until there is one."""
        if not self._rate:
            return 0.0
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._tokens < 1.0:
                return (1.0 - self._tokens) / self._rate
            self._tokens -= 1.0
            return 0.0

    def empty(self) -> None:
        """The edge has said that it is enough."""
        with self._lock:
            self._tokens, self._filled_at = 0.0, self._clock()
