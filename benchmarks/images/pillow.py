"""Pillow, the peer of most Python sites: from one decode, and as it is mostly used, one decode a file."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageCms, ImageOps

from benchmarks.images.spec import Made, Spec

Image.MAX_IMAGE_PIXELS = None
_GAP: Final = 2.0
_TALL: Final = 16_383
_SLOWEST: Final = 9  # aom's speed is this less libvips' effort


def once(path: Path, spec: Spec) -> list[Made]:
    """Decodes at the largest size; every other one is made of that."""
    base = _decoded(path, (max(spec.widths), _TALL))
    sizes = [
        *((_narrowed(base, width), False) for width in spec.widths if width <= base.width),
        *((_cropped(base, size), True) for size in spec.crops),
    ]
    return [_made(image, form, spec, crop=crop) for image, crop in sizes for form in spec.forms(crop=crop)]


def each(path: Path, spec: Spec) -> list[Made]:
    """Opens, decodes, resizes and encodes once for every file."""
    return [_made(image, form, spec, crop=crop) for image, crop, form in _one_by_one(path, spec)]


def _one_by_one(path: Path, spec: Spec) -> Iterator[tuple[Image.Image, bool, str]]:
    for form in spec.quality:
        for width in spec.widths:
            yield _decoded(path, (width, _TALL)), False, form
        for size in spec.crops if form in spec.cropped else ():
            yield _cropped(_decoded(path, (max(size) * 2, max(size) * 2)), size), True, form


def _decoded(path: Path, size: tuple[int, int]) -> Image.Image:
    """Upright sRGB within ``size``, with libjpeg's shrinking while decoding."""
    image: Image.Image = Image.open(path)
    profile = image.info.get("icc_profile")
    image.draft("RGB", (int(size[0] * _GAP), int(min(size[1], size[0]) * _GAP)))
    image.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=_GAP)
    image = ImageOps.exif_transpose(image)
    if profile:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return converted or image
    return image.convert("RGB")


def _narrowed(base: Image.Image, width: int) -> Image.Image:
    if width == base.width:
        return base
    return base.resize((width, round(base.height * width / base.width)), Image.Resampling.LANCZOS)


def _cropped(base: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(1.0, base.width / size[0], base.height / size[1])
    fitting = (round(size[0] * scale), round(size[1] * scale))
    return ImageOps.fit(base, fitting, Image.Resampling.LANCZOS)


def _made(image: Image.Image, form: str, spec: Spec, *, crop: bool) -> Made:
    output = BytesIO()
    number = spec.number(form, image.size, crop=crop)
    image.save(output, form, quality=number, **_options(form, spec, image.size, crop=crop))
    return Made(form, image.width, image.height, crop, output.getvalue())


def _options(form: str, spec: Spec, size: tuple[int, int], *, crop: bool) -> dict[str, Any]:
    if form == "jpeg":
        return {"progressive": True, "optimize": True}
    threads = {"max_threads": 1} if form == "avif" else {}
    effort = spec.effort_of(form, size, crop=crop)
    if effort is None:
        return threads
    return {"method": effort} if form == "webp" else {**threads, "speed": _SLOWEST - effort}
