"""A stack to be hurt: its processes by name, its failpoints, its database as the last witness."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from nashr.steps import STEPS
from psycopg.rows import dict_row

from tests.conftest import Stack, processes_in, until

SITE = """\
id = "khabar"
name = "خبر"
locale = "ar-LB"
base_url = "http://127.0.0.1/"
time_zone = "Asia/Beirut"

[[sections]]
slug = "politics"
label = "سياسة"
"""
PLACES = ("claimed", "before_finish", "finished")
IN_STEPS = {f"{kind}.{place}": "exit:once" for kind in STEPS for place in PLACES}
FAILPOINTS = {
    **IN_STEPS,
    "deliver.before_put": "stop:once",
    "deliver.before_announce": "exit:once",
    "deliver.after_put": "exit:once",
    "deliver.after_purge": "exit:once",
    "purge.after_purge": "exit:once",
    "relay.after_hint": "exit:once",
    "ingest.after_commit": "exit:once",
    "related.before_claim": "block:once",
    "delivery.before_claim": "block:once",
    "images.before_put": "sleep:12:once",
}
"""Each goes off once per ``arm``: a marker below DIR/failpoints keeps it quiet until then."""


@dataclass(frozen=True)
class Program:
    """One line of DIR/status.json."""

    name: str
    pid: int | None
    state: str
    restarts: int


class Lab(Stack):
    """A running stack with one small site; admin and editor are one token."""

    def programs(self) -> dict[str, Program]:
        written = json.loads((self.data / "status.json").read_text())
        return {
            row["name"]: Program(row["name"], row["pid"], row["state"], row["restarts"])
            for row in written["programs"]
        }

    def program(self, name: str) -> Program:
        return self.programs()[name]

    def children(self, name: str) -> dict[int, int]:
        """The child processes in a worker's pool, and the ticks of 10 ms that each has had of a processor."""
        parent, found = self.program(name).pid, {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                stat = (process / "stat").read_text().rsplit(")", 1)[1].split()
                if int(stat[1]) == parent and b"spawn_main" in (process / "cmdline").read_bytes():
                    found[int(process.name)] = int(stat[11]) + int(stat[12])
        return found

    def ready(self, name: str, *, restarts: int = 0) -> Program:
        """The program once it is ready and has been restarted at least so often."""

        def found() -> Program | None:
            now = self.program(name)
            return now if now.state == "ready" and now.restarts >= restarts else None

        return until(found, what=f"{name} to be ready again")

    def signal(self, name: str, number: int) -> int:
        """Signals a program; returns the pid that got it."""
        pid = until(lambda: self.program(name).pid, what=f"{name} to have a process")
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return pid

    def supervisor(self) -> int:
        return int(json.loads((self.data / "status.json").read_text())["pid"])

    def arm(self, failpoint: str) -> None:
        """The next process that gets there meets the fault, once."""
        assert failpoint in FAILPOINTS
        self._marker(failpoint).unlink(missing_ok=True)

    def fired(self, failpoint: str) -> bool:
        return self._marker(failpoint).exists()

    def disarm(self, failpoint: str) -> None:
        self._marker(failpoint).touch()

    def _marker(self, failpoint: str) -> Path:
        return self.data / "failpoints" / failpoint

    def setting(self, name: str) -> str:
        return str(json.loads((self.data / "stack.json").read_text())[name])

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the database says; it may be asked while the API is away."""
        url = self.setting("database_url")
        with psycopg.connect(url, autocommit=True, connect_timeout=5, row_factory=dict_row) as conn:
            return conn.execute(query, values).fetchall()

    def count(self, query: str, *values: object) -> int:
        return int(next(iter(self.rows(query, *values)[0].values())))

    def quiet(self) -> None:
        """Waits until nothing is to be done soon: the next step that runs is the test's own."""
        query = """SELECT count(*) FROM step WHERE state IN ('ready', 'leased') AND kind <> 'sweep'
            AND available_at < now() + interval '1 hour'"""
        until(lambda: self.count(query) == 0, what="the stack to come to rest")

    def stored(self, path: str) -> str:
        """The page as the object store has it: no cache can hide what was written there."""
        bucket = f"{self.setting('s3_endpoint')}/{self.setting('s3_bucket')}"
        reader = self.client("reader")
        (site,) = reader.get(f"{bucket}/_nashr/sites.json").json()["sites"]
        answer = reader.get(f"{bucket}/{site['prefix']}{path.lstrip('/')}index.html")
        assert answer.status_code == 200, f"{answer.status_code} for {answer.url}"
        return answer.text

    def postgres(self) -> list[int]:
        """The database server and every process it has made."""
        server = self.program("postgres").pid
        assert server is not None
        return [server, *children(server)]


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """These processes stand still inside the block."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    return _state(pid) == "T"


def is_gone(pid: int) -> bool:
    return _state(pid) in {"", "Z", "X"}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


@contextmanager
def second_delivery_worker(lab: Lab, **changes: str) -> Iterator[int]:
    """A second delivery process beside the stack's own, as an operator would run it; yields its pid.

    ``changes`` to its environment.
    """
    ready = lab.data / "run" / "second.ready"
    ready.unlink(missing_ok=True)
    with (lab.data / "logs" / "second.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from nashr_delivery.worker import main; main()"],
            env={**environment({}), "NASHR_DATA": str(lab.data), "NASHR_READY_FILE": str(ready), **changes},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=lab.data,
        )  # fmt: skip
    try:
        until(lambda: ready.exists() or process.poll() is not None, what="the second delivery worker")
        assert process.poll() is None, (lab.data / "logs" / "second.log").read_text()[-2000:]
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Ours without NASHR_* settings, with ``changes``; chaos runs can send what starts so through proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parent / "chaos" / "inside"), **changes}


def nashr(*words: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the command with these settings; the caller judges how it ends."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("nashr")), *words, "--data", str(data)],
        env=environment({f"NASHR_{name.upper()}": value for name, value in settings.items()}),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


@contextmanager
def opened(folder: Path, **settings: str) -> Iterator[Lab]:
    """A stack below ``folder``, all failpoints built in and quiet, one small site; ends with the block."""
    data = folder / "data"
    (data / "failpoints").mkdir(parents=True)
    for name in FAILPOINTS:
        (data / "failpoints" / name).touch()
    staged = ",".join(f"{name}={action}" for name, action in FAILPOINTS.items())
    try:
        started = nashr(
            "up", "--detach", "--api-port", "0", "--site-port", "0", data=data, failpoints=staged, **settings
        )  # fmt: skip
        assert started.returncode == 0, started.stdout + started.stderr
        made = _with_site(data, folder)
        yield made
        made.close()
    finally:
        nashr("down", data=data)
        assert processes_in(data) == []
        for part in ("postgres", "s3", "valkey"):
            shutil.rmtree(data / part, ignore_errors=True)


def _with_site(data: Path, folder: Path) -> Lab:
    endpoints = json.loads((data / "endpoints.json").read_text())
    (folder / "khabar.toml").write_text(SITE, "utf-8")
    applied = nashr("site", "apply", str(folder / "khabar.toml"), "--base-url", endpoints["site"], data=data)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    token = endpoints["admin_token"]
    made = Lab(data, endpoints["api"], endpoints["site"].rstrip("/"), {"admin": token, "editor": token})
    until(lambda: made.fetch("/").status_code == 200, what="the site's front page")
    return made
