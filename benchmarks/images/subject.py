"""nashr as the benchmarks see it: the only module here that knows how renditions are made."""

from __future__ import annotations

from pathlib import Path

from nashr_images.pool import DecodePool
from nashr_images.renditions import Recipe, Rendered

from benchmarks.images.spec import Made, Spec


def ours(path: Path, spec: Spec) -> list[Made]:
    """Every file that ``core.render`` makes of a photo; for now only widths, as JPEG and WebP."""
    from nashr_images import core  # noqa: PLC0415 - a process that uses the pool never loads libvips

    return _made(core.render(path.read_bytes(), recipe=_recipe(spec)))


def ours_in_pool(pool: DecodePool, path: Path, spec: Spec) -> list[Made]:
    """The same in a child of the pool, as the worker does it."""
    return _made(pool.render(path, recipe=_recipe(spec)))


def _recipe(spec: Spec) -> Recipe:
    return Recipe(
        version=0,
        widths=tuple(spec.widths),
        jpeg_quality=spec.quality["jpeg"],
        webp_quality=spec.quality["webp"],
    )


def _made(rendered: Rendered) -> list[Made]:
    return [
        Made(
            format=one.content_type.removeprefix("image/"),
            width=one.width,
            height=one.height,
            crop=False,
            data=one.data,
        )
        for one in rendered.renditions
    ]
