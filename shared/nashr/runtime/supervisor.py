"""Keeps child programs running: starts, watches, restarts, stops them in order, leaves none behind.

One thread and one loop: it waits for signals and acts. It knows nothing of nashr's services.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from nashr.runtime import launch, records
from nashr.runtime.child import Child, State
from nashr.runtime.guarded import Guard
from nashr.runtime.launch import Program
from nashr.runtime.processes import children_of, last_words, send, send_group
from nashr.runtime.programs import StackError
from nashr.runtime.wakeups import Wakeups

T = TypeVar("T")
OnExit: TypeAlias = Callable[[str, int], None]

EARLY_DEATHS = 6
READY_POLL = 0.05
IDLE_POLL = 5.0
HOOK_SECONDS = 2.0
PR_SET_CHILD_SUBREAPER = 36


class StopAsked(Exception):
    """A stop signal came while something else was going on."""


class Supervisor:
    """Use as a context from the main thread; leaving it, however, ends every child.

    ``on_exit(name, pid)`` hears of each death at once, in a thread of its own; not of an orderly end.
    ``lock``: a descriptor kept open until the last child is gone, even if we are killed.
    """

    def __init__(self, data: Path, *, on_exit: OnExit | None = None, lock: int = -1) -> None:
        self._data = data
        self._children: dict[str, Child] = {}
        self._strangers = children_of(os.getpid())  # of a script that became us
        self._wakeups = Wakeups()
        self._guard = Guard(lock=lock)
        self._stops = 0
        self._state = "starting"
        self._deaths: queue.Queue[tuple[str, int]] = queue.Queue()
        self._herald = threading.Thread(target=self._tell, args=(on_exit,), name="on-exit", daemon=True)

    def __enter__(self) -> Supervisor:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wakeups.__enter__()
        self._herald.start()
        self._write_status()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop([list(self._children)])
        self._end_orphans()
        self._guard.close()
        self._state = "stopped"
        self._write_status()
        self._wakeups.__exit__()

    def start(self, program: Program) -> None:
        """Starts ``program`` now and from now on whenever it dies."""
        child = Child(program)
        self._children[program.name] = child
        self._launch(child)

    def wait_ready(self, names: Iterable[str], *, seconds: float) -> None:
        """Returns when all are ready. Raises StackError with their last words, or StopAsked."""
        deadline = time.monotonic() + seconds
        wanted = [self._children[name] for name in names]
        while late := [child for child in wanted if child.state != "ready"]:
            for child in late:
                if child.failures >= EARLY_DEATHS or time.monotonic() > deadline:
                    raise StackError(self._complaint(child))
            self._turn(IDLE_POLL)

    def beside(self, work: Callable[[], T]) -> T:
        """Runs ``work`` in a thread while the children are watched. Raises what it raises, or StopAsked.

        If ``work`` starts a process, the loop may take its exit code: let it tell the outcome another way.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def target() -> None:
            try:
                results.append(work())
            except BaseException as error:  # carried to the caller's thread
                errors.append(error)
            self._wakeups.nudge()

        threading.Thread(target=target, name="beside", daemon=True).start()
        while not results and not errors:
            self._turn(IDLE_POLL)
        if errors:
            raise errors[0]
        return results[0]

    def settled(self) -> None:
        """The start is over: status.json says ready."""
        self._state = "ready"
        self._write_status()

    def run(self) -> None:
        """Watches until a stop signal comes."""
        with suppress(StopAsked):
            while True:
                self._turn(IDLE_POLL)

    def stop(self, order: Sequence[Sequence[str]]) -> None:
        """Stops group after group: the stop signal to all of one, their grace, then SIGKILL.

        One more stop signal while this runs, and nothing is waited for any longer.
        """
        self._state = "stopping"
        asked = self._stops
        for group in order:
            children = [self._children[name] for name in group if name in self._children]
            self._stop_together(children, hurried=lambda: self._stops > max(asked, 1))

    def _turn(self, seconds: float) -> None:
        self._stops += self._wakeups.wait(min(seconds, self._pause()))
        self._reap()
        if self._stops:
            raise StopAsked
        now = time.monotonic()
        for child in self._children.values():
            if child.state == "waiting" and child.due <= now:
                child.restarts += 1
                self._launch(child)
            elif child.state == "starting" and child.program.ready():
                self._enter(child, "ready")

    def _pause(self) -> float:
        """How long nothing can be due, unless a signal comes."""
        pauses = [IDLE_POLL]
        for child in self._children.values():
            if child.state == "starting":
                pauses.append(READY_POLL)
            elif child.state == "waiting":
                pauses.append(child.due - time.monotonic())
        return min(pauses)

    def _launch(self, child: Child) -> None:
        child.started = time.monotonic()
        try:
            child.process = launch.launch(child.program, log=self._log(child))
        except OSError:  # no process, no descriptor or no room to be had now
            child.wait_a_turn()
            self._write_status()
            return
        self._guard.add(child.process.pid, death_signal=child.program.death_signal)
        self._enter(child, "starting")

    def _reap(self) -> None:
        """Looks before it reaps: while the dead leader keeps its pid, its group can be killed safely."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            child = next((c for c in self._children.values() if c.pid == ended.si_pid), None)
            if child is not None:
                self._ended(child)
            elif ended.si_pid == self._guard.pid:
                self._guard.restart()
            else:
                with suppress(ChildProcessError):  # whoever started it was quicker
                    os.waitpid(ended.si_pid, 0)

    def _ended(self, child: Child) -> None:
        assert child.process is not None
        pid = child.process.pid
        send_group(pid, signal.SIGKILL)
        child.process.wait()
        if child.state != "stopping":
            self._deaths.put((child.program.name, pid))
        child.process = None
        self._guard.remove(pid)
        if child.state == "stopping":
            child.enter("stopped")
        else:
            child.wait_a_turn()
        self._write_status()

    def _stop_together(self, children: Sequence[Child], *, hurried: Callable[[], bool]) -> None:
        started = time.monotonic()
        for child in children:
            if child.process is not None:
                self._enter(child, "stopping")
                send(child.process.pid, child.program.stop_signal)
            elif child.state != "stopped":
                self._enter(child, "stopped")
        while left := [child for child in children if child.process is not None]:
            for child in left:
                assert child.process is not None
                if hurried() or time.monotonic() - started > child.program.grace_seconds:
                    send_group(child.process.pid, signal.SIGKILL)
            self._stops += self._wakeups.wait(0.1)
            self._reap()
        self._settle_deaths()

    def _settle_deaths(self) -> None:
        """Lets on_exit finish while the servers it needs still run."""
        deadline = time.monotonic() + HOOK_SECONDS
        while self._deaths.unfinished_tasks and time.monotonic() < deadline:
            self._stops += self._wakeups.wait(READY_POLL)

    def _end_orphans(self) -> None:
        """Children of children that left their group came to us when their parent died."""
        spared = {self._guard.pid, *self._strangers}
        deadline = time.monotonic() + HOOK_SECONDS
        while (left := children_of(os.getpid()) - spared) and time.monotonic() < deadline:
            for pid in left:
                send(pid, signal.SIGKILL)
            self._wakeups.wait(READY_POLL)
            self._reap()

    def _tell(self, on_exit: OnExit | None) -> None:
        while True:
            name, pid = self._deaths.get()
            with suppress(Exception):  # a help to others: without it they wait a little longer
                if on_exit is not None:
                    on_exit(name, pid)
            self._deaths.task_done()

    def _complaint(self, child: Child) -> str:
        log = self._log(child)
        return f"{child.program.name} does not get ready, its last words: {last_words(log)} (log: {log})"

    def _log(self, child: Child) -> Path:
        return self._data / "logs" / f"{child.program.name}.log"

    def _enter(self, child: Child, state: State) -> None:
        child.enter(state)
        self._write_status()

    def _write_status(self) -> None:
        programs = [child.row() for child in self._children.values()]
        with suppress(OSError):  # a full disk must not end the supervision
            records.write(
                self._data / records.STATUS,
                {"pid": os.getpid(), "state": self._state, "programs": programs},
            )
