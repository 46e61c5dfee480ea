"""nashr as the benchmarks see it: the only module here that knows how renditions are made."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from pathlib import Path

from nashr.domain.recipe import Recipe, Size
from nashr.runtime import sandbox
from nashr_images.pool import DecodePool
from nashr_images.renditions import Job, LightJob, Rendered, Rendition, second_set

from benchmarks.images.spec import Made, Spec

_MIDDLE = (0.5, 0.5)


def ours(path: Path, spec: Spec) -> list[Made]:
    """Every file of a photo: the publishable set, then AVIF out of the same decode.

    A format that is not lighter is left out, as always; crops are cut from the middle, as the peers do.
    """
    from nashr_images import core  # noqa: PLC0415 - a process that uses the pool never loads libvips

    sandbox.tune_memory()
    recipe = _recipe(spec)
    whole = "avif" in spec.quality
    rendered = core.render(path.read_bytes(), Job(recipe, focal=_MIDDLE), keep=whole)
    if rendered.decode is None:
        return _made(rendered.renditions)
    return _made([*rendered.renditions, *core.render_lighter(rendered.decode, _second(recipe, rendered))])


def ours_in_pool(pool: DecodePool, path: Path, spec: Spec) -> list[Made]:
    """The same in children of the pool, as the worker does it, points looked for."""
    recipe = _recipe(spec)
    rendered = pool.render(path, Job(recipe), name=str(path))
    second = _second(recipe, rendered)
    if not second.files:
        return _made(rendered.renditions)
    return _made(
        [*rendered.renditions, *pool.render_lighter(path.read_bytes, second, name=str(path))]
    )  # fmt: skip


def _second(recipe: Recipe, rendered: Rendered) -> LightJob:
    jpegs = [one for one in rendered.renditions if one.content_type == "image/jpeg"]
    moving = any(one.frames > 1 for one in rendered.renditions)
    sizes = () if moving else tuple(Size(one.crop, one.width, one.height) for one in jpegs)
    return LightJob(recipe, second_set(recipe, sizes), rendered.found or _MIDDLE)


def _recipe(spec: Spec) -> Recipe:
    return Recipe(
        widths=tuple(spec.widths),
        crops=tuple(_shape(*size) for size in spec.crops),
        avif="avif" in spec.quality,
    )


def _shape(width: int, height: int) -> str:
    common = gcd(width, height)
    return f"{width // common}:{height // common}"


def _made(renditions: Sequence[Rendition]) -> list[Made]:
    return [
        Made(
            format=one.content_type.removeprefix("image/"),
            width=one.width,
            height=one.height,
            crop=one.crop is not None,
            data=one.data,
        )
        for one in renditions
    ]
