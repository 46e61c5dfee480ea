"""Runs a Supervisor over stand-ins: ``supervise.py PLAN.json``; the plan is written by conftest.py."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from nashr.runtime import folder
from nashr.runtime.launch import Program
from nashr.runtime.programs import StackError
from nashr.runtime.supervisor import StopAsked, Supervisor

plan = json.loads(Path(sys.argv[1]).read_text())
data = Path(plan["data"])
notes = str(data / "notes")


def program(name: str, words: list[str], grace: float) -> Program:
    ready = data / "run" / f"{name}.ready"
    standin = str(Path(__file__).with_name("standin.py"))
    return Program(
        name=name,
        argv=(sys.executable, "-I", standin, f"{notes}.{name}", f"ready={ready}", *words),
        env={},
        cwd=data,
        ready=ready.exists,
        ready_file=ready,
        grace_seconds=grace,
    )


def exited(name: str, pid: int) -> None:
    handle = os.open(f"{notes}.exits", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{name} {pid}\n".encode())
    os.close(handle)


folder.open_folder(data)
with folder.locked(data) as lock, Supervisor(data, on_exit=exited, lock=lock) as supervisor:
    try:
        for name, words in plan["programs"].items():
            supervisor.start(program(name, words, plan["grace"]))
        supervisor.wait_ready(plan["programs"], seconds=60)
        supervisor.settled()
        supervisor.run()
    except StopAsked:
        pass
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    finally:
        supervisor.stop(plan["order"])
