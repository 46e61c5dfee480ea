"""How much the API takes on at once, and from one token: what is more is refused before any work.

Counters of one process, changed by its event loop only. 429 and 503 say when to come again; only Lanes wait,
and not for long.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from nashr.runtime.giving_way import Way

from nashr_ingest.problems import RefusedWith

MOST_BUCKETS: Final = 10_000
"""Credentials that are remembered; the one that was used least recently is forgotten first."""
STREAM_THREADS: Final = 4
SPARE_THREADS: Final = 8


@dataclass(frozen=True)
class Allowance:
    """What a process takes on. ``rate`` 0: a token may send as much as there is room for.

    Of ``requests``, ``at_work`` have a thread and a connection to the database at once; ``breaking`` have
    places, threads and connections of their own. ``patience``: seconds until it is a request's turn.
    """

    requests: int = 64
    at_work: int = 12
    breaking: int = 8
    patience: float = 3.0
    uploads: int = 16
    streams: int = 200
    body_bytes: int = 64 * 1024 * 1024
    rate: float = 200.0
    burst: int = 1000

    @property
    def threads(self) -> int:
        """For all that may be at work at once, and some for tokens of streams and for probes."""
        return self.at_work + self.breaking + self.uploads + STREAM_THREADS + SPARE_THREADS


class Buckets:
    """One token bucket for each credential, in bounded memory."""

    def __init__(self, *, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, credential: bytes) -> None:
        """Counts one request. Raises Refused("overloaded"), 429, with the seconds until there is room."""
        if not self._rate:
            return
        now = self._clock()
        left, since = self._left.pop(credential, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[credential] = (left - 1 if allowed else left, now)
        if len(self._left) > MOST_BUCKETS:
            self._left.popitem(last=False)
        if not allowed:
            raise RefusedWith(
                "overloaded",
                f"this token sends more than {self._rate:g} requests a second: send them more slowly",
                retry_after=max(1, ceil((1 - left) / self._rate)),
            )


@dataclass
class Room:
    """Places of one kind: ``kept`` of them are for what goes first."""

    name: str
    places: int
    kept: int = 0
    taken: int = field(default=0, init=False)

    @contextmanager
    def place(self, *, first: bool = False) -> Iterator[None]:
        """Holds a place. Raises Refused("unavailable"), 503, where there is none."""
        if self.taken >= (self.places if first else self.places - self.kept):
            raise busy(f"{self.name} are as many as this process takes on at once")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


class Lanes:
    """Who is at work, each in a thread: what goes first has a lane that nothing else may use.

    And the right of way (``hurry``): other requests begin one by one for a moment.
    """

    def __init__(self, *, ordinary: int, breaking: int, patience: float) -> None:
        self._ordinary = asyncio.Semaphore(ordinary)
        self._breaking = asyncio.Semaphore(breaking) if breaking else self._ordinary
        self._patience = patience
        self._way = Way(hold=0.6, trickle=0.2, most=1.2)
        self._giving_way = asyncio.Lock()

    def hurry(self) -> None:
        """Breaking news of a known sender is on its way: others begin one by one for a moment."""
        self._way.breaking()

    @asynccontextmanager
    async def turn(self, *, first: bool) -> AsyncIterator[None]:
        """Waits for a turn, in order. Raises Refused("unavailable"), 503, where none comes in time."""
        lane = self._breaking if first else self._ordinary
        try:
            async with asyncio.timeout(self._patience):
                if not first:
                    await self._give_way()
                await lane.acquire()
        except TimeoutError:
            raise busy("the requests before this one take long") from None
        try:
            yield
        finally:
            lane.release()

    async def _give_way(self) -> None:
        async with self._giving_way:  # whoever came first begins first
            while pause := self._way.pause():
                await asyncio.sleep(pause)


class Held:
    """Bytes of bodies that are in memory, in all requests together."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    def add(self, size: int) -> None:
        """Raises Refused("unavailable") where the memory for bodies is full; give back what was added."""
        if self._now + size > self._most:
            raise busy("the bodies that are arriving fill the memory kept for them")
        self._now += size

    def give_back(self, size: int) -> None:
        self._now -= size


def busy(detail: str) -> RefusedWith:
    """503: try again in a moment."""
    return RefusedWith("unavailable", f"{detail}: try again with the same Idempotency-Key", retry_after=1)
