"""The same cards by every engine in turn: CPU, wall clock, bytes, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Final

from benchmarks.cards import jobs as cards
from benchmarks.cards import peers
from benchmarks.cards.jobs import CASES, Case, Job
from benchmarks.cards.peers import OURS, USUAL, Drawn, Engine
from benchmarks.figures import Report, Table, Verdict, megabytes, milliseconds

LIMITS: Final = {CASES[0]: 20, CASES[1]: 40, CASES[2]: 120}
"""ms of CPU that a call may take."""
TIMES: Final = 4
"""So much less CPU than satori, for a card from a photo of 1200 px and of 2000 px."""
MEMORY: Final = 120
"""MB that the child may hold."""
HEAVY: Final = 300
"""kB that no card may exceed: WhatsApp shows no larger one."""

Rounds = Mapping[tuple[str, Case], list[Sequence[Drawn]]]


@dataclass(frozen=True)
class Costs:
    """Everything that was drawn, by engine and case: a list of rounds, each with a card of every story."""

    rounds: Rounds
    peaks: Mapping[str, int]

    def cpu(self, engine: str, case: Case) -> float:
        """Seconds a call, the median over rounds."""
        return median(fmean(one.cpu for one in drawn) for drawn in self.rounds[engine, case])

    def wall(self, engine: str, case: Case) -> float:
        return median(fmean(one.wall for one in drawn) for drawn in self.rounds[engine, case])

    def bytes(self, engine: str, case: Case, at: int) -> Sequence[int]:
        """Of one format, over all stories."""
        return [one.bytes[at] for one in self.rounds[engine, case][0]]


def measure(folder: Path, *, rounds: int) -> Iterator[Report]:
    heroes, logo = cards.heroes(folder), cards.logo(folder / "logo.png")
    work = {case: cards.jobs(case, heroes=heroes, logo=logo) for case in CASES}
    with peers.opened(folder) as engines:
        costs = _drawn(engines, work, rounds=rounds)
    peak = _peak(work[CASES[2]])
    yield Report((_cpu(costs), _weights(costs), _memory(costs, peak)), tuple(_verdicts(costs, peak)))


def _drawn(engines: Sequence[Engine], work: Mapping[Case, Sequence[Job]], *, rounds: int) -> Costs:
    """The engines take turns, so that a busy minute falls on all; the first round is not counted."""
    found: dict[tuple[str, Case], list[Sequence[Drawn]]] = defaultdict(list)
    for at in range(rounds + 1):
        for case, jobs in work.items():
            for engine in engines:
                drawn = [engine.draw(job) for job in jobs]
                if at:
                    found[engine.title, case].append(drawn)
    return Costs(found, {engine.title: engine.peak() for engine in engines})


def _peak(jobs: Sequence[Job]) -> int:
    """Of the pool's child, with a parent that has loaded nothing but the pool."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cards.subject", "pool"], input="\n".join(map(_row, jobs)),
        cwd=peers.ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return int(done.stdout)


def _row(job: Job) -> str:
    return json.dumps(job.row())


def _cpu(costs: Costs) -> Table:
    rows = []
    for case in CASES:
        for engine in costs.peaks:
            cpu, wall = costs.cpu(engine, case), costs.wall(engine, case)
            beside = f"{cpu / costs.cpu(OURS, case):.2f}"
            rows.append([case.title, engine, milliseconds(cpu), beside, milliseconds(wall)])
    count = len(costs.rounds[OURS, CASES[0]])
    return Table(
        "CPU a call",
        ("case", "engine", "CPU", "beside nashr", "wall clock"),
        rows,
        [f"Medians of {count} rounds of five stories each; the engines took turns."],
    )


def _weights(costs: Costs) -> Table:
    rows = []
    for case in CASES:
        for at, name in enumerate(case.formats):
            for engine in costs.peaks:
                sizes = costs.bytes(engine, case, at)
                spread = (min(sizes), median(sizes), max(sizes))
                rows.append([case.title, name, engine, *(f"{size / 1000:.0f} kB" for size in spread)])
    return Table("Bytes", ("case", "format", "engine", "least", "median", "most"), rows)


def _memory(costs: Costs, peak: int) -> Table:
    rows = [["nashr, the pool's child, all four formats", megabytes(peak)]]
    rows += [[f"{engine}, everything above", megabytes(held)] for engine, held in costs.peaks.items()]
    return Table(
        "Memory",
        ("process", "peak"),
        rows,
        ["VmHWM. Chromium's is the sum over its processes, in which shared pages count repeatedly."],
    )


def _verdicts(costs: Costs, peak: int) -> Iterator[Verdict]:
    for case, most in LIMITS.items():
        yield Verdict(f"CPU, {case.title}", costs.cpu(OURS, case) * 1000, most, "ms")
    if USUAL in costs.peaks:
        for case in CASES[:2]:
            ratio = costs.cpu(USUAL, case) / costs.cpu(OURS, case)
            yield Verdict(f"CPU of {USUAL}, {case.title}", ratio, TIMES, "times ours", "at least")
    yield Verdict("peak memory of the child", peak / 1e6, MEMORY, "MB")
    sizes = [
        size for case in CASES for at in range(len(case.formats)) for size in costs.bytes(OURS, case, at)
    ]
    yield Verdict("the heaviest card", max(sizes) / 1000, HEAVY, "kB")
