"""How many drafts a second are stored and taken for publication, as more and more clients send."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nashr import bootstrap
from nashr.store.database import scalar, statement

from benchmarks import processes
from benchmarks.figures import Report, Table, Verdict, megabytes
from benchmarks.load.crowd import Crowd, Job, Member, Tally
from benchmarks.stack import Stack
from benchmarks.stories import story

CLIENTS, QUICK_CLIENTS = (1, 4, 16, 64, 128), (1, 4)
SECONDS, QUICK_SECONDS = 8.0, 2.0
LONG, QUICK_LONG = 60.0, 3.0
PEER_SECONDS, QUICK_PEER_SECONDS = 4.0, 1.0
LOOK_SECONDS: Final = 2.0
NO_RATE: Final = {"NASHR_TOKEN_RATE": "0"}
_CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass
class Peak:
    """The most that was seen, in bytes (proportional) and connections."""

    ingest: int = 0
    everything: int = 0
    connections: int = 0


def draft(member: Member, number: int) -> bool:
    """Stores a story and asks for its publication."""
    article = member.post("/v1/articles", story(f"load-{number}").draft)
    return article is not None and member.post(f"/v1/articles/{article['id']}/publish", {}) is not None


def row(member: Member, number: int) -> bool:
    """The same body to the peer."""
    return member.post("/rows", story(f"load-{number}").draft) is not None


def run(folder: Path, *, quick: bool) -> Report:
    """The peer first, while the stack rests; then nashr, and its best number of clients for longer."""
    clients = QUICK_CLIENTS if quick else CLIENTS
    with Stack(folder / "stack", settings=NO_RATE) as stack:
        with peer(stack) as (address, pid):
            before = processes.tree_cpu_ticks(pid)
            seconds = QUICK_PEER_SECONDS if quick else PEER_SECONDS
            rows = [crowd(address, stack.token, row, clients=count, seconds=seconds) for count in clients]
            peer_cpu = (processes.tree_cpu_ticks(pid) - before) / processes.TICKS
        with watched(stack) as peak:
            seconds = QUICK_SECONDS if quick else SECONDS
            steps = [
                crowd(stack.api, stack.token, draft, clients=count, seconds=seconds) for count in clients
            ]
            best = max(steps, key=lambda one: one.rate).clients
            used = processes.cpu_seconds(stack.data)["ingest"]
            long = crowd(stack.api, stack.token, draft, clients=best, seconds=QUICK_LONG if quick else LONG)
            used = processes.cpu_seconds(stack.data)["ingest"] - used
    return _report(steps, long, rows, peak, used=used / max(1, long.done), peer=peer_cpu / _sum(rows))


def crowd(base: str, token: str, job: Job, *, clients: int, seconds: float) -> Tally:
    with Crowd(base, token, job, clients=clients) as tally:
        time.sleep(seconds)
    return tally


@contextmanager
def peer(stack: Stack) -> Iterator[tuple[str, int]]:
    """The peer's address and process, on the stack's PostgreSQL."""
    command = [sys.executable, str(Path(__file__).with_name("peer.py")), stack.settings.database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        finally:
            process.terminate()


@contextmanager
def watched(stack: Stack) -> Iterator[Peak]:
    """Looks at memory and connections every LOOK_SECONDS; the look's own connection is not counted."""
    peak, stop = Peak(), threading.Event()
    engine = bootstrap.engine(stack.settings, pool=1, application="nashr-bench-watch")

    def look() -> None:
        while not stop.wait(LOOK_SECONDS):
            held = {name: one.proportional for name, one in processes.memory(stack.data).items()}
            peak.ingest = max(peak.ingest, held["ingest"])
            peak.everything = max(peak.everything, sum(held.values()))
            with statement(engine) as conn:
                peak.connections = max(peak.connections, int(scalar(conn, _CONNECTIONS)) - 1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
        engine.dispose()


def _sum(tallies: list[Tally]) -> int:
    return max(1, sum(one.done for one in tallies))


def _report(
    steps: list[Tally], long: Tally, rows: list[Tally], peak: Peak, *, used: float, peer: float
) -> Report:
    strange = sum(one.strange for one in (*steps, long))
    said = sum((one.answers for one in (*steps, long)), start=Counter[str]())
    answers = ", ".join(f"{count} x {code}" for code, count in sorted(said.items()))
    rates = Table(
        "Accepted in a second, closed loop",
        ("clients", "drafts, stored and publish asked for", "refused, 429 or 503", "peer: one row"),
        [
            (str(mine.clients), f"{mine.rate:.1f}", str(mine.refused), f"{theirs.rate:.0f}")
            for mine, theirs in zip(steps, rows, strict=True)
        ],
        notes=(
            f"Then {long.clients} clients for {long.seconds:.0f} s: {long.rate:.1f} a second.",
            f"All answers of nashr: {answers}.",
            f"CPU a draft, two requests: {used * 1000:.1f} ms; of the peer a row: {peer * 1000:.1f} ms.",
        ),
    )
    held = Table(
        "The most that was held meanwhile",
        ("", "most"),
        (
            ("ingest (PSS)", megabytes(peak.ingest)),
            ("the whole stack (PSS)", megabytes(peak.everything)),
            ("connections to PostgreSQL", str(peak.connections)),
        ),
    )
    verdicts = (
        Verdict("accepted, sustained", long.rate, None, "drafts a second"),
        Verdict("answers but 2xx, 429 and 503", strange, 0, ""),
        Verdict("connections to PostgreSQL", peak.connections, 100, ""),
    )
    return Report(tables=(rates, held), verdicts=verdicts)
