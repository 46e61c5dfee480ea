"""What the stack's tests share: waiting for a condition, supervisors and stacks in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nashr.runtime import control

PROGRAMS = Path(__file__).parent / "programs"


def until(condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """The first true answer of ``condition``."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.02)
    return answer


def alive(pid: int) -> bool:
    """Whether ``pid`` runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_of(data: Path) -> list[str]:
    """Every process that works in ``data`` or has it in its command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if int(process.name) != os.getpid() and alive(int(process.name)):
                inside = str((process / "cwd").readlink()).startswith(str(data))
                if inside or f"{data}" in command:
                    found.append(f"{process.name} {command}")
    return found


@dataclass
class Running:
    """A supervisor in a process of its own, and the folder it works in."""

    data: Path
    process: subprocess.Popen[str]
    errors: Path

    until = staticmethod(until)
    alive = staticmethod(alive)

    def left(self) -> list[str]:
        """What runs of it, other than the supervisor."""
        own = f"{self.process.pid} "
        return [line for line in processes_of(self.data) if not line.startswith(own)]

    def status(self) -> control.StackStatus:
        return control.status(self.data)

    def wait(self, state: str) -> Running:
        """Waits for the whole stack's state; fails with its message if it ends before."""

        def reached() -> bool:
            ended = self.process.poll() is not None and state != "stopped"
            assert not ended, self.errors.read_text()
            found = self.status()
            return found.state == state and (
                state != "ready" or all(program.state == "ready" for program in found.programs)
            )

        until(reached)
        return self

    def pid(self, name: str) -> int:
        """The program's present process, once it is ready."""
        return int(until(lambda: self._ready_pid(name)))

    def _ready_pid(self, name: str) -> int | None:
        found = [program for program in self.status().programs if program.name == name]
        return found[0].pid if found and found[0].state == "ready" else None

    def replaced(self, name: str, old: int) -> int:
        """The pid of ``name`` once another process than ``old`` is ready."""
        return int(until(lambda: (pid := self._ready_pid(name)) != old and pid))

    def notes(self, name: str) -> list[list[str]]:
        """What a stand-in wrote down: event, pid, monotonic time."""
        path = self.data / f"notes.{name}"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def kill(self) -> None:
        """kill -9 of the supervisor; returns once it is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signals the supervisor and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=90)


@dataclass
class Starter:
    """Starts supervisors and stacks, and ends them with the test."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def supervisor(
        self, programs: dict[str, list[str]], *, order: Sequence[Sequence[str]] = (), grace: float = 30.0
    ) -> Running:
        """A supervisor over stand-ins, each with its words."""
        data = self.folder / "data"
        plan = self.folder / "plan.json"
        plan.write_text(
            json.dumps(
                {
                    "data": str(data),
                    "programs": programs,
                    "order": order or [list(programs)],
                    "grace": grace,
                }
            )
        )
        return self._start([sys.executable, str(PROGRAMS / "supervise.py"), str(plan)], data)

    def stack(self, *, data: Path | None = None, words: Sequence[str] = (), **options: Any) -> Running:
        """A stack with stand-in services; ``options`` go to Popen, ``words`` to run_stack.py."""
        data = data or self.folder / "data"
        command = [sys.executable, str(PROGRAMS / "run_stack.py"), str(data), *words]
        return self._start(options.pop("command", command), data, **options)

    def _start(self, command: Sequence[str], data: Path, **options: Any) -> Running:
        errors = self.folder / f"errors.{len(self.started)}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
        environment |= {"PYTHONPATH": str(PROGRAMS), **options.pop("env", {})}
        with errors.open("w") as file:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                text=True,
                start_new_session=True,
                **options,
            )
        running = Running(data, process, errors)
        self.started.append(running)
        return running

    def close(self) -> None:
        for running in self.started:
            running.stop()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def shared_starter() -> Iterator[Starter]:
    """For stacks that several tests only look at."""
    with tempfile.TemporaryDirectory(prefix="nashr-test-") as folder:
        starter = Starter(Path(folder))
        yield starter
        starter.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="nashr-open-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
