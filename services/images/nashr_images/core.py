"""Pixels in, pixels out: one decode of an untrusted photo, every rendition from it.

Pure: bytes to bytes, no files, no network, no clock. Runs libvips in the calling process, so a
long-lived process goes through ``pool`` instead of importing this module.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from nashr.domain.recipe import MIDDLE, Recipe, Size, frame

from nashr_images import focal
from nashr_images.encoding import Encoder, opaque, together
from nashr_images.loading import decode, decode_moving, inspect, moves, raw, refusing, words
from nashr_images.metadata import Metadata
from nashr_images.renditions import (
    MAX_PIXELS,
    Decode,
    Header,
    Job,
    LightJob,
    Rendered,
    Rendition,
    lighter_only,
)

__all__ = ["decoded", "inspect", "render", "render_lighter"]

_PLACEHOLDER_BYTES: Final = 400


def render(
    data: bytes, job: Job | None = None, *, max_pixels: int = MAX_PIXELS, keep: bool = False
) -> Rendered:
    """The publishable renditions of a photo, JPEG and WebP, from one decode; same bytes every time.

    Upright, 8-bit sRGB, never larger than the original. Crops are cut around the job's focal point,
    else around the one that is found. An animation moves in its WebP files; JPEG shows its first frame.
    ``keep`` asks for the decode too, for ``render_lighter``. Raises what ``inspect`` raises, BrokenImage,
    and MemoryError.
    """
    job = job or Job()
    header = inspect(data, max_pixels=max_pixels)
    with refusing():
        width = job.recipe.base_width(header.width, header.height)
        base = decode(data, width=width, max_pixels=max_pixels)
        small = base.thumbnail_image(min(base.width, 320)).copy_memory()
        found = focal.find(opaque(small)) if job.focal is None else None
        sizes = [
            size for size in job.recipe.sizes_for(header.width, header.height)
            if size.crop or not job.crops_only
        ]  # fmt: skip
        known = words(data)
        cut = cuts(base, sizes, job.focal or found or MIDDLE)
        moving = _moving(data, header, job, known) if moves(header) and not job.crops_only else ()
        return Rendered(
            width=header.width,
            height=header.height,
            renditions=(*moving, *_files(cut, job, known, header)),
            placeholder="" if header.has_alpha else _placeholder(small),
            mean_colour=_mean_colour(small),
            found=found,
            metadata=known,
            decode=_samples(base, known) if keep and not moves(header) else None,
        )


def render_lighter(decoded: Decode, job: LightJob) -> tuple[Rendition, ...]:
    """The files that follow, in the job's order, out of the decode that ``render`` gave back."""
    with refusing():
        base = raw(decoded.samples, decoded.width, decoded.height, decoded.bands)
        kinds: dict[Size, list[str]] = {}
        for kind, size in job.files:
            kinds.setdefault(size, []).append(kind)
        tasks = (
            partial(Encoder(kind, job.recipe, decoded.metadata), image, size)
            for size, image in cuts(base, kinds, job.focal)
            for kind in kinds[size]
        )
        made = together(tasks, patient=True)
        found = {(one.content_type, one.crop, one.width): one for one in made}
        return tuple(found[kind, size.crop, size.width] for kind, size in job.files)


def decoded(data: bytes, recipe: Recipe, *, max_pixels: int = MAX_PIXELS) -> Decode:
    """The decode alone. Raises as ``render`` does."""
    header = inspect(data, max_pixels=max_pixels)
    with refusing():
        width = recipe.base_width(header.width, header.height)
        return _samples(decode(data, width=width, max_pixels=max_pixels), words(data))


def _samples(base: Any, known: Metadata) -> Decode:
    return Decode(base.width, base.height, base.bands, bytes(base.write_to_memory()), known)


Cut = tuple[Size, Any]


def cuts(base: Any, sizes: Iterable[Size], point: tuple[float, float]) -> Iterator[Cut]:
    """Each size as pixels, the widest first; a narrower one out of the next wider, which costs no quality."""
    listed = list(sizes)
    whole = base
    for size in sorted((one for one in listed if one.crop is None), reverse=True):
        whole = _scaled(whole, size.width, size.height)
        yield size, whole
    for size in listed:
        if size.crop is not None:
            box = frame(base.width, base.height, size.crop, focal=point)
            part = base.extract_area(*box) if box[2:] != (base.width, base.height) else base
            yield size, _scaled(part, size.width, size.height)


def _scaled(image: Any, width: int, height: int) -> Any:
    if (image.width, image.height) == (width, height):
        return image
    return image.thumbnail_image(width, height=height, size="force").copy_memory()


def _files(cut: Iterable[Cut], job: Job, known: Metadata, header: Header) -> tuple[Rendition, ...]:
    """JPEG files; of the whole photo WebP files too where they are smaller, or see-through."""
    jpeg, webp = (Encoder(f"image/{kind}", job.recipe, known) for kind in ("jpeg", "webp"))
    tasks = (
        partial(encode, image, size)
        for size, image in cut
        for encode in ((jpeg,) if size.crop or moves(header) else (webp, jpeg))
    )
    made = together(tasks)
    jpegs = [one for one in made if one.content_type == "image/jpeg"]
    webps = [one for one in made if one.content_type == "image/webp"]
    than = {(one.crop, one.width): len(one.data) for one in jpegs}
    return _ordered((*jpegs, *(webps if header.has_alpha else lighter_only(webps, than))))


def _ordered(files: Iterable[Rendition]) -> tuple[Rendition, ...]:
    return tuple(sorted(files, key=lambda one: (one.crop or "", one.width, one.content_type)))


def _moving(data: bytes, header: Header, job: Job, known: Metadata) -> tuple[Rendition, ...]:
    """The animation in every width, as WebP."""
    encode = Encoder("image/webp", job.recipe, known)
    sizes = [one for one in job.recipe.sizes_for(header.width, header.height) if one.crop is None]
    return together(
        partial(lambda size: encode(decode_moving(data, width=size.width), size), size) for size in sizes
    )


def _placeholder(image: Any) -> str:
    """A blurred miniature as a ``data:`` URI of at most 400 bytes: it travels inside the page."""
    for side in (32, 24, 16, 8):
        tiny = opaque(image).thumbnail_image(side, height=side, size="down").gaussblur(0.8)
        webp = tiny.webpsave_buffer(Q=40, effort=4, keep="none")
        uri = "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")
        if len(uri) <= _PLACEHOLDER_BYTES:
            break
    return uri


def _mean_colour(image: Any) -> str:
    solid = opaque(image)
    return "#" + "".join(f"{round(solid[band].avg()):02x}" for band in range(3))
