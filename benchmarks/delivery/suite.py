"""The command: each benchmark in a temporary folder of its own; kept after a whole run at full length."""

from __future__ import annotations

import argparse
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from benchmarks import machine
from benchmarks.delivery import changes, corrections, keeping, push, republish
from benchmarks.figures import Report, table

RESULTS: Final = Path(__file__).with_name("RESULTS.md")


class Benchmark(Protocol):
    """Measures in an empty folder."""

    def __call__(self, folder: Path, *, quick: bool) -> Report: ...


ALL: Final[dict[str, Benchmark]] = {
    "push": push.run,
    "corrections": corrections.run,
    "changes": changes.run,
    "republish": republish.run,
    "keeping": keeping.run,
}


def main() -> None:
    """Prints tables as they come; replaces RESULTS.md after a whole run."""
    parser = argparse.ArgumentParser(prog="benchmarks/delivery/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still work?")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(ALL)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stack is not left behind
    names = [name for name in ALL if name in given.names] or list(ALL)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    reports = [_measured(name, ALL[name], quick=given.quick) for name in names]
    verdicts = [verdict.row() for report in reports for verdict in report.verdicts]
    summary = table(("measured", "target", "result", "met"), verdicts)
    print(summary)
    if not given.quick and len(names) == len(ALL):
        tables = "\n".join(one.markdown() for report in reports for one in report.tables)
        RESULTS.write_text(
            "# Results\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n\n"
            f"{hardware}\n\n{summary}\n{tables}",
            "utf-8",
        )


def _measured(name: str, benchmark: Callable[..., Report], *, quick: bool) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="nashr-bench-"))
    begun = time.perf_counter()
    report = benchmark(folder, quick=quick)
    shutil.rmtree(folder)
    for one in report.tables:
        print(one.markdown(), flush=True)
    print(f"({name}: {time.perf_counter() - begun:.0f} s)\n", flush=True)
    return report
