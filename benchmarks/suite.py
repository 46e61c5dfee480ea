"""The command: one stack for all benchmarks, their tables printed, and kept after a full run."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nashr.client import ApiError

from benchmarks import logs, machine
from benchmarks.bench import Bench
from benchmarks.figures import Report, Verdict, table
from benchmarks.measures import correction, photo_visible, startup, sustained, text_visible
from benchmarks.stack import BenchError, Stack

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "RESULTS.md"
README: Final = HERE / "README.md"
MARKS: Final = ("<!-- results -->\n", "<!-- /results -->\n")
ALL: Final[dict[str, Callable[[Bench], Report]]] = {
    "text_visible": text_visible.run,
    "photo_visible": photo_visible.run,
    "correction": correction.run,
    "sustained": sustained.run,
    "startup": startup.run,
}
"""In the order they run, whatever order they were named in: startup stops the stack."""


def main() -> None:
    """Exit code 1, with the stack's folder kept, when something did not work; a missed target is no error."""
    given = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stack is not left behind
    names = [name for name in ALL if name in given.names] or list(ALL)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    try:
        with _folder(given.data) as folder, Stack(folder) as stack:
            bench = Bench(stack, quick=given.quick, poll=given.poll_ms / 1000)
            reports = [_measured(name, bench) for name in names]
            found = logs.complaints(folder / "logs")
    except (ApiError, BenchError) as error:
        sys.exit(f"benchmarks: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(found)
    verdicts = [verdict for report in reports for verdict in report.verdicts]
    print(_summary(verdicts))
    if given.quick or len(names) < len(ALL):
        print("Nothing was kept: that takes all benchmarks at full length.")
        return
    _keep(hardware, reports, found, _summary(verdicts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="a few rounds only: does it still work?")
    parser.add_argument("--data", type=Path, help="an empty folder for the stack, kept; default: a temporary")
    parser.add_argument("--poll-ms", type=float, default=5.0, help="pause between two looks of the reader")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(ALL)}")
    if given.data and given.data.exists() and any(given.data.iterdir()):
        parser.error(f"{given.data} is not empty: a first start needs an empty folder")
    return given


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Where the stack lives. A temporary folder is removed, unless the run failed."""
    folder = chosen.absolute() if chosen else Path(tempfile.mkdtemp(prefix="nashr-bench-"))
    try:
        yield folder
    except BaseException:
        print(f"benchmarks: the stack's folder is kept: {folder}", file=sys.stderr)
        raise
    if chosen is None:
        shutil.rmtree(folder)


def _measured(name: str, bench: Bench) -> Report:
    print(f"## {name}\n", flush=True)
    report = ALL[name](bench)
    for one in report.tables:
        print(one.markdown(), flush=True)
    return report


def _summary(verdicts: Sequence[Verdict]) -> str:
    return table(("measured", "target", "result", "met"), [verdict.row() for verdict in verdicts])


def _keep(hardware: str, reports: Sequence[Report], found: str, summary: str) -> None:
    """Replaces RESULTS.md, and the table between the marks of the README."""
    tables = "\n".join(one.markdown() for report in reports for one in report.tables)
    RESULTS.write_text(
        f"# Results\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n\n"
        f"{hardware}\n\n{summary}\n{tables}\n{found}",
        "utf-8",
    )
    head, _, rest = README.read_text("utf-8").partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    README.write_text(f"{head}{MARKS[0]}{hardware}\n\n{summary}{MARKS[1]}{tail}", "utf-8")
    print(f"kept in {RESULTS.name} and {README.name}")
