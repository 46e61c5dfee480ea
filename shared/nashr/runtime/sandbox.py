"""Runs dangerous functions in child processes with limits on memory, CPU and time.

Owns the children's life: started early, kept few, replaced after a crash, gone with their parent. What a
child works with is loaded in the child alone: its parent need not pay for a decoder, nor trust one.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import pickle
import queue
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from math import ceil
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, ClassVar, Final

from pebble import ProcessExpired, ProcessPool

from nashr.domain.errors import Unavailable

_START_SECONDS: Final = 30.0
_MALLOC: Final = {-8: 2, -3: 1 << 25, -1: 1 << 27}
"""Of glibc's mallopt(3): few arenas; and large blocks kept while a task is at work, which saves 15 % of its
CPU beside what the services run with. They go back to the system after it."""


class TaskCrashed(Exception):
    """The task cost its child the life, or went over a limit; the text says which."""


class SandboxUnavailable(Unavailable):
    """No child process could be started or kept: the task itself was not tried."""


@dataclass(frozen=True)
class Limits:
    """What one task may take: wall-clock seconds, and bytes of address space beyond an idle child's.

    ``threads``: how many it may keep busy for all that time. ``tasks``: how many a child runs before a fresh
    one takes its place. ``niceness``: how far behind the services the children work; on a busy machine pages
    go out before pictures are made.
    """

    seconds: float = 30.0
    memory_bytes: int = 3 << 29
    threads: int = 2
    tasks: int = 100
    niceness: int = 5


class Sandbox:
    """Runs functions of ``module`` in at most ``children`` processes; callers beyond that wait their turn.

    After ``rest_seconds`` without work one child stays. ``environment`` is set in the children.
    """

    def __init__(
        self,
        module: str,
        *,
        children: int = 2,
        limits: Limits | None = None,
        environment: dict[str, str] | None = None,
        rest_seconds: float = 30.0,
    ) -> None:
        self._rest_seconds = rest_seconds
        self._closed = False
        self._rest_timer: threading.Timer | None = None
        birth = (module, environment or {})
        self._children = tuple(_Child(birth, limits or Limits()) for _ in range(children))
        # Last in, first out: in quiet times one child does all the work and the rest never start.
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    def run(self, function: str, *args: Any, **options: Any) -> Any:
        """The function's result. Raises what it raises, TaskCrashed, or SandboxUnavailable (retryable)."""
        with self._borrowed() as child:
            return child.run(function, args, options)

    def close(self) -> None:
        """Refuses new tasks, waits for running ones (each has its time limit), ends all children."""
        already, self._closed = self._closed, True
        if self._rest_timer:
            self._rest_timer.cancel()
        for _ in () if already else self._children:
            self._idle.get().stop()

    @contextmanager
    def _borrowed(self) -> Iterator[_Child]:
        if self._closed:
            raise SandboxUnavailable("the pool of child processes is closed: its worker is shutting down")
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


class _Child:
    """One child process, in a pebble pool of its own: its crash or rest concerns no other."""

    def __init__(self, birth: tuple[str, dict[str, str]], limits: Limits) -> None:
        self._birth = birth
        self._limits = limits
        self._pool: ProcessPool | None = None

    def run(self, function: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Runs one task; a child that died while idle is replaced without blaming the task."""
        task = pickle.dumps((function, args, options))
        try:
            return self._attempt(task)
        except SandboxUnavailable:
            self.stop()
        try:
            return self._attempt(task)
        except SandboxUnavailable:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the child; the next task starts another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _attempt(self, task: bytes) -> Any:
        seconds = self._limits.seconds
        with _in_memory(task) as given, _in_memory(b"") as output:
            with _starting():
                future = self._started().schedule(
                    _run, args=(self._birth[0], given, output, self._limits), timeout=seconds
                )
            try:
                # The longer wait here is for the pool's own watch failing: nobody waits for ever.
                future.result(timeout=seconds + _START_SECONDS)
                return pickle.loads(Path(output).read_bytes())  # noqa: S301 - our own child wrote it
            except BrokenProcessPool as error:  # it ended without having begun
                raise SandboxUnavailable(f"no child process could be kept: {error}") from error
            except (ProcessExpired, TimeoutError, MemoryError) as error:
                self.stop()
                with suppress(RuntimeError, OSError):
                    self._started()  # at once, so that the next task need not wait for it
                raise TaskCrashed(_crash_report(error, seconds)) from error

    def _started(self) -> ProcessPool:
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=1,
                max_tasks=self._limits.tasks,
                initializer=_prepare,
                initargs=(*self._birth, self._limits.niceness),
                context=_LeanContext(),
            )
        if not self._pool.active:  # reading it also starts the process of a new pool
            raise RuntimeError("its pool has stopped")
        return self._pool


@contextmanager
def _starting() -> Iterator[None]:
    """A pool says by RuntimeError that it has no child; a task may raise one for reasons of its own."""
    try:
        yield
    except RuntimeError as error:
        raise SandboxUnavailable(f"no child process could be started: {error}") from error


class _LeanProcess(SpawnProcess):
    """A spawned child that does not import the parent's main module a second time.

    With a worker's it would hold 111 MB instead of 35 (measured) and start far later. Spawning
    skips main modules called ``__main__``, as those of packages are, so that is what it is told.
    """

    _one_at_a_time: ClassVar = threading.Lock()

    def start(self) -> None:
        main = sys.modules["__main__"]
        with self._one_at_a_time:
            spec, main.__spec__ = main.__spec__, ModuleSpec("nashr.__main__", None)
            try:
                super().start()
            finally:
                main.__spec__ = spec


class _LeanContext(SpawnContext):
    Process = _LeanProcess


def _crash_report(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"it took longer than {seconds:g} s"
    if isinstance(error, ProcessExpired):
        return f"it ended its process (exit code {error.exitcode})"
    return f"it took too much memory ({error})" if str(error) else "it took too much memory"


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path where a child finds the bytes. Nothing to clean up, whoever is killed.

    Tasks and results pass by file and only their paths by pipe, since a child that is killed while
    it writes a longer message leaves half of it, and its reader waiting for ever.
    """
    descriptor = os.memfd_create("nashr")
    try:
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
        Path(path).write_bytes(data)
        yield path
    finally:
        os.close(descriptor)


# What follows runs in the child.


def _prepare(module: str, environment: dict[str, str], niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Pebble's handler runs between bytecodes only: a decode that hangs would never hear it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.nice(niceness)
    os.environ.update(environment)
    tune_memory()
    importlib.import_module(module)
    _set_soft(resource.RLIMIT_CORE, 0)


def tune_memory() -> None:
    """Tells this process's allocator what suits large, short-lived pictures."""
    for option, value in _MALLOC.items():
        ctypes.CDLL(None).mallopt(option, value)


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG would fire when the *thread* that started this child ends.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run(module: str, given: str, output: str, limits: Limits) -> None:
    _apply(limits)
    try:
        function, args, options = pickle.loads(Path(given).read_bytes())  # noqa: S301 - our parent wrote it
        result = getattr(sys.modules[module], function)(*args, **options)
        Path(output).write_bytes(pickle.dumps(result))
        return
    except Exception as error:
        failure = error.with_traceback(None)  # its frames would keep what was decoded until the next task
        failure.__context__ = None
    finally:
        # Freed but fragmented memory would else stay: 500 MB after 200 photos (measured).
        ctypes.CDLL(None).malloc_trim(0)
    raise failure


def _apply(limits: Limits) -> None:
    """Counts from what this process has used so far: it serves many tasks, each with its share."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(
        resource.RLIMIT_CPU, ceil(usage.ru_utime + usage.ru_stime + limits.seconds * limits.threads) + 1
    )
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _set_soft(resource.RLIMIT_AS, in_use + limits.memory_bytes)


def _set_soft(kind: int, amount: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (amount if hard < 0 else min(amount, hard), hard))
