"""Draws in child processes under limits of memory, CPU and time: a hostile image kills a child only.

The parent never loads libvips. Children are spawned (never forked), recycled by count, and end with
their parent. Heroes and cards pass by memory files: a child killed while it writes a long message to
its pipe would leave half of it, and the reader waiting for ever.
"""

from __future__ import annotations

import ctypes
import math
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import TimeoutError as Timeout
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nashr.domain.errors import Retryable
from pebble import ProcessExpired, ProcessPool

from nashr_cards.card import Card, CardText, Theme, UnreadableHero

BEHIND: Final = 5  # niceness: on a busy machine pages go out before pictures are drawn
_MALLOC: Final = {-8: 1, -3: 1 << 25, -1: 1 << 27}  # of glibc's mallopt(3): arenas, blocks kept for reuse
_WARM: Final = CardText("نشر nashr", "", "ar", "rtl")


class CardCrashed(Retryable):
    """The child that drew the card died, or ran out of memory, CPU or time."""


@dataclass(frozen=True)
class Limits:
    """Of one child: wall and CPU seconds per card, bytes beyond an idle child's, cards per life."""

    seconds: float = 8.0
    memory: int = 1 << 29
    cards: int = 500


class CardPool:
    """``size`` resident children; thread-safe."""

    def __init__(self, *, size: int = 1, limits: Limits | None = None) -> None:
        self._size = size
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._pool = self._new_pool()

    def draw(
        self,
        text: CardText,
        *,
        hero: bytes | None,
        focal: tuple[float, float] | None,
        theme: Theme,
        size: tuple[int, int] = (1200, 630),
    ) -> Card:
        """As core.draw, in a child. Raises CardCrashed, UnreadableHero."""
        limits = self._limits
        with _in_memory(hero) as source, _in_memory(b"") as output:
            assert output is not None
            task = self._live_pool().schedule(
                _draw,
                args=(text, source, output, focal, theme, size, limits),
                timeout=limits.seconds,
            )
            try:
                return replace(task.result(), data=Path(output).read_bytes())
            except Timeout as error:
                raise CardCrashed(f"the card took over {limits.seconds:g} s to draw") from error
            except (ProcessExpired, MemoryError, RuntimeError) as error:
                raise CardCrashed(f"the child drawing the card died: {error}") from error

    def warm(self) -> None:
        """Starts a child and draws once, so that the first card does not wait for fonts."""
        self.draw(_WARM, hero=None, focal=None, theme=Theme("", "", "", ""), size=(120, 63))

    def close(self) -> None:
        """Waits for cards being drawn, then ends the children."""
        self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _live_pool(self) -> ProcessPool:
        with self._lock:
            if not self._pool.active:  # a child that could not start has stopped it
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._size,
            max_tasks=self._limits.cards,
            initializer=_enter,
            initargs=(self._limits.memory,),
            context=multiprocessing.get_context("spawn"),
        )


@contextmanager
def _in_memory(data: bytes | None) -> Iterator[str | None]:
    """A path where a child finds ``data``; nothing to clean up, whoever is killed."""
    if data is None:
        yield None
        return
    descriptor = os.memfd_create("nashr-cards")
    try:
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
        Path(path).write_bytes(data)
        yield path
    finally:
        os.close(descriptor)


# What follows runs in the child.


def _enter(memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Python's would wait for libvips to return
    # Not PR_SET_PDEATHSIG: that fires when the thread that started this child ends.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(BEHIND)
    for option, value in _MALLOC.items():
        ctypes.CDLL(None).mallopt(option, value)
    os.environ.update(VIPS_CONCURRENCY="1")
    import pyvips  # noqa: PLC0415  only children may load libvips

    pyvips.cache_set_max(0)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, in_use + memory)
    _limit(resource.RLIMIT_CORE, 0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _limit(kind: int, amount: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (amount if hard < 0 else min(amount, hard), hard))


def _draw(
    text: CardText,
    source: str | None,
    output: str,
    focal: tuple[float, float] | None,
    theme: Theme,
    size: tuple[int, int],
    limits: Limits,
) -> Card:
    import pyvips  # noqa: PLC0415

    from nashr_cards import core  # noqa: PLC0415

    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + limits.seconds) + 1)
    failure: Exception
    try:
        hero = Path(source).read_bytes() if source else None
        card = core.draw(text, hero=hero, focal=focal, theme=theme, size=size)
        Path(output).write_bytes(card.data)
        return replace(card, data=b"")
    # Raised anew: a traceback would keep the images of its frames alive until the next card, and
    # libvips' own class would bring libvips into the parent.
    except UnreadableHero as error:
        failure = UnreadableHero(str(error))
    except pyvips.Error as error:
        failure = CardCrashed(f"libvips could not draw the card: {error}")
    finally:
        ctypes.CDLL(None).malloc_trim(0)
    raise failure
