"""The same files by every engine in turn: CPU, memory, bytes, and what they look like beside the photo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

import pyvips

from benchmarks.figures import Table, megabytes
from benchmarks.images import score
from benchmarks.images.spec import Spec

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
SHARP: Final = HERE / "sharp"
SCORED: Final = (640, 1280)
_FORMATS: Final = ("jpeg", "webp", "avif")
_OURS: Final = "nashr"


class EngineFailed(Exception):
    """An engine's process ended with an error; the text is what it said."""


@dataclass(frozen=True)
class Engine:
    """A way to make the files. ``usual``: with its encoders' own efforts, not with ours."""

    title: str
    command: Sequence[str]
    usual: bool = False


@dataclass(frozen=True)
class Run:
    """What one process said of one photo."""

    cpu: float
    wall: float
    peak: int
    files: Sequence[Mapping[str, Any]]

    def bytes_of(self, form: str) -> int:
        return sum(file["bytes"] for file in self.files if file["format"] == form)


def engines() -> Sequence[Engine]:
    """All that this machine can run; says what is left out, and why."""
    python = (sys.executable, "-m", "benchmarks.images.engine")
    found = [
        Engine(_OURS, (*python, "ours")),
        Engine("Pillow, one decode", (*python, "pillow-once")),
        Engine("Pillow, as mostly used", (*python, "pillow-each"), usual=True),
    ]
    if _has_sharp():
        peer = ("node", str(SHARP / "peer.mjs"))
        found[1:1] = [
            Engine("sharp, one decode", (*peer, "once")),
            Engine("sharp, as mostly used", (*peer, "each"), usual=True),
        ]
    return found


def _has_sharp() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        print("sharp is left out: it needs node and npm.\n", flush=True)
        return False
    installed = SHARP / "node_modules" / ".package-lock.json"
    lock = SHARP / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=SHARP, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"sharp is left out: npm ci failed: {done.stderr.strip()[-300:]}\n", flush=True)
    return done.returncode == 0


def compare(photo: Path, name: str, spec: Spec, *, rounds: int, folder: Path) -> Table:
    """Every engine once, then every engine again: a busy minute falls on all of them.

    What is mostly used takes a minute with AVIF, and several times the others' CPU: there one round will do.
    """
    runs: dict[Engine, list[Run]] = defaultdict(list)
    scores: dict[Engine, Mapping[str, float]] = {}
    present = engines()
    for at in range(rounds):
        for engine in present:
            if at and engine.usual and "avif" in spec.quality:
                continue
            output = folder / engine.title.replace(" ", "-")
            output.mkdir(exist_ok=True)
            runs[engine].append(_run(engine, photo, spec, output=None if at else output))
            if not at:
                scores[engine] = _scores(photo, runs[engine][0], output)
            shutil.rmtree(output)
    ours = runs[present[0]]
    return Table(
        name,
        ("engine", "files", "CPU", "beside nashr", "wall clock", "peak", *_heads(spec)),
        [_row(engine, runs[engine], ours, spec, scores[engine]) for engine in present],
    )


def _heads(spec: Spec) -> list[str]:
    heads = []
    for form in _in_order(spec):
        heads.append(f"{form.upper()} KB")
        if score.available():
            heads.append("score")
    return heads


def _row(
    engine: Engine, runs: Sequence[Run], ours: Sequence[Run], spec: Spec, scores: Mapping[str, float]
) -> list[str]:
    cpu = median(run.cpu for run in runs)
    files = len(runs[0].files)
    equal = files == len(ours[0].files)
    cells = [
        engine.title,
        str(files),
        f"{cpu:.2f} s",
        f"{cpu / median(run.cpu for run in ours):.2f}" if equal else "other files",
        f"{median(run.wall for run in runs):.2f} s",
        megabytes(max(run.peak for run in runs)),
    ]
    for form in _in_order(spec):
        cells.append(f"{runs[0].bytes_of(form) / 1000:.0f}")
        if score.available():
            cells.append(f"{scores[form]:.1f}" if form in scores else "-")
    return cells


def _in_order(spec: Spec) -> list[str]:
    return [form for form in _FORMATS if form in spec.quality]


def _run(engine: Engine, photo: Path, spec: Spec, *, output: Path | None) -> Run:
    text = (spec.usual() if engine.usual else spec).text()
    command = [*engine.command, str(photo), text, *([str(output)] if output else [])]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise EngineFailed(f"{engine.title} failed on {photo.name}: {done.stderr.strip()[-2000:]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def _scores(photo: Path, run: Run, output: Path) -> Mapping[str, float]:
    """The mean score by format over SCORED widths, against the photo shrunk at once from all its pixels."""
    if not score.available():
        return {}
    found = defaultdict(list)
    reference: Callable[[int, int], Any] = _references(photo)
    for file in run.files:
        if file["width"] in SCORED and not file["crop"]:
            data = (output / f"{file['width']}x{file['height']}.{file['format']}").read_bytes()
            found[file["format"]].append(score.of_file(reference(file["width"], file["height"]), data))
    return {form: fmean(each) for form, each in found.items()}


def _references(photo: Path) -> Callable[[int, int], Any]:
    whole = pyvips.Image.new_from_file(str(photo)).autorot().copy_memory()

    def reference(width: int, height: int) -> Any:
        small = whole.thumbnail_image(width, height=height, size="force", output_profile="srgb")
        return small.colourspace("srgb").cast("uchar").copy_memory()

    return reference
