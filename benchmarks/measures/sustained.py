"""How many publications go live per second while four clients send all they can, and on whose CPU."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import logs, processes
from benchmarks.bench import Bench, stamp
from benchmarks.figures import SPREAD, Report, Table, Verdict, milliseconds, spread
from benchmarks.stack import BenchError
from benchmarks.stories import Story, story

THREADS = 4
SECONDS = 30.0
STORIES, QUICK = 400, 12
WARM_UP, QUICK_WARM_UP = 40, 4
OURSELVES = "the clients (not part of nashr)"


@dataclass(frozen=True)
class Sent:
    """One story sent: when its draft was, when its publish request was, and what that was answered."""

    story: Story
    drafted: float
    asked: float
    publication: str


def run(bench: Bench) -> Report:
    """A story is two requests, draft and publish, and both count."""
    _push(bench, "busy-warm", bench.rounds(WARM_UP, QUICK_WARM_UP))
    cpu_before, own_before = processes.cpu_seconds(bench.stack.data), time.process_time()
    sent = _push(bench, "busy", bench.rounds(STORIES, QUICK))
    proofs = [bench.proven(one.publication) for one in sent]
    bench.stack.rest()
    own = time.process_time() - own_before
    used = _difference(cpu_before, processes.cpu_seconds(bench.stack.data))
    _check(bench, sent)
    start = min(one.drafted for one in sent)
    live = len(sent) / (max(stamp(proof["live_at"]) for proof in proofs) - start)
    return Report(
        tables=(
            _rates(sent, proofs, start=start, live=live),
            _cpu({**used, OURSELVES: own}, len(sent)),
            _steps(logs.steps_since(bench.stack.data / "logs", start), len(sent)),
        ),
        verdicts=(Verdict("sustained, live", live, 20, "per second", bound="at least"),),
    )


def _push(bench: Bench, name: str, count: int) -> list[Sent]:
    """Stops sending after SECONDS, or when ``count`` stories are sent; ends with the queue at rest before."""
    bench.stack.rest()
    numbers = itertools.count()
    deadline = time.monotonic() + SECONDS

    def work() -> Iterator[Sent]:
        client = bench.client()
        while time.monotonic() < deadline and (number := next(numbers)) < count:
            made = story(f"{name}-{number}")
            drafted = time.time()
            article = client.save(made.draft)
            asked = time.time()
            yield Sent(made, drafted, asked, client.publish(article["id"])["id"])

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(lambda: list(work())) for _ in range(THREADS)]
        return sorted((one for job in jobs for one in job.result()), key=lambda one: one.asked)


def _difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _check(bench: Bench, sent: Sequence[Sent]) -> None:
    """What is live is what readers get, each with its own bytes."""
    for one in sent:
        page = bench.reader.get(one.story.path)
        if page.status_code != 200 or one.story.mark not in page.content:
            raise BenchError(f"{one.story.path} answers {page.status_code} without {one.story.mark!r}")


def _rates(sent: Sequence[Sent], proofs: Sequence[Mapping[str, Any]], *, start: float, live: float) -> Table:
    pushed = max(one.asked for one in sent) - start
    proven = max(stamp(proof["receipt"]["verified_at"]) for proof in proofs) - start
    pairs = list(zip(sent, proofs, strict=True))
    return Table(
        f"Sustained: {len(sent)} text stories from {THREADS} clients, as fast as they are answered",
        ("", "result"),
        (
            ("accepted", f"{len(sent) / pushed:.1f} per second"),
            ("live, from the first request to the last page stored", f"{live:.1f} per second"),
            ("proven, to the last receipt", f"{len(sent) / proven:.1f} per second"),
            *_delays("live", [stamp(proof["live_at"]) - one.asked for one, proof in pairs]),
            *_delays("receipt", [stamp(proof["receipt"]["verified_at"]) - one.asked for one, proof in pairs]),
        ),
        notes=("Every page was read through the edge afterwards and held its story.",),
    )


def _delays(what: str, seconds: Sequence[float]) -> Iterator[tuple[str, str]]:
    for name, value in zip(SPREAD, spread(seconds), strict=True):
        yield f"publish request to {what} in the burst, {name}", value


def _cpu(used: Mapping[str, float], stories: int) -> Table:
    """From the first request until the queue is at rest again, listings included."""
    total = sum(seconds for name, seconds in used.items() if name != OURSELVES)
    rows = [
        (name, f"{seconds:.2f}", f"{seconds / stories * 1000:.1f} ms", f"{seconds / max(total, 0.01):.0%}")
        for name, seconds in sorted(used.items(), key=lambda item: -item[1])
    ]
    rows.append(("nashr and its servers", f"{total:.2f}", f"{total / stories * 1000:.1f} ms", "100%"))
    return Table("CPU while sustained", ("program", "CPU seconds", "per publication", "share"), rows)


def _steps(ran: Mapping[str, Sequence[logs.Ran]], stories: int) -> Table:
    """How much work one story makes: its own steps, and the pages and links that it changes."""
    return Table(
        "Steps while sustained",
        ("kind", "per publication", "median time", "median wait"),
        [
            (
                f"`{kind}`",
                f"{len(runs) / stories:.1f}",
                milliseconds(median(one.took for one in runs)),
                milliseconds(median(one.waited for one in runs)),
            )
            for kind, runs in sorted(ran.items(), key=lambda item: -len(item[1]))
        ],
    )
