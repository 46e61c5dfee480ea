"""Notices that a file of a site's look has changed, by looking at times and sizes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

EVERY: Final = 0.25  # s


class Watch:
    """Counts the changes of files and of everything in folders. ``places`` may come and go."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._seen = _state(places)
        self._turn = threading.Condition()
        self.count = 0

    def look(self, *places: Path) -> int:
        """Looks once, at ``places`` too from now on; returns the count."""
        with self._turn:
            self._places = tuple(dict.fromkeys((*self._places, *places)))
            state = _state(self._places)
            if state != self._seen:
                self._seen = state
                self.count += 1
                self._turn.notify_all()
            return self.count

    def keep_looking(self) -> None:
        """Looks for ever, for a thread of its own."""
        while True:
            self.look()
            time.sleep(EVERY)

    def changed(self, since: int, *, within: float) -> int:
        """The count once it is another than ``since``, or after ``within`` seconds."""
        with self._turn:
            self._turn.wait_for(lambda: self.count != since, timeout=within)
            return self.count


def _state(places: Sequence[Path]) -> dict[str, tuple[int, int]]:
    return {f"{file}": stamp for place in places for file in _files(place) if (stamp := _stamp(file))}


def _files(place: Path) -> Iterator[Path]:
    yield from (file for file in place.rglob("*") if file.is_file()) if place.is_dir() else (place,)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:  # gone between two looks
        return None
    return found.st_mtime_ns, found.st_size
