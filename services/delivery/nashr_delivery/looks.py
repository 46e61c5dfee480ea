"""A site's look in a worker: its theme folder out of the private bucket, built once per process and theme.

A theme that cannot be had or used costs a page its look, never its being published.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from nashr.domain.site import Site
from nashr.domain.theme import is_bundle_key
from nashr.observability.logs import logger
from nashr.ports import ObjectStore
from nashr.store.ids import keyed_name

from nashr_delivery import core
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import Page
from nashr_delivery.themes.bundle import NOTHING, Bundle, unpack
from nashr_delivery.views import FootLink, View


class Looks:
    """The assets of sites; a theme folder's name changes with its bytes, so it is read once."""

    def __init__(self, originals: ObjectStore) -> None:
        self._originals = originals
        self._latest: dict[str, tuple[str, SiteAssets]] = {}

    def assets(self, site: Site, secret: str) -> SiteAssets:
        """The site's look. What is incomplete is not kept: the file may come back."""
        seen = json.dumps([site.locale, dict(site.theme), dict(site.texts), site.base_path], sort_keys=True)
        kept = self._latest.get(site.id)
        if kept is not None and kept[0] == seen:
            return kept[1]
        theme = self._theme(site)
        made = site_assets(site, name=lambda body: keyed_name(secret, body), theme=theme or NOTHING)
        if theme is not None:
            self._latest[site.id] = (seen, made)
        return made

    def _theme(self, site: Site) -> Bundle | None:
        """The site's theme folder, an empty one where it has none; None where it cannot be had."""
        key = site.theme.get("folder", "")
        if not is_bundle_key(site.id, key):
            return NOTHING
        packed = self._originals.get(key)
        try:
            if packed is not None:
                return unpack(packed)
        except ValueError as error:
            logger().error("theme.unreadable", site=site.id, key=key, error=str(error))
            return None
        logger().error("theme.missing", site=site.id, key=key)
        return None


def rendered(
    view: View,
    site: Site,
    assets: SiteAssets,
    *,
    version: int,
    cache: str = core.PAGE_CACHE,
    tag_metadata: str = "",
    foot: tuple[FootLink, ...] = (),
    assets_below: str = "",
) -> Page:
    """The page; with our templates where the theme's fail, as they may after an upgrade."""
    render = partial(
        core.render, view, site, version=version, cache=cache, tag_metadata=tag_metadata, foot=foot,
        assets_below=assets_below,
    )  # fmt: skip
    try:
        return render(assets=assets)
    except Exception as error:
        if not assets.templates:
            raise
        logger().error("theme.broken", site=site.id, path=view.path, error=repr(error))
        return render(assets=replace(assets, templates=()))
