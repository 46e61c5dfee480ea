"""``python benchmarks/images/quality.py [--quick]``: the quality numbers at which formats look alike."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["VIPS_CONCURRENCY"] = "1"  # libvips reads it when it is loaded

from benchmarks import machine
from benchmarks.images import levels, pictures, samples, score

PROCESSES: Final = 2
REPORT: Final = Path(__file__).with_name("QUALITY.md")
MARK: Final = "<!-- tables -->\n"


def main() -> None:
    """Exit code 1 without the package that scores. A full run replaces the tables of QUALITY.md."""
    given = _arguments()
    if not score.available():
        sys.exit("quality.py needs the package ssimulacra2: uv sync --group bench")
    hardware = machine.describe()
    found = _kept(given.samples) or _measured(quick=given.quick)
    if given.samples:
        given.samples.write_text(json.dumps([one.row() for one in found]), "utf-8")
    tables = "\n".join(table.markdown() for table in levels.report(found, photos=pictures.shared_photos()))
    print(tables)
    if given.quick or not pictures.shared_photos():
        print("Nothing was kept: that takes the shared photos and every size.")
        return
    head, _, _ = REPORT.read_text("utf-8").partition(MARK)
    REPORT.write_text(f"{head}{MARK}{hardware}\n\n{tables}", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/images/quality.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small sizes only: does it still work?")
    parser.add_argument(
        "--samples",
        type=Path,
        help="keeps every measurement in this file, and starts from it when it is there",
    )
    return parser.parse_args()


def _kept(file: Path | None) -> Sequence[samples.Sample]:
    return [samples.Sample(**row) for row in json.loads(file.read_text())] if file and file.exists() else []


def _measured(*, quick: bool) -> Sequence[samples.Sample]:
    with (
        tempfile.TemporaryDirectory(prefix="nashr-quality-") as folder,
        ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool,
    ):
        names = list(pictures.bases(Path(folder)))
        each = pool.map(partial(samples.measure, folder=Path(folder), quick=quick), names)
        return [one for found in each for one in found]


if __name__ == "__main__":
    main()
