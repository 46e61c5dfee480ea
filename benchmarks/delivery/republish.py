"""A whole site asked for again though nothing of it has changed: PUTs as the store counts them, time, CPU."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nashr.store import cards
from nashr.store import database as db
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from benchmarks import processes
from benchmarks.delivery.behind import Counted, counting
from benchmarks.figures import Report, Table, Verdict
from benchmarks.pages.archive import Archive, pages_at_rest
from benchmarks.pages.texts import Text
from benchmarks.stack import SITE, BenchError, Stack, until
from tests.servers import ministack

ARTICLES, QUICK = 5_000, 150
"""Each has a page and a permalink, and there are months of listings: 10,000 pages and some more."""
PER_DAY: Final = 30
PATIENCE: Final = 3600.0


@dataclass(frozen=True)
class Round:
    """One rebuild: how many pages, the requests that reached the store, seconds, CPU seconds by program."""

    pages: int
    requests: Mapping[str, int]
    seconds: float
    cpu: Mapping[str, float]

    @property
    def puts(self) -> int:
        return self.requests.get("PUT", 0)

    def row(self, name: str) -> tuple[str, ...]:
        """``name``, pages, PUTs, other requests, time, pages a second, CPU a page."""
        return (
            name, f"{self.pages:,}", f"{self.puts:,}", f"{sum(self.requests.values()) - self.puts:,}",
            f"{self.seconds:.0f} s", f"{self.pages / self.seconds:.0f}",
            f"{sum(self.cpu.values()) / self.pages * 1000:.1f} ms",
            f"{self.cpu.get('delivery', 0) / self.pages * 1000:.1f} ms",
        )  # fmt: skip


def run(folder: Path, *, quick: bool) -> Report:
    """``nashr rebuild`` three times: the last finds nothing changed.

    The first sends every page of the archive; after it the sitemap index has new times to tell.
    """
    with (
        ministack(folder) as origin,
        counting(origin.url) as (store, url),
        Stack(folder / "stack", settings={"NASHR_S3_ENDPOINT": url}) as stack,
    ):
        _fill(stack, QUICK if quick else ARTICLES)
        sent, settled, unchanged = (_rebuilt(stack, store) for _ in range(3))
    columns = ("round", "pages", "PUT", "other requests", "time", "pages/s", "CPU a page", "of it delivery")
    table = Table(
        "A site asked for again", columns,
        [
            sent.row("every page differs"), settled.row("the sitemap index does"),
            unchanged.row("no page does"),
        ],
        notes=("Until no page is on its way; CPU of nashr, PostgreSQL and Valkey, not of the store.",),
    )  # fmt: skip
    return Report(
        (table,), (Verdict(f"PUTs for {unchanged.pages:,} unchanged pages", unchanged.puts, 0, ""),)
    )


def _fill(stack: Stack, size: int) -> None:
    site = stack.described_site()
    Archive(stack.settings.database_url, site, size=size, per_day=PER_DAY).fill()
    engine = db.connect(stack.settings.database_url, pool=1, application="nashr-bench")
    try:
        with db.statement(engine) as conn:
            _cards(conn, stack, size)
    finally:
        engine.dispose()


def _cards(conn: Connection, stack: Stack, size: int) -> None:
    """Every story's cards as drawn: they are the site's own, so that the files are there."""
    site = stack.described_site()
    own = db.scalar(conn, "SELECT result FROM step WHERE kind = 'cards' AND key = :key AND state = 'done'",
                 key=cards.site_order(site).key)  # fmt: skip
    if own is None:
        raise BenchError("the site's own cards are not drawn")
    stories = db.rows(conn, "SELECT id, number FROM article ORDER BY number LIMIT :size", size=size)
    for at, story in enumerate(stories):
        ordered = cards.order(conn, site, story["id"], Text(at).content(site), photos={})
        db.run(
            conn,
            """INSERT INTO step (site, kind, key, input, state, result, finished_at)
            VALUES (:site, 'cards', :key, :input, 'done', :result, clock_timestamp())""",
            site=SITE, key=ordered.key, input=Jsonb(ordered.data()), result=Jsonb(own),
        )  # fmt: skip


def _rebuilt(stack: Stack, store: Counted) -> Round:
    before, begun = Counter(store.requests), time.perf_counter()
    used = processes.cpu_seconds(stack.data)
    words = ("rebuild", "--site", SITE, "--data", str(stack.data))
    done = subprocess.run(
        [sys.executable, "-m", "nashr.cli", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"nashr {' '.join(words)}: {done.stdout}{done.stderr}")
    took = time.perf_counter() - begun
    after = processes.cpu_seconds(stack.data)
    _rest(stack.settings.database_url)
    pages = int(done.stdout.split(":")[1].split()[0])
    cpu = {name: seconds - used.get(name, 0.0) for name, seconds in after.items()}
    return Round(pages, store.requests - before, took, cpu)


def _rest(url: str) -> None:
    """Second purges and listings that rested are over, so that the next round has the store to itself."""
    engine = db.connect(url, pool=1, application="nashr-bench")

    def rest() -> bool:
        with db.statement(engine) as conn:
            return pages_at_rest(conn)

    try:
        until(rest, what="every page to be at rest", seconds=PATIENCE, pause=0.5)
    finally:
        engine.dispose()
