"""Breaking news from the publish call until a reader has it: at rest, and while bulk fills every worker."""

from __future__ import annotations

import time
from pathlib import Path

from nashr import bootstrap
from nashr.store import queue
from nashr.store.database import statement

from benchmarks.bench import Bench
from benchmarks.figures import SPREAD, Report, Table, Verdict, percentile, spread
from benchmarks.load.accept import NO_RATE
from benchmarks.load.crowd import Crowd, Member
from benchmarks.stack import Stack, until
from benchmarks.stories import Story, story

ROUNDS, QUICK = 40, 4
WARM_UP, QUICK_WARM_UP = 10, 2
CLIENTS = 4
BACKLOG, QUICK_BACKLOG = 100, 20
"""Steps that are due before the first of the busy rounds."""
PAUSE = 1.6
"""Seconds before each of them: what gave way to the one before is at work again."""


def bulk(member: Member, number: int) -> bool:
    """Stores a story and asks for its publication in bulk."""
    article = member.post("/v1/articles", story(f"bulk-{number}").draft)
    order = {"priority": "bulk"}
    return article is not None and member.post(f"/v1/articles/{article['id']}/publish", order) is not None


def run(folder: Path, *, quick: bool) -> Report:
    """The drafts are stored beforehand: only the publication is breaking."""
    with Stack(folder / "stack", settings=NO_RATE) as stack:
        bench = Bench(stack, quick=quick, poll=0.005)
        for number in range(bench.rounds(WARM_UP, QUICK_WARM_UP)):
            _publish(bench, *_stored(bench, f"warm-{number}"))
        idle = []
        for number in range(bench.rounds(ROUNDS, QUICK)):
            made = _stored(bench, f"idle-{number}")
            stack.rest()
            idle.append(_publish(bench, *made))
        drafts = [_stored(bench, f"busy-{number}") for number in range(bench.rounds(ROUNDS, QUICK))]
        stack.rest()
        busy, due, rate = _busy(bench, drafts)
    return _report(idle, busy, due, rate)


def _busy(bench: Bench, drafts: list[tuple[Story, str]]) -> tuple[list[float], list[int], float]:
    """Seconds of each round, the steps that were due before it, and the bulk stories accepted a second."""
    engine = bootstrap.engine(bench.stack.settings, pool=1, application="nashr-bench-due")

    def due() -> int:
        with statement(engine) as conn:
            return queue.backlog(conn).due

    least = bench.rounds(BACKLOG, QUICK_BACKLOG)
    seconds, before = [], []
    with Crowd(bench.stack.api, bench.stack.token, bulk, clients=CLIENTS) as tally:
        until(lambda: due() >= least, what=f"{least} due steps")
        for made in drafts:
            time.sleep(PAUSE)
            before.append(due())
            seconds.append(_publish(bench, *made))
    engine.dispose()
    return seconds, before, tally.rate


def _stored(bench: Bench, name: str) -> tuple[Story, str]:
    made, article = bench.draft(name)
    return made, article["id"]


def _publish(bench: Bench, made: Story, article: str) -> float:
    began = time.perf_counter()
    bench.newsroom.publish(article, priority="breaking")
    return bench.reader.until(made.path, holds=made.mark).at - began


def _report(idle: list[float], busy: list[float], due: list[int], rate: float) -> Report:
    times = percentile(busy, 95) / percentile(idle, 95)
    table = Table(
        f"Breaking news, from the publish call to visible at the edge; rounds: {len(idle)}",
        ("", *SPREAD),
        (("at rest", *spread(idle)), ("while bulk fills every worker", *spread(busy))),
        notes=(
            f"Meanwhile {CLIENTS} clients had {rate:.1f} bulk stories a second accepted.",
            f"Before the busy rounds {min(due)} to {max(due)} steps were due.",
        ),
    )
    return Report(
        tables=(table,), verdicts=(Verdict("breaking under bulk, p95 beside at rest", times, 2, "times"),)
    )
