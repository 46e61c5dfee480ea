"""Many photos of all kinds through one pool: does its memory come to rest?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from nashr_images.pool import DecodePool

from benchmarks.figures import Table, megabytes
from benchmarks.images import spec as specs
from benchmarks.images.peers import ROOT
from benchmarks.images.subject import ours_in_pool
from benchmarks.processes import Memory, tree_memory

EVERY: Final = 5
SETTLED: Final = 90
"""Drift is counted over as many of the last photos: six rounds of all kinds, so that its halves are alike."""
_KINDS: Final[Sequence[tuple[str, int, Mapping[str, Any]]]] = (
    ("a.jpg", 6000, {"Q": 85}),
    ("b.png", 2000, {"compression": 1}),
    ("c.webp", 3000, {"Q": 80, "effort": 0}),
    ("d.jpg", 870, {"Q": 85}),
    ("e.avif", 4200, {"Q": 60, "effort": 0}),
    ("f.gif", 900, {"effort": 1}),
    ("g.tif", 3600, {}),
    ("h.jpg", 4200, {"Q": 85, "interlace": True}),
    ("i.png", 4200, {"compression": 1}),
    ("j.avif", 1800, {"Q": 60, "effort": 0}),
    ("k.jpg", 3000, {"Q": 85}),
    ("l.webp", 6000, {"Q": 80, "effort": 0}),
    ("m.gif", 1500, {"effort": 1}),
    ("n.tif", 6000, {}),
    ("o.jpg", 6000, {"Q": 85, "interlace": True}),
)
"""Name, width (two thirds of it high: 0.5 to 24 megapixels), and how libvips writes it."""


def draw(photo: Path, folder: Path) -> None:
    """One file of each kind, made of a photo of 24 megapixels."""
    import pyvips  # noqa: PLC0415 - the process that is measured must not load libvips

    for name, width, options in _KINDS:
        image = pyvips.Image.thumbnail(str(photo), width, height=width * 2 // 3, crop="centre")
        image.write_to_file(str(folder / name), keep="none", **options)


def measure(folder: Path, spec: specs.Spec, *, photos: int) -> Table:
    """In a process of its own, which has loaded no decoder: the pool's parent, as the worker is."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.images.longrun", str(folder), str(photos), spec.text()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {int(count): Memory(*both) for count, both in json.loads(done.stdout).items()}
    return Table(
        f"{photos} photos of all kinds through one pool",
        ("after", "RSS", "PSS"),
        [
            [f"{at} photos", megabytes(now.resident), megabytes(now.proportional)]
            for at, now in found.items()
            if at % (4 * EVERY) == 0 or at == photos
        ],
        [
            "The parent and its child, between two photos: JPEG, PNG, WebP, AVIF, GIF, TIFF, 0.5 to 24 MP.",
            _drift(found),
        ],
    )


def _drift(found: Mapping[int, Memory]) -> str:
    last = [now.proportional for at, now in found.items() if at > max(found) - SETTLED]
    if max(found) <= SETTLED + EVERY:
        return "Too few photos to speak of drift."
    half = len(last) // 2
    early, late = (sum(part) / len(part) for part in (last[:half], last[half:]))
    return (
        f"Drift over the last {SETTLED} photos, the mean PSS of their second half beside the first: "
        f"{(late - early) / 1e6:+.1f} MB; the highest reading {megabytes(max(last))}."
    )


def _readings(folder: Path, photos: int, spec: specs.Spec) -> Iterator[tuple[int, Memory]]:
    pool = DecodePool(workers=1)
    try:
        pool.warm()
        yield 0, tree_memory(os.getpid())
        for at, file in enumerate(islice(cycle(sorted(folder.iterdir())), photos), start=1):
            ours_in_pool(pool, file, spec)
            if at % EVERY == 0 or at == photos:
                yield at, tree_memory(os.getpid())
    finally:
        pool.close()


if __name__ == "__main__":
    readings = _readings(Path(sys.argv[1]), int(sys.argv[2]), specs.read(sys.argv[3]))
    print(json.dumps({at: (now.resident, now.proportional) for at, now in readings}))
