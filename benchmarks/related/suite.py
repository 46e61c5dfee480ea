"""The command: what was asked for, one after another, printed, and kept after a full run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from nashr.client import ApiError
from sqlalchemy import Engine

from benchmarks import machine
from benchmarks.figures import Report, table
from benchmarks.related import (
    archive,
    choices,
    corpora,
    disk,
    draws,
    quality,
    reverse,
    scale,
    subject,
    takedown,
)
from benchmarks.related.archive import Archive
from benchmarks.related.database import database
from benchmarks.stack import BenchError

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
QUICK_QUERIES: Final = 60
QUALITY: Final = Path(__file__).with_name("QUALITY.md")


@dataclass
class Bench:
    """How long to measure, and what several benchmarks share: one database, the archives in it."""

    quick: bool
    up_to: int
    folder: Path
    open: ExitStack = field(default_factory=ExitStack)

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @cached_property
    def database(self) -> tuple[str, Engine]:
        home = self.folder / "database"
        home.mkdir()
        return self.open.enter_context(database(home))

    @cached_property
    def arabic(self) -> Archive:
        return self.pool if self.quick else self._loaded(self.in_memory[0].corpus, site="arabic")

    @cached_property
    def english(self) -> Archive:
        return self._loaded(self.in_memory[1].corpus, site="english")

    @cached_property
    def pool(self) -> Archive:
        """The judged articles of the Arabic corpus alone."""
        return self._loaded(
            corpora.arabic(queries=self.rounds(600, QUICK_QUERIES), pool_only=True), site="pool"
        )

    @cached_property
    def in_memory(self) -> Sequence[choices.Archive]:
        """Both corpora, counted; of the Arabic one a part where it has to be quick."""
        found = [corpora.arabic(), corpora.english()]
        if self.quick:
            found = [
                corpora.arabic(queries=QUICK_QUERIES, pool_only=True),
                corpora.english(queries=QUICK_QUERIES),
            ]
        return [choices.Archive(corpus, subject.counted(corpus.texts)) for corpus in found]

    def _loaded(self, corpus: corpora.Corpus, *, site: str) -> Archive:
        return archive.load(*self.database, corpus, site=site)


def _quality(bench: Bench) -> Iterator[Report]:
    yield from quality.measure(list(zip((bench.arabic, bench.english), bench.in_memory, strict=True)))


def _choices(bench: Bench) -> Iterator[Report]:
    for one in choices.measure(bench.in_memory):
        yield Report((one,))


def _draw(bench: Bench) -> Iterator[Report]:
    yield from draws.measure(bench.arabic, bench.pool, articles=bench.rounds(1000, 100))


def _scale(bench: Bench) -> Iterator[Report]:
    sizes = [size for size in scale.SIZES if size <= bench.up_to]
    home = bench.folder / "scale"
    home.mkdir()
    with database(home) as (url, engine):
        yield from scale.measure(
            url, engine, home, sizes=sizes, samples=bench.rounds(300, 30),
            peers_at=min(scale.PEERS_AT, sizes[-1]),
        )  # fmt: skip


def _reverse(bench: Bench) -> Iterator[Report]:
    """A database of its own: an archive that grows."""
    articles, arrivals = bench.rounds(5000, 500), bench.rounds(60, 5)
    home = bench.folder / "reverse"
    home.mkdir()
    corpus = reverse.part(corpora.arabic(pool_only=bench.quick), articles=articles, arrivals=arrivals)
    with database(home) as (url, engine):
        loaded = archive.load(url, engine, corpus, site="reverse", first=articles)
        yield from reverse.measure(loaded, arrivals=arrivals)


def _disk(bench: Bench) -> Iterator[Report]:
    """A database of its own: its tables are weighed."""
    articles, arrivals = bench.rounds(14_500, 400), bench.rounds(500, 40)
    home = bench.folder / "disk"
    home.mkdir()
    corpus = reverse.part(corpora.arabic(pool_only=bench.quick), articles=articles, arrivals=arrivals)
    with database(home) as (url, engine):
        loaded = archive.load(url, engine, corpus, site="disk", first=articles)
        yield from disk.measure(loaded, arrivals=arrivals)


def _takedown(bench: Bench) -> Iterator[Report]:
    yield from takedown.measure(bench.folder / "stack", quick=bench.quick)


ALL: Final[dict[str, Callable[[Bench], Iterator[Report]]]] = {
    "quality": _quality,
    "choices": _choices,
    "draw": _draw,
    "scale": _scale,
    "reverse": _reverse,
    "disk": _disk,
    "takedown": _takedown,
}
JUDGED: Final = frozenset({"quality", "choices", "draw", "reverse", "disk"})
"""What needs the corpora."""
OF_QUALITY: Final = frozenset({"quality", "choices", "draw"})
"""What QUALITY.md keeps; RESULTS.md has the others."""


def main() -> None:
    """Exit code 1 when something did not work; a missed target is a result, not a failure."""
    given = _arguments()
    names = [name for name in ALL if name in given.names] or list(ALL)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="nashr-related-") as folder, ExitStack() as opened:
            bench = Bench(given.quick, given.up_to, Path(folder), opened)
            reports = {name: _measured(name, bench) for name in names}
    except (ApiError, BenchError) as error:
        sys.exit(f"benchmarks: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(_summary([report for found in reports.values() for report in found]))
    if given.quick or given.up_to < scale.SIZES[-1]:
        print("Nothing was kept: that takes the full length.")
        return
    _keep(hardware, reports)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/related/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="a little of each: does it still work?")
    parser.add_argument("--up-to", type=int, metavar="ARTICLES", help="the largest archive that scale fills")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(ALL)}")
    given.up_to = given.up_to or (scale.SIZES[0] if given.quick else scale.SIZES[-1])
    if given.up_to < scale.SIZES[0]:
        parser.error(f"--up-to must be {scale.SIZES[0]} or more")
    return given


def _measured(name: str, bench: Bench) -> Sequence[Report]:
    print(f"## {name}\n", flush=True)
    if name in JUDGED and corpora.folder() is None:
        print(corpora.ABSENT, flush=True)
        return ()
    found = []
    for report in ALL[name](bench):
        for one in report.tables:
            print(one.markdown(), flush=True)
        found.append(report)
    return found


def _summary(reports: Sequence[Report]) -> str:
    lines = [verdict.row_with_aim() for report in reports for verdict in report.verdicts]
    return table(("measured", "required", "result", "met", "aim", "reached"), lines)


def _keep(hardware: str, reports: dict[str, Sequence[Report]]) -> None:
    """Each benchmark's part of both files anew; the parts of those that did not run stay as they are."""
    for file, title, wanted in (
        (RESULTS, "Results", ALL.keys() - OF_QUALITY),
        (QUALITY, "Quality", OF_QUALITY),
    ):
        new = {name: _part(hardware, found) for name, found in reports.items() if name in wanted and found}
        if not new:
            continue
        parts = {**_parts(file), **new}
        head = f"# {title}\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n"
        body = "".join(f"\n## {name}\n\n{parts[name]}" for name in ALL if name in parts)
        file.write_text(head + body, "utf-8")
        print(f"kept in {file.name}: {', '.join(new)}")


def _part(hardware: str, found: Sequence[Report]) -> str:
    verdicts = f"{_summary(found)}\n" if any(report.verdicts for report in found) else ""
    tables = "\n".join(one.markdown() for report in found for one in report.tables)
    return f"{hardware}\n\n{verdicts}{tables}"


def _parts(file: Path) -> dict[str, str]:
    """What is kept of each benchmark, by its name."""
    parts = file.read_text("utf-8").split("\n## ")[1:] if file.exists() else []
    return dict(part.split("\n\n", 1) for part in parts)
