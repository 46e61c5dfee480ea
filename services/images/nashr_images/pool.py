"""Runs ``core.render`` in child processes with limits on memory, CPU and time.

Owns their life: started early, kept few, replaced after a crash, gone with their parent. Never
loads libvips in this process: it need not pay for a decoder, nor trust one with strangers' bytes.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from itertools import accumulate
from math import ceil
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import ClassVar, Final

from pebble import ProcessExpired, ProcessPool

from nashr_images.renditions import (
    MAX_PIXELS,
    RECIPE,
    DecoderUnavailable,
    ImageCrashed,
    Recipe,
    Rendered,
)

_TASKS_PER_CHILD: Final = 100
_START_SECONDS: Final = 30.0
_CHILD_ENVIRONMENT: Final = {"VIPS_CONCURRENCY": "1", "VIPS_BLOCK_UNTRUSTED": "1"}
BEHIND: Final = 5  # niceness: on a busy machine pages go out before pictures are made
_MALLOC: Final = {-8: 2, -3: 1 << 25, -1: 1 << 27}
"""Of glibc's mallopt(3): few arenas; and large blocks kept while a photo is at work, which saves 15 % of its
CPU beside what the services run with. They go back to the system after it."""
_SMALLEST_GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class DecodePool:
    """Renders photos in at most ``workers`` children; callers beyond that wait their turn.

    ``timeout_seconds`` is wall-clock time per photo, ``memory_bytes`` the address space that a
    photo may take beyond an idle child's. After ``rest_seconds`` without work one child stays.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout_seconds: float = 30.0,
        memory_bytes: int = 3 << 29,
        max_pixels: int = MAX_PIXELS,
        rest_seconds: float = 30.0,
    ) -> None:
        self._max_pixels = max_pixels
        self._rest_seconds = rest_seconds
        self._closed = False
        self._rest_timer: threading.Timer | None = None
        self._children = tuple(
            _Child(timeout_seconds=timeout_seconds, memory_bytes=memory_bytes) for _ in range(workers)
        )
        # Last in, first out: in quiet times one child does all the work and the rest never start.
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    def warm(self) -> None:
        """Starts one child and runs a one-pixel photo through it: the first real one finds it ready."""
        self.render(_SMALLEST_GIF)

    def render(self, source: bytes | Path, *, recipe: Recipe = RECIPE) -> Rendered:
        """``core.render`` in a child, which reads a ``Path`` by itself.

        Raises what ``core.render`` raises, ImageCrashed when the photo cost its child the life or
        went over a limit, and DecoderUnavailable (retryable) when no child could be kept at all.
        """
        with self._borrowed() as child, _in_memory(source) as path, _in_memory(b"") as output:
            rendered, sizes = child.render(path, output, recipe, self._max_pixels)
            return _with_data(rendered, sizes, Path(output).read_bytes())

    def close(self) -> None:
        """Refuses new photos, waits for running ones (each has its time limit), ends all children."""
        already, self._closed = self._closed, True
        if self._rest_timer:
            self._rest_timer.cancel()
        for _ in () if already else self._children:
            self._idle.get().stop()

    @contextmanager
    def _borrowed(self) -> Iterator[_Child]:
        if self._closed:
            raise DecoderUnavailable("The decode pool is closed: its worker is shutting down.")
        child = self._idle.get()
        try:
            yield child
        finally:
            self._idle.put(child)
            self._rest_later()

    def _rest_later(self) -> None:
        if self._rest_timer:
            self._rest_timer.cancel()
        self._rest_timer = threading.Timer(self._rest_seconds, self._rest)
        self._rest_timer.daemon = True
        self._rest_timer.start()

    def _rest(self) -> None:
        """Ends idle children but the one used last: each holds 35 to 65 MB (measured)."""
        idle: list[_Child] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for spare in idle[1:]:
            spare.stop()
        for child in reversed(idle):
            self._idle.put(child)


@dataclass(frozen=True)
class _Limits:
    """What one photo may take of its child."""

    seconds: float
    memory_bytes: int


class _Child:
    """One child process, in a pebble pool of its own: its crash or rest concerns no other."""

    def __init__(self, *, timeout_seconds: float, memory_bytes: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_bytes
        self._pool: ProcessPool | None = None

    def render(
        self, source: str, output: str, recipe: Recipe, max_pixels: int
    ) -> tuple[Rendered, tuple[int, ...]]:
        """Runs one photo; a child that died while idle is replaced without blaming the photo."""
        limits = _Limits(seconds=self._timeout_seconds, memory_bytes=self._memory_bytes)
        task = (source, output, recipe, max_pixels, limits)
        try:
            return self._attempt(task)
        except RuntimeError:
            self.stop()
        try:
            return self._attempt(task)
        except RuntimeError as error:
            self.stop()
            raise DecoderUnavailable(f"No decoder process could be started: {error}.") from error

    def stop(self) -> None:
        """Ends the child; the next photo starts another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _attempt(self, task: tuple[object, ...]) -> tuple[Rendered, tuple[int, ...]]:
        future = self._started().schedule(_render_in_child, args=task, timeout=self._timeout_seconds)
        try:
            # The longer wait here is for the pool's own watch failing: nobody waits for ever.
            return future.result(timeout=self._timeout_seconds + _START_SECONDS)
        except (ImageCrashed, ProcessExpired, TimeoutError, MemoryError) as error:
            self.stop()
            self._started()  # at once, so that the next photo need not wait for it
            raise ImageCrashed(_crash_report(error, self._timeout_seconds)) from error

    def _started(self) -> ProcessPool:
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=1,
                max_tasks=_TASKS_PER_CHILD,
                initializer=_prepare_child,
                context=_LeanContext(),
            )
        if not self._pool.active:  # reading it also starts the process of a new pool
            raise RuntimeError("its pool has stopped")
        return self._pool


class _LeanProcess(SpawnProcess):
    """A spawned child that does not import the parent's main module a second time.

    With the worker's it would hold 111 MB instead of 35 (measured) and start far later. Spawning
    skips main modules called ``__main__``, as those of packages are, so that is what it is told.
    """

    _one_at_a_time: ClassVar = threading.Lock()

    def start(self) -> None:
        main = sys.modules["__main__"]
        with self._one_at_a_time:
            spec, main.__spec__ = main.__spec__, ModuleSpec("nashr_images.__main__", None)
            try:
                super().start()
            finally:
                main.__spec__ = spec


class _LeanContext(SpawnContext):
    Process = _LeanProcess


def _crash_report(error: Exception, timeout_seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"Decoding the image took longer than {timeout_seconds:g} s. Send a smaller version."
    if isinstance(error, ProcessExpired):
        return (
            f"Decoding the image ended its process (exit code {error.exitcode}). "
            "Export it again, as a smaller plain JPEG, and send the new file."
        )
    return str(error) or "Decoding the image takes too much memory. Send a smaller version."


@contextmanager
def _in_memory(source: bytes | Path) -> Iterator[str]:
    """A path where a child finds the bytes. Nothing to clean up, whoever is killed.

    Photos pass by file and only a few hundred bytes by pipe, since a child that is killed while
    it writes a longer message leaves half of it, and its reader waiting for ever.
    """
    if isinstance(source, Path):
        yield str(source.resolve())
        return
    descriptor = os.memfd_create("nashr-images")
    try:
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
        Path(path).write_bytes(source)
        yield path
    finally:
        os.close(descriptor)


def _with_data(rendered: Rendered, sizes: tuple[int, ...], data: bytes) -> Rendered:
    ends = tuple(accumulate(sizes))
    return replace(
        rendered,
        renditions=tuple(
            replace(rendition, data=data[end - size : end])
            for rendition, size, end in zip(rendered.renditions, sizes, ends, strict=True)
        ),
    )


# What follows runs in the child.


def _prepare_child() -> None:
    # Pebble's handler runs between bytecodes only: a decode that hangs would never hear it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.nice(BEHIND)
    os.environ.update(_CHILD_ENVIRONMENT)
    for option, value in _MALLOC.items():
        ctypes.CDLL(None).mallopt(option, value)
    importlib.import_module("nashr_images.core")
    _set_soft(resource.RLIMIT_CORE, 0)


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG would fire when the *thread* that started this child ends.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _render_in_child(
    source: str, output: str, recipe: Recipe, max_pixels: int, limits: _Limits
) -> tuple[Rendered, tuple[int, ...]]:
    from nashr_images import core  # noqa: PLC0415 - the parent must never load libvips

    _apply(limits)
    try:
        rendered = core.render(Path(source).read_bytes(), recipe=recipe, max_pixels=max_pixels)
        return _without_data(rendered, Path(output))
    finally:
        # Freed but fragmented memory would else stay: 500 MB after 200 photos (measured).
        ctypes.CDLL(None).malloc_trim(0)


def _apply(limits: _Limits) -> None:
    """Counts from what this process has used so far: it serves many photos, each with its share."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(resource.RLIMIT_CPU, ceil(usage.ru_utime + usage.ru_stime + limits.seconds) + 1)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _set_soft(resource.RLIMIT_AS, in_use + limits.memory_bytes)


def _set_soft(kind: int, amount: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (amount if hard < 0 else min(amount, hard), hard))


def _without_data(rendered: Rendered, output: Path) -> tuple[Rendered, tuple[int, ...]]:
    output.write_bytes(b"".join(made.data for made in rendered.renditions))
    emptied = tuple(replace(made, data=b"") for made in rendered.renditions)
    sizes = tuple(len(made.data) for made in rendered.renditions)
    return replace(rendered, renditions=emptied), sizes
