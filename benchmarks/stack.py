"""The stack under test: started and stopped with the ``nashr`` command, watched from beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from nashr import bootstrap
from nashr.domain.site import Site
from nashr.settings import Settings, load_for_stack
from nashr.store import queue, sites
from nashr.store.database import statement
from sqlalchemy import Engine

from benchmarks.words import SUBJECTS

SITE = "bench"
PAUSE = 0.02
T = TypeVar("T")


class BenchError(Exception):
    """The benchmark cannot go on; the text says what was waited for or what failed."""


def until(condition: Callable[[], T | None], *, what: str, seconds: float = 120.0, pause: float = PAUSE) -> T:
    """The first true answer of ``condition``. Raises BenchError when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise BenchError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)
    return answer


class Stack:
    """One stack in ``data``; entered, it runs with a site, and left, it is stopped.

    ``settings``: environment variables that name servers it does not start itself.
    """

    def __init__(self, data: Path, *, settings: Mapping[str, str] = {}) -> None:
        self.data = data
        self._given = settings
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        try:
            self.first_start = self.start()
            self._apply_site()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Seconds that ``nashr up --detach`` took. It returns when every process is ready."""
        seconds = self._nashr("up", "--detach", "--api-port", "0", "--site-port", "0")
        endpoints = json.loads((self.data / "endpoints.json").read_text())
        self.api, self.site, self.token = (endpoints[name] for name in ("api", "site", "admin_token"))
        self.settings: Settings = load_for_stack(self.data)
        self._engine = bootstrap.engine(self.settings, pool=1, application="nashr-bench")
        return seconds

    def stop(self) -> float:
        """Seconds that ``nashr down`` took."""
        if self._engine is not None:
            self._engine.dispose()
        return self._nashr("down")

    def rest(self) -> None:
        """Waits until no step is due and none runs. Listings that rest until later do not count."""
        assert self._engine is not None
        engine = self._engine

        def idle() -> bool:
            with statement(engine) as conn:
                found = queue.backlog(conn)
            return found.due == found.leased == 0

        until(idle, what="the queue to be at rest")

    def described_site(self) -> Site:
        assert self._engine is not None
        with statement(self._engine) as conn:
            return sites.get(conn, SITE).site

    def _apply_site(self) -> None:
        sections = "".join(f'\n[[sections]]\nslug = "{slug}"\nlabel = "{slug}"\n' for slug in SUBJECTS)
        text = (
            f'id = "{SITE}"\nname = "قياس"\nlocale = "ar-LB"\nbase_url = "http://127.0.0.1/"\n'
            f'time_zone = "Asia/Beirut"\nshare = ["facebook", "x", "whatsapp"]\n'
            f'\n[[sections]]\nslug = "akhbar"\nlabel = "أخبار"\nall = true\n{sections}'
        )
        file = self.data / "site.toml"
        file.write_text(text, "utf-8")
        self._nashr("site", "apply", str(file), "--base-url", f"{self.site.rstrip('/')}/")
        self.rest()

    def _nashr(self, *words: str) -> float:
        """In a session of its own: a Ctrl-C is ours to handle, so that the stack is stopped in order."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
        environment = {**kept, **self._given}
        command = [sys.executable, "-m", "nashr.cli", *words, "--data", str(self.data)]
        started = time.perf_counter()
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            start_new_session=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"nashr {' '.join(words)}: {done.stdout}{done.stderr}")
        return time.perf_counter() - started
