"""Start, stop and second start of the stack, and its memory when it has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks import processes
from benchmarks.bench import Bench
from benchmarks.figures import Report, Table, Verdict, megabytes
from benchmarks.processes import Memory

QUIET_SECONDS, QUICK_SECONDS = 10, 2


def run(bench: Bench) -> Report:
    """The first start is that of this run; the second finds what the run has published."""
    stack = bench.stack
    worked = _memory(bench)
    stopped = stack.stop()
    again = stack.start()
    fresh = _memory(bench)
    starts = Table(
        "Start and stop",
        ("", "seconds"),
        (
            ("`nashr up --detach`, first start in an empty folder", f"{stack.first_start:.1f}"),
            ("`nashr down`", f"{stopped:.1f}"),
            ("`nashr up --detach`, second start with data", f"{again:.1f}"),
        ),
        notes=("Files were in the page cache; the virtual environment was compiled before.",),
    )
    highest = max(_total(found).proportional for found in (worked, fresh))
    return Report(
        tables=(starts, _table(fresh, worked, seconds=_quiet(bench))),
        verdicts=(
            Verdict("memory at rest (PSS)", highest / 1e9, 1.2, "GB"),
            Verdict("second start", again, 15, "s"),
        ),
    )


def _memory(bench: Bench) -> Mapping[str, Memory]:
    """Some seconds after the queue came to rest: here time itself is the condition."""
    bench.stack.rest()
    time.sleep(_quiet(bench))
    return processes.memory(bench.stack.data)


def _quiet(bench: Bench) -> int:
    return bench.rounds(QUIET_SECONDS, QUICK_SECONDS)


def _table(fresh: Mapping[str, Memory], worked: Mapping[str, Memory], *, seconds: int) -> Table:
    names = sorted(worked, key=lambda name: -worked[name].proportional)
    nothing = Memory(0, 0)
    rows = [(name, *_cells(fresh.get(name, nothing)), *_cells(worked[name])) for name in names]
    rows.append(("all", *_cells(_total(fresh)), *_cells(_total(worked))))
    return Table(
        f"Memory {seconds} s after the queue came to rest",
        ("program", "started, RSS", "started, PSS", "after the run, RSS", "after the run, PSS"),
        rows,
        notes=("RSS counts shared pages in each process; PSS counts them once.",),
    )


def _cells(memory: Memory) -> tuple[str, str]:
    return megabytes(memory.resident), megabytes(memory.proportional)


def _total(found: Mapping[str, Memory]) -> Memory:
    return Memory(
        sum(one.resident for one in found.values()), sum(one.proportional for one in found.values())
    )
