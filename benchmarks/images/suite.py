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

from benchmarks import machine, photos
from benchmarks.figures import Table
from benchmarks.images import bombs, longrun, peers, pictures, score, throughput
from benchmarks.images.spec import SETS

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
COMPARED: Final = ("publishable", "whole")
QUICKLY: Final = ("publishable",)


@dataclass(frozen=True)
class Bench:
    """How long to measure, and where the files are: ``drawn`` is a photo of 24 megapixels."""

    quick: bool
    folder: Path
    drawn: Path
    sets: tuple[str, ...]

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def _peers(bench: Bench) -> Iterator[Table]:
    largest = pictures.largest_shared_photo()
    for photo in [*([largest] if largest else []), *([] if bench.quick and largest else [bench.drawn])]:
        for name in bench.sets:
            spec = SETS[name]
            title = f"{photo.stem.removeprefix('im_')}: the {name} set, {spec.files} files"
            yield peers.compare(photo, title, spec, rounds=bench.rounds(3, 1), folder=bench.folder)


def _bombs(bench: Bench) -> Iterator[Table]:
    yield bombs.measure(bench.folder, rounds=bench.rounds(5, 1))


def _longrun(bench: Bench) -> Iterator[Table]:
    folder = bench.folder / "kinds"
    folder.mkdir()
    longrun.draw(bench.drawn, folder)
    yield longrun.measure(folder, SETS["whole"], photos=bench.rounds(200, 20))


def _throughput(bench: Bench) -> Iterator[Table]:
    files = [bench.drawn, *pictures.shared_photos().values()]
    yield throughput.measure(files, SETS["whole"], seconds=bench.rounds(60, 5))


ALL: Final[dict[str, Callable[[Bench], Iterator[Table]]]] = {
    "peers": _peers,
    "bombs": _bombs,
    "longrun": _longrun,
    "throughput": _throughput,
}


def main() -> None:
    """Exit code 1 when something did not work; being slower than a peer is a result, not a failure."""
    given = _arguments()
    names = [name for name in ALL if name in given.names] or list(ALL)
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    if not score.available():
        print("No scores: they need the package ssimulacra2 (uv sync --group bench).\n", flush=True)
    tables = []
    try:
        with tempfile.TemporaryDirectory(prefix="nashr-images-") as folder:
            bench = _bench(Path(folder), quick=given.quick, sets=_sets(given))
            for name in names:
                print(f"## {name}\n", flush=True)
                for table in ALL[name](bench):
                    print(table.markdown(), flush=True)
                    tables.append(table)
    except (peers.EngineFailed, subprocess.CalledProcessError) as error:
        sys.exit(f"benchmarks: {error}\n{getattr(error, 'stderr', None) or ''}")
    except KeyboardInterrupt:
        sys.exit(130)
    if given.quick or given.set or len(names) < len(ALL):
        print("Nothing was kept: that takes all of it at full length.")
        return
    _keep(hardware, tables)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/images/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="a round each: does it still work?")
    parser.add_argument("--set", action="append", choices=SETS, help="which files the peers make")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(ALL)}")
    return given


def _sets(given: argparse.Namespace) -> tuple[str, ...]:
    return tuple(given.set or (QUICKLY if given.quick else COMPARED))


def _bench(folder: Path, *, quick: bool, sets: tuple[str, ...]) -> Bench:
    drawn = folder / "drawn.jpg"
    photos.draw(drawn, seed=1)
    return Bench(quick=quick, folder=folder, drawn=drawn, sets=sets)


def _keep(hardware: str, tables: list[Table]) -> None:
    RESULTS.write_text(
        f"# Results\n\nWritten by `run.py`; [README.md](README.md) says what each number means.\n\n"
        f"{hardware}\n\n" + "\n".join(table.markdown() for table in tables),
        "utf-8",
    )
    print(f"kept in {RESULTS.name}")
