"""The command: each benchmark in a temporary folder of its own; kept after a whole run at full length."""

from __future__ import annotations

import argparse
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from benchmarks import machine
from benchmarks.figures import Report, table


class Benchmark(Protocol):
    """Measures in an empty folder."""

    def __call__(self, folder: Path, *, quick: bool) -> Report: ...


def run(benchmarks: Mapping[str, Benchmark], *, folder: Path) -> None:
    """The command line of a folder of benchmarks: prints tables as they come.

    Replaces RESULTS.md in ``folder`` after a whole run at full length.
    """
    program = f"benchmarks/{folder.name}/run.py"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(benchmarks)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still work?")
    given = parser.parse_args()
    if unknown := set(given.names) - set(benchmarks):
        parser.error(
            f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(benchmarks)}"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stack is not left behind
    names = [name for name in benchmarks if name in given.names] or list(benchmarks)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    reports = [_measured(name, benchmarks[name], quick=given.quick) for name in names]
    verdicts = [verdict.row() for report in reports for verdict in report.verdicts]
    summary = table(("measured", "target", "result", "met"), verdicts)
    print(summary)
    if not given.quick and len(names) == len(benchmarks):
        tables = "\n".join(one.markdown() for report in reports for one in report.tables)
        (folder / "RESULTS.md").write_text(
            "# Results\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n\n"
            f"{hardware}\n\n{summary}\n{tables}",
            "utf-8",
        )


def _measured(name: str, benchmark: Benchmark, *, quick: bool) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="nashr-bench-"))
    begun = time.perf_counter()
    report = benchmark(folder, quick=quick)
    shutil.rmtree(folder)
    for one in report.tables:
        print(one.markdown(), flush=True)
    print(f"({name}: {time.perf_counter() - begun:.0f} s)\n", flush=True)
    return report
