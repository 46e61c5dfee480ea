"""SSIMULACRA2 of a decoded rendition against the pixels it was made of: 100 is equal, 70 high quality.

The PyPI package ssimulacra2 (dependency group ``bench``) says the score. Its maps take 1.4 s of CPU a
megapixel, so ssimulacra2.c computes them where there is a C compiler: 0.15 s, and the same score to 0.02.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pyvips

_SOURCE = Path(__file__).with_name("ssimulacra2.c")
_FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
_SCALES, _CHANNELS, _NORMS = 6, 3, 6


def available() -> bool:
    """Whether the package is installed: ``uv sync --group bench``."""
    return find_spec("ssimulacra2") is not None


def score(reference: Any, shown: Any) -> float:
    """Two libvips images of one size in 8-bit sRGB; transparency is laid on white before."""
    one, two = _opaque(reference), _opaque(shown)
    if (one.width, one.height) != (two.width, two.height):
        raise ValueError(f"{two.width} x {two.height} is not the reference's {one.width} x {one.height}")
    return _fast(one, two) if _library() else by_package(one, two)


def of_file(reference: Any, data: bytes) -> float:
    """The score of an encoded picture."""
    return score(reference, pyvips.Image.new_from_buffer(data, ""))


def by_package(one: Any, two: Any) -> float:
    """The package's own, slow way."""
    from ssimulacra2 import compute_ssimulacra2  # noqa: PLC0415 - optional

    first, second = (BytesIO(image.pngsave_buffer(compression=1, keep="none")) for image in (one, two))
    return float(compute_ssimulacra2(first, second))


def _opaque(image: Any) -> Any:
    seen = image.colourspace("srgb")
    return (seen.flatten(background=255) if seen.hasalpha() else seen).cast("uchar")


def _fast(one: Any, two: Any) -> float:
    from ssimulacra2.ssimulacra2 import Msssim, MsssimScale  # noqa: PLC0415 - optional

    found = (ctypes.c_double * (_SCALES * _CHANNELS * _NORMS))()
    library = _library()
    assert library is not None
    pixels = (bytes(image.write_to_memory()) for image in (one, two))
    scales = library.averages(*pixels, one.width, one.height, found)
    if scales < 0:
        raise MemoryError(f"no memory to score {one.width} x {one.height} pixels")
    result = Msssim()
    for scale in range(scales):
        maps = MsssimScale()
        for channel in range(_CHANNELS):
            at = (scale * _CHANNELS + channel) * _NORMS
            maps.avg_ssim[2 * channel : 2 * channel + 2] = found[at : at + 2]
            maps.avg_edgediff[4 * channel : 4 * channel + 4] = found[at + 2 : at + 6]
        result.scales.append(maps)
    return float(result.score())


@cache
def _library() -> ctypes.CDLL | None:
    """ssimulacra2.c, compiled anew for this machine; None where there is no compiler."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ssimulacra2.so"
        try:
            subprocess.run(
                ["cc", *_FLAGS, "-o", str(file), str(_SOURCE), "-lm"], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return ctypes.CDLL(str(file))
