"""Photos of 24 megapixels, computed: soft colours under the grain of a sensor, 4 to 6 MB as JPEG."""

from __future__ import annotations

from pathlib import Path

import pyvips

WIDTH, HEIGHT = 6000, 4000
SOFTNESS = 250
GRAIN = 6.0
QUALITY = 85


def draw(file: Path, *, seed: int) -> None:
    """Writes a JPEG of WIDTH x HEIGHT; another seed gives another photo."""
    bands = [
        pyvips.Image.gaussnoise(
            WIDTH // SOFTNESS, HEIGHT // SOFTNESS, mean=128, sigma=60, seed=4 * seed + band
        )
        for band in range(3)
    ]
    colours = bands[0].bandjoin(bands[1:]).cast("uchar").resize(SOFTNESS, kernel="cubic")
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, mean=0, sigma=GRAIN, seed=4 * seed + 3)
    (colours + grain).cast("uchar").jpegsave(str(file), Q=QUALITY)
