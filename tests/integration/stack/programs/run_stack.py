"""Runs a stack with stand-in services: ``run_stack.py DIR [words]``.

Words: ``service`` (one stand-in service), ``unprepared`` (prepare fails), ``detach``, ``api=N``, ``site=N``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from nashr.runtime import daemon, stack
from nashr.runtime.programs import StackError
from nashr.runtime.services import ServiceSpec
from nashr.settings import Settings, load

DATA, WORDS = Path(sys.argv[1]), sys.argv[2:]
PORTS = dict(word.split("=") for word in WORDS if "=" in word)
SERVICE = ServiceSpec("ingest", "standin_service", port="api_port", path="/readyz")


def prepare(settings: Settings) -> Callable[[], str]:
    def finish() -> str:
        if "unprepared" in WORDS:
            raise ValueError("the schema is from the future")
        return "token-of-the-test"

    return finish


def release(settings: Settings, pid: int) -> None:
    with (settings.data / "notes.released").open("a") as file:
        file.write(f"{pid} {settings.database_url}\n")


def main() -> None:
    settings = load(data=DATA, api_port=PORTS.get("api", 0), site_port=PORTS.get("site", 0))
    reporter = daemon.reporter()
    specs = (SERVICE,) if "service" in WORDS else ()
    try:
        if "detach" in WORDS:
            words = [word for word in WORDS if word != "detach"]
            daemon.detach([sys.executable, __file__, str(DATA), *words])
        else:
            stack.up(settings, prepare=prepare, release=release, reporter=reporter, specs=specs)
    except StackError as error:
        reporter.failed(str(error))
        sys.exit(f"nashr: {error}")


main()
