"""The images step: an original becomes renditions on the site, under names nobody can guess."""

from __future__ import annotations

from nashr import failpoints, sitefiles
from nashr.bootstrap import Runtime
from nashr.domain.errors import Permanent, Retryable
from nashr.runtime.worker import Commit, Finish
from nashr.store import assets, cards, sites
from nashr.store.assets import Asset, Made
from nashr.store.database import statement
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_images.pool import DecodePool
from nashr_images.renditions import Rendered


class Images:
    """Handlers of the images service."""

    def __init__(self, runtime: Runtime, pool: DecodePool) -> None:
        self._runtime = runtime
        self._pool = pool

    def images(self, step: Step) -> Commit:
        """Renders one asset and stores its publishable set."""
        with statement(self._runtime.engine) as conn:
            asset = assets.find(conn, step.input["asset"])
            site = sites.get(conn, step.site)
        if asset is None or asset.withdrawn_at is not None:
            raise Permanent("the photo was withdrawn")
        rendered = self._pool.render(self._original(asset))
        files = [
            sitefiles.named("media", item.data, item.content_type, secret=site.secret)
            for item in rendered.renditions
        ]
        failpoints.reached("images.before_put")
        sitefiles.put(self._runtime.site_store, site.site, files)

        def commit(conn: Connection) -> Finish:
            now = assets.lock(conn, asset.id)
            made = Made(
                now.to_make(site.site.images), _described(rendered, files), rendered.placeholder,
                rendered.mean_colour, None, {}, {},
            )  # fmt: skip
            assets.ready(conn, now, made)
            sitefiles.record(conn, site.site, files, source=asset.id)
            cards.photo_ready(conn, asset.id)
            return Finish({"renditions": len(files)})

        return commit

    def _original(self, asset: Asset) -> bytes:
        data = self._runtime.originals.get(asset.original_key)
        if data is None:
            raise Retryable(f"the original of {asset.id} is not in the store yet")
        return data


def bury(conn: Connection, step: Step, error: str) -> None:
    """No renditions can be made: articles with this photo are blocked, and say so."""
    assets.failed(conn, step.input["asset"], error)
    cards.photo_ready(conn, step.input["asset"])


def _described(rendered: Rendered, files: list[sitefiles.File]) -> list[dict[str, object]]:
    return [
        {
            "path": file.path,
            "width": item.width,
            "height": item.height,
            "content_type": item.content_type,
            "bytes": len(item.data),
        }
        for item, file in zip(rendered.renditions, files, strict=True)
    ]
