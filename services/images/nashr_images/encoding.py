"""Pixels to files: three encoders at matched quality, credit and copyright kept, several at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pyvips
from nashr.domain.recipe import Quality, Recipe, Size

from nashr_images import metadata
from nashr_images.metadata import Metadata
from nashr_images.renditions import Rendition

THREADS: Final = min(2, len(os.sched_getaffinity(0)))
"""Encoders at work on one photo: a second one halves its time, the CPU stays the same."""

_PATIENT: Final = 15  # niceness of encoders that nobody waits for
_LARGE: Final = 2_000_000  # pixels
_INDEXED: Final = 1000  # pixels: search engines index files this wide, so they carry the XMP packet too


@dataclass(frozen=True)
class Encoder:
    """How a recipe writes one format; every file carries the credit and copyright that are ``known``."""

    content_type: str
    recipe: Recipe
    known: Metadata

    def __call__(self, image: Any, size: Size) -> Rendition:
        """One file. ``image`` is 8-bit sRGB; below each other the frames of an animation."""
        quality = self.recipe.quality_at(size.width)
        data = _WRITERS[self.content_type](credited(image, self.known), size, quality)
        tall = _page_height(image)
        return Rendition(
            image.width, tall, self.content_type, bytes(data), size.crop, image.height // tall
        )  # fmt: skip


def _page_height(image: Any) -> int:
    return int(image.get("page-height")) if image.get_typeof("page-height") else int(image.height)


def _kept(image: Any) -> str:
    """What the encoder writes beside the pixels. EXIF even of an image without any: 150 bytes of defaults."""
    there = [name for name in ("exif", "xmp") if image.get_typeof(f"{name}-data")]
    return ":".join(there) or "none"


def credited(image: Any, known: Metadata) -> Any:
    """The image with what its files say of their rights: in small ones EXIF, in large ones XMP as well."""
    blobs = {"exif-data": metadata.exif(known)}
    if image.width >= _INDEXED:
        blobs["xmp-data"] = metadata.packet(known)
    kept = {name: blob for name, blob in blobs.items() if blob}
    if not kept:
        return image
    signed = image.copy()
    for name, blob in kept.items():
        signed.set_type(pyvips.GValue.blob_type, name, blob)
    return signed


def _jpeg(image: Any, size: Size, quality: Quality) -> Any:  # noqa: ARG001
    # Table 3 is free: 10 % fewer bytes at the same SSIMULACRA2 and CPU (benchmarks/images/QUALITY.md). Not
    # progressive: that would save 1 % of the bytes beside it, for twice the CPU here and at each reader's.
    return opaque(image).jpegsave_buffer(
        Q=quality.jpeg, optimize_coding=True, quant_table=3, keep=_kept(image)
    )


def _webp(image: Any, size: Size, quality: Quality) -> Any:  # noqa: ARG001
    # Effort 2: 2 to 6 % more bytes than the default 4 for half its CPU.
    return image.webpsave_buffer(Q=quality.webp, effort=2, keep=_kept(image))


def _avif(image: Any, size: Size, quality: Quality) -> Any:
    """Effort 1 for what phones load; 0, a quarter of its CPU, for crops and what only wide screens show."""
    hasty = size.crop is not None or size.width * size.height > _LARGE
    number, effort = (quality.quick, 0) if hasty else (quality.avif, 1)
    return image.heifsave_buffer(Q=number, compression="av1", effort=effort, keep=_kept(image))


_WRITERS: Final[dict[str, Callable[[Any, Size, Quality], Any]]] = {
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/avif": _avif,
}


def opaque(image: Any) -> Any:
    """On white, where it was see-through."""
    return image.flatten(background=255) if image.hasalpha() else image


def together(tasks: Iterable[Callable[[], Rendition]], *, patient: bool = False) -> tuple[Rendition, ...]:
    """Runs tasks on THREADS threads, results in their order; ``patient`` ones behind everything else.

    Each begins as soon as ``tasks`` yields it, so that the next size is made while one is encoded.
    """
    with ThreadPoolExecutor(THREADS, initializer=_wait_behind if patient else None) as pool:
        running = [pool.submit(task) for task in tasks]
        return tuple(one.result() for one in running)


def _wait_behind() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PATIENT)
