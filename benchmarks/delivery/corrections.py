"""A hundred corrections of one story through Varnish: from the acknowledged call until a reader sees each."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, Reader
from benchmarks.delivery.behind import stack_behind_varnish
from benchmarks.figures import SPREAD, Report, Table, Verdict, percentile, spread
from benchmarks.stack import until

ROUNDS, QUICK = 100, 5
NAME: Final = "corrected"
_NUMBER: Final = re.compile(rb"correction\.(\d+)\.")


class Poller:
    """A reader who looks all the time: when it first saw each correction, and whether it ever went back."""

    def __init__(self, site: str, path: str, *, pause: float) -> None:
        self.seen: dict[int, float] = {}
        self.looks = self.stale = self.last = 0
        self._reader, self._path, self._pause = Reader(site, poll=0), path, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Poller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            page = self._reader.get(self._path)
            now = time.perf_counter()
            newest = max((int(number) for number in _NUMBER.findall(page.content)), default=0)
            self.looks += 1
            self.stale += page.status_code != 200 or newest < self.last
            self.last = max(self.last, newest)
            self.seen.setdefault(newest, now)


def run(folder: Path, *, quick: bool) -> Report:
    """One live story, corrected again and again; the queue at rest before each."""
    rounds = QUICK if quick else ROUNDS
    with stack_behind_varnish(folder) as behind:
        bench = Bench(behind.stack, quick=quick, poll=0.005)
        made, article = bench.draft(NAME)
        bench.publish(article["id"], made)
        with Poller(behind.stack.site, made.path, pause=0.005) as poller:
            waits = [_correct(bench, poller, article["id"], number) for number in range(1, rounds + 1)]
    table = Table(
        f"Corrections through Varnish; rounds: {rounds}",
        ("from the acknowledged call to", *SPREAD),
        (("the reader who polls", *spread(waits)),),
        notes=(
            f"The reader looked {poller.looks} times; {poller.stale} answers were older than one before.",
        ),
    )
    verdicts = (
        Verdict("correction through Varnish, p95", percentile(waits, 95) * 1000, 500, "ms"),
        Verdict("stale answers to a reader who polls", poller.stale, 0, ""),
    )
    return Report(tables=(table,), verdicts=verdicts)


def _correct(bench: Bench, poller: Poller, article: str, number: int) -> float:
    bench.stack.rest()
    text = {"kind": "correction", "text": f"تصحيح correction.{number}."}
    bench.newsroom.request("POST", f"/v1/articles/{article}/corrections", json=text)
    acknowledged = time.perf_counter()
    until(lambda: number in poller.seen, what=f"correction {number} to be seen", pause=0.005)
    return poller.seen[number] - acknowledged
