"""Encodes one picture in every size, format and quality, and keeps bytes, CPU and SSIMULACRA2 of each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyvips

from benchmarks.images import pictures, score

WIDTHS: Final = (320, 640, 960, 1280, 1920)
CROPS: Final = {"16:9": (1200, 675), "4:3": (1200, 900), "1:1": (1200, 1200)}
_TALL: Final = 16_383


@dataclass(frozen=True)
class Encoder:
    """One way to write a format; ``options`` go to libvips, ``qualities`` hold those of every level."""

    name: str
    saver: str
    options: Mapping[str, Any]
    qualities: Sequence[int]

    def encode(self, image: Any, quality: int) -> bytes:
        return bytes(getattr(image, self.saver)(Q=quality, keep="none", **self.options))


@dataclass(frozen=True)
class Sample:
    """One encoded picture. ``cpu`` are seconds of this process, ``pixels`` the picture's."""

    picture: str
    size: str
    encoder: str
    quality: int
    bytes: int
    cpu: float
    pixels: int
    score: float

    def row(self) -> Mapping[str, Any]:
        return asdict(self)


def _jpeg(name: str, **options: Any) -> Encoder:
    base = {"interlace": True, "optimize_coding": True}
    return Encoder(name, "jpegsave_buffer", {**base, **options}, (56, 62, 68, 74, 80, 85, 89, 90, 94))


def _webp(name: str, effort: int, **options: Any) -> Encoder:
    return Encoder(name, "webpsave_buffer", {"effort": effort, **options}, (62, 70, 76, 82, 88, 94, 98))


def _avif(name: str, effort: int, **options: Any) -> Encoder:
    return Encoder(
        name,
        "heifsave_buffer",
        {"compression": "av1", "effort": effort, **options},
        (42, 48, 54, 60, 66, 72, 78, 84, 89),
    )


_TRELLIS: Final = {"trellis_quant": True, "overshoot_deringing": True, "optimize_scans": True}
ENCODERS: Final = (
    _jpeg("jpeg"),
    _jpeg("jpeg, table 3", quant_table=3),
    _webp("webp 2", 2),
    _avif("avif 0", 0),
    _avif("avif 1", 1),
    _avif("avif 2", 2),
)
"""Measured at every size."""
VARIANTS: Final = (
    _jpeg("jpeg, trellis", **_TRELLIS),
    _jpeg("jpeg, trellis, table 3", quant_table=3, **_TRELLIS),
    _jpeg("jpeg, 4:4:4", subsample_mode="off"),
    _webp("webp 1", 1),
    _webp("webp 3", 3),
    _webp("webp 4", 4),
    _webp("webp 2, smart subsampling", 2, smart_subsample=True),
    _avif("avif 1, 4:4:4", 1, subsample_mode="off"),
)
"""Measured at VARIED sizes only: what else there is to choose."""
VARIED: Final = ("320", "640", "1280")


def sizes(base: Any) -> Iterator[tuple[str, Any]]:
    """The widths, then the crops from the middle: unencoded pixels in memory."""
    for width in WIDTHS:
        yield str(width), base if width == base.width else _shrunk(base, width, _TALL)
    for name, (width, height) in CROPS.items():
        yield name, _shrunk(base, width, height, crop="centre")


def _shrunk(base: Any, width: int, height: int, **options: Any) -> Any:
    return base.thumbnail_image(width, height=height, size="down", **options).copy_memory()


def measure(picture: str, folder: Path, *, quick: bool) -> list[Sample]:
    """Every encoder in turn at each quality, so that a busy minute falls on all of them."""
    pyvips.cache_set_max(0)
    base = pictures.bases(folder)[picture]()
    found = []
    for name, image in sizes(base):
        if quick and name not in {"320", "640"}:
            continue
        encoders = (*ENCODERS, *(VARIANTS if name in VARIED else ()))
        most = max(len(encoder.qualities) for encoder in encoders)
        for at in range(most):
            turn = (encoder for encoder in encoders if at < len(encoder.qualities))
            found += [_sample(picture, name, image, encoder, encoder.qualities[at]) for encoder in turn]
    return found


def _sample(picture: str, size: str, image: Any, encoder: Encoder, quality: int) -> Sample:
    started = time.process_time()
    data = encoder.encode(image, quality)
    cpu = time.process_time() - started
    return Sample(
        picture=picture,
        size=size,
        encoder=encoder.name,
        quality=quality,
        bytes=len(data),
        cpu=cpu,
        pixels=image.width * image.height,
        score=score.of_file(image, data),
    )
