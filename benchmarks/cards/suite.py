"""The command: what was asked for, one after another, printed, and kept after a full run."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.cards import costs, judged
from benchmarks.cards.peers import EngineFailed
from benchmarks.figures import Report, table

RESULTS: Final = Path(__file__).with_name("RESULTS.md")


@dataclass(frozen=True)
class Bench:
    """How long to measure, and a folder that is empty."""

    quick: bool
    folder: Path

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def _costs(bench: Bench) -> Iterator[Report]:
    yield from costs.measure(bench.folder, rounds=bench.rounds(11, 1))


def _judged(bench: Bench) -> Iterator[Report]:
    yield from judged.measure(bench.folder, quick=bench.quick)


ALL: Final[dict[str, Callable[[Bench], Iterator[Report]]]] = {"costs": _costs, "judged": _judged}


def main() -> None:
    """Exit code 1 when something did not work; a missed target is a result, not a failure."""
    given = _arguments()
    names = [name for name in ALL if name in given.names] or list(ALL)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    try:
        reports = [report for name in names for report in _measured(name, quick=given.quick)]
    except (EngineFailed, subprocess.CalledProcessError) as error:
        sys.exit(f"benchmarks: {error}\n{getattr(error, 'stderr', None) or ''}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(_summary(reports))
    if given.quick or len(names) < len(ALL):
        print("Nothing was kept: that takes all of it at full length.")
        return
    _keep(hardware, reports)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/cards/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="a little of each: does it still work?")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(ALL)}")
    return given


def _measured(name: str, *, quick: bool) -> list[Report]:
    print(f"## {name}\n", flush=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="nashr-cards-") as folder:
        for report in ALL[name](Bench(quick, Path(folder))):
            for one in report.tables:
                print(one.markdown(), flush=True)
            found.append(report)
    return found


def _summary(reports: list[Report]) -> str:
    lines = [verdict.row() for report in reports for verdict in report.verdicts]
    return table(("measured", "target", "result", "met"), lines)


def _keep(hardware: str, reports: list[Report]) -> None:
    tables = "\n".join(one.markdown() for report in reports for one in report.tables)
    RESULTS.write_text(
        f"# Results\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n\n"
        f"{hardware}\n\n{_summary(reports)}\n{tables}",
        "utf-8",
    )
    print(f"kept in {RESULTS.name}")
