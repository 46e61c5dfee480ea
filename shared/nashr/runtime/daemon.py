"""``nashr up`` in front of a terminal, or detached: who is told when the stack is ready, or why it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nashr.runtime.programs import StackError
from nashr.runtime.stack import Endpoints

NOTIFY = "NASHR_NOTIFY_FD"


class Terminal:
    """Prints the addresses to whoever started us."""

    def opened(self, data: Path) -> None:
        """Nothing to do."""

    def ready(self, endpoints: Endpoints, *, data: Path) -> None:
        """Prints the addresses."""
        print_addresses(endpoints, data=data)

    def failed(self, message: str) -> None:
        """Nothing to do: the command line prints it."""


class Detached:
    """Tells the process that started us, through the pipe it left open, and turns to the log."""

    def __init__(self, pipe: int) -> None:
        self._pipe: int | None = pipe
        os.set_inheritable(pipe, False)

    def opened(self, data: Path) -> None:
        """From here on what we print goes to DIR/logs/supervisor.log."""
        log = os.open(data / "logs" / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        os.close(log)

    def ready(self, endpoints: Endpoints, *, data: Path) -> None:
        """The parent prints and returns."""
        self._tell({"endpoints": asdict(endpoints), "data": str(data)})

    def failed(self, message: str) -> None:
        """The parent prints ``message`` and fails."""
        self._tell({"error": message})

    def _tell(self, content: dict[str, Any]) -> None:
        if self._pipe is not None:
            with os.fdopen(self._pipe, "w") as pipe:
                json.dump(content, pipe)
            self._pipe = None


def reporter() -> Terminal | Detached:
    """The one that fits how this process was started."""
    pipe = os.environ.pop(NOTIFY, None)
    return Terminal() if pipe is None else Detached(int(pipe))


def detach(command: Sequence[str]) -> None:
    """Starts ``command`` (a ``nashr up``) as a process of its own; returns when its stack is ready.

    Raises StackError with the message of a start that failed.
    """
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command,
        env={**os.environ, NOTIFY: str(writing)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(writing,),
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            said = pipe.read()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    _report(said, process)


def _report(said: str, process: subprocess.Popen[bytes]) -> None:
    content: dict[str, Any] = json.loads(said or "{}")
    if "endpoints" not in content:
        process.wait()
        raise StackError(content.get("error", "the supervisor ended without a word: see the logs below DIR"))
    process.returncode = 0  # it goes on without us; Popen would warn that it still runs
    print_addresses(Endpoints(**content["endpoints"]), data=Path(content["data"]))


def print_addresses(endpoints: Endpoints, *, data: Path) -> None:
    """The lines that ``nashr up`` ends its start with."""
    lines = (
        f"site  {endpoints.site}",
        f"api   {endpoints.api}",
        f"docs  {endpoints.api}/docs",
        f"data  {data}  (endpoints.json holds the admin token)",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
