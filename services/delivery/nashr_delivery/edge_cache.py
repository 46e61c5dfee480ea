"""Entries in memory, bounded in bytes, least used first out; one fetch per key at a time.

A purge forgets entries and disowns the fetches under way: those answer whoever asked before the purge
and nobody else.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from nashr_delivery.edge_entry import Entry

Fetch = Callable[[], Awaitable[Entry | None]]


class Cache:
    """At most ``limit`` bytes of entries by object key. One event loop, no locks."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._keyed: dict[str, set[str]] = {}
        self._flights: dict[str, asyncio.Task[Entry | None]] = {}

    def get(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    async def fill(self, key: str, fetch: Fetch) -> Entry | None:
        """What ``fetch`` brings, through the fetch already under way for ``key`` if there is one.

        A reader who leaves does not end the fetch: others may wait for it.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key, fetch))
        return await asyncio.shield(flight)

    async def _fly(self, key: str, fetch: Fetch) -> Entry | None:
        this = asyncio.current_task()
        try:
            entry = await fetch()
            if self._flights.get(key) is this:
                self._settle(key, entry)
            return entry
        finally:
            if self._flights.get(key) is this:
                del self._flights[key]

    def _settle(self, key: str, entry: Entry | None) -> None:
        self._drop(key)
        if entry is None or not entry.storable or entry.size > self.limit // 4:
            return
        self._entries[key] = entry
        self.size += entry.size
        for name in entry.keys:
            self._keyed.setdefault(name, set()).add(key)
        while self.size > self.limit:
            self._drop(next(iter(self._entries)))

    def extend(self, key: str, entry: Entry, *, until: float) -> Entry:
        """Lets a stale entry stand until then, so that not every reader waits for a dead origin."""
        stale = replace(entry, fresh_until=until, stale=True)
        if self._entries.get(key) is entry:
            self._entries[key] = stale
        return stale

    def purge(self, keys: Iterable[str], *, tags: Iterable[str] = ()) -> int:
        """Forgets these keys and whatever carries one of ``tags``; returns how many entries went.

        Which tags a fetch under way will bring is unknown, so a purge by tag disowns them all.
        """
        named, tags = set(keys), list(tags)
        if tags:
            self._flights.clear()
        for key in named:
            self._flights.pop(key, None)
        for tag in tags:
            named |= self._keyed.get(tag, set())
        return sum(self._drop(key) for key in named)

    def _drop(self, key: str) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.size -= entry.size
        for name in entry.keys:
            self._keyed[name].discard(key)
            if not self._keyed[name]:
                del self._keyed[name]
        return True
