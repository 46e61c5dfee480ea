"""The steps of the images service: an original becomes renditions under names nobody can guess.

``images`` makes what a page can go out with, ``lighter`` the files that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from nashr import failpoints, sitefiles
from nashr.bootstrap import Runtime
from nashr.domain.errors import Permanent, Retryable
from nashr.domain.recipe import MIDDLE, Recipe, Size
from nashr.pages import Fact
from nashr.runtime.worker import Commit, Finish
from nashr.sitefiles import File
from nashr.steps import Priority
from nashr.store import assets, cards, golive, photopages, queue, sites
from nashr.store.assets import Asset, Made
from nashr.store.database import scalar, statement
from nashr.store.queue import Step
from nashr.store.sites import SiteRow
from sqlalchemy import Connection

from nashr_images.pool import DecodePool
from nashr_images.renditions import (
    ImageCrashed,
    Job,
    LightJob,
    Rendered,
    Rendition,
    lighter_only,
    second_set,
)

PATIENCE: Final = 3  # attempts after which a photo is blamed for the end of its decoder


class Images:
    """Handlers of the images service."""

    def __init__(self, runtime: Runtime, pool: DecodePool) -> None:
        self._runtime = runtime
        self._pool = pool

    def images(self, step: Step) -> Commit:
        """Makes and stores the publishable set of one asset, or its crops alone where the point has moved."""
        asset, site = self._read(step)
        if asset is None or asset.withdrawn_at is not None:
            raise Permanent("the photo was withdrawn")
        recipe = site.site.images
        if asset.is_made(recipe):
            return _nothing
        job = Job(recipe, _editors_point(asset), crops_only=asset.is_of(recipe))
        original = self._original(asset)
        with _patient(step):
            rendered = self._pool.render(original, job, name=_kept_as(asset, recipe))
        files = self._stored(site, rendered.renditions)
        return lambda conn: self._ready(conn, site, asset, rendered, files)

    def lighter(self, step: Step) -> Commit:
        """Adds AVIF files and the crops' WebP, shape by shape where they are lighter than what is there."""
        asset, site = self._read(step)
        if asset is None or asset.state != "ready" or asset.withdrawn_at is not None:
            return _nothing
        missing = _missing(asset, site.site.images)
        if not missing:
            return _nothing
        job = LightJob(site.site.images, missing, asset.focal_point or MIDDLE)
        name = _kept_as(asset, site.site.images)
        with _patient(step):
            made = self._pool.render_lighter(lambda: self._original(asset), job, name=name)
        worth = lighter_only(made, _lightest(asset.renditions))
        files = self._stored(site, worth)
        return lambda conn: _lighter(conn, site, asset, _described(worth, files), files)

    def _read(self, step: Step) -> tuple[Asset | None, SiteRow]:
        with statement(self._runtime.engine) as conn:
            return assets.find(conn, step.input["asset"]), sites.get(conn, step.site)

    def _original(self, asset: Asset) -> bytes:
        data = self._runtime.originals.get(asset.original_key)
        if data is None:
            raise Retryable(f"the original of {asset.id} is not in the store yet")
        return data

    def _stored(self, site: SiteRow, renditions: Iterable[Rendition]) -> Sequence[File]:
        files = [
            sitefiles.named("media", one.data, one.content_type, secret=site.secret) for one in renditions
        ]
        failpoints.reached("images.before_put")
        sitefiles.put(self._runtime.site_store, site.site, files)
        return files

    def _ready(
        self, conn: Connection, site: SiteRow, asset: Asset, rendered: Rendered, files: Sequence[File]
    ) -> Finish:
        """The publishable set is there: whoever waits for it, or shows the photo already, learns of it."""
        recipe, now = site.site.images, assets.lock(conn, asset.id)
        described = _described(rendered.renditions, files)
        if asset.is_of(recipe):
            described = [*(dict(one) for one in now.renditions if not one["crop"]), *described]
        assets.ready(conn, now, _made(asset.to_make(recipe), rendered, described))
        sitefiles.record(conn, site.site, files, source=asset.id)
        cards.photo_ready(conn, asset.id)
        if asset.state == "ready":
            photopages.bump(conn, asset.id, Fact.photo, priority=Priority.normal)
        else:
            golive.photo_appeared(conn, site.site, asset.id)
        _want_lighter(conn, asset)
        changed = now.to_make(recipe) != asset.to_make(recipe)
        return Finish({"renditions": len(files)}, again_at=_now(conn) if changed else None)


@contextmanager
def _patient(step: Step) -> Iterator[None]:
    """A decoder that ended may have been ended by something else: it is tried again, up to PATIENCE times."""
    try:
        yield
    except ImageCrashed as error:
        if step.attempts < PATIENCE:
            raise Retryable(str(error)) from error
        raise


def _nothing(_: Connection) -> Finish:
    """All is as it should be."""
    return Finish({"renditions": 0})


def _lighter(
    conn: Connection,
    site: SiteRow,
    asset: Asset,
    described: Sequence[Mapping[str, Any]],
    files: Sequence[File],
) -> Finish:
    """Lighter files are there; pages that show the photo take them up when nothing else waits."""
    now = assets.lock(conn, asset.id)
    if now.state != "ready" or now.withdrawn_at is not None:
        return Finish({"renditions": 0})
    if now.made != asset.made:  # other crops came meanwhile
        return Finish({"renditions": 0}, again_at=_now(conn))
    if files:
        assets.lighter(conn, now, [*now.renditions, *described])
        sitefiles.record(conn, site.site, files, source=asset.id)
        photopages.bump(conn, asset.id, Fact.formats, priority=Priority.bulk)
    return Finish({"renditions": len(files)})


def bury(conn: Connection, step: Step, error: str) -> None:
    """No renditions can be made: articles with this photo are blocked, and say so."""
    assets.failed(conn, step.input["asset"], error)
    cards.photo_ready(conn, step.input["asset"])


def _want_lighter(conn: Connection, asset: Asset) -> None:
    queue.rearm(
        conn, "lighter", asset.id, site=asset.site, data={"asset": asset.id}, priority=Priority.bulk
    )  # fmt: skip
    queue.notify(conn)


def _kept_as(asset: Asset, recipe: Recipe) -> str:
    """The name of a photo's decode: another recipe has another one, and so has another site's copy."""
    return f"{asset.id}|{recipe.key}"


def _editors_point(asset: Asset) -> tuple[float, float] | None:
    if asset.focal_x is None or asset.focal_y is None:
        return None
    return asset.focal_x, asset.focal_y


def _made(key: str, rendered: Rendered, described: Sequence[Mapping[str, Any]]) -> Made:
    found = rendered.metadata
    words = {name: getattr(found, name) for name in ("caption", "credit", "digital_source_type")}
    return Made(
        key=key,
        renditions=described,
        placeholder=rendered.placeholder,
        colour=rendered.mean_colour,
        found=rendered.found,
        words={name: value for name, value in words.items() if value},
        rights=found.rights(),
    )


def _missing(asset: Asset, recipe: Recipe) -> tuple[tuple[str, Size], ...]:
    """What the second set lacks; nothing of an animation, which would stand still."""
    if any(one["frames"] > 1 for one in asset.renditions):
        return ()
    there = {(one["content_type"], one["crop"], one["width"]) for one in asset.renditions}
    sizes = [
        Size(one["crop"], one["width"], one["height"])
        for one in asset.renditions
        if one["content_type"] == "image/jpeg"
    ]
    return tuple(
        (kind, size) for kind, size in second_set(recipe, sizes) if (kind, size.crop, size.width) not in there
    )


def _lightest(renditions: Iterable[Mapping[str, Any]]) -> Mapping[tuple[str | None, int], int]:
    """The fewest bytes that there are of each size."""
    found: dict[tuple[str | None, int], int] = {}
    for one in renditions:
        size = one["crop"], one["width"]
        found[size] = min(found.get(size, one["bytes"]), one["bytes"])
    return found


def _described(renditions: Iterable[Rendition], files: Iterable[File]) -> list[dict[str, object]]:
    return [
        {
            "path": file.path,
            "width": one.width,
            "height": one.height,
            "content_type": one.content_type,
            "bytes": len(one.data),
            "crop": one.crop,
            "frames": one.frames,
        }
        for one, file in zip(renditions, files, strict=True)
    ]


def _now(conn: Connection) -> Any:
    return scalar(conn, "SELECT clock_timestamp()")
