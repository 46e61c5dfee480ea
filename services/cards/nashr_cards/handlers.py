"""The cards step: headline, hero and theme become a social card on the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashr import failpoints, sitefiles
from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable
from nashr.domain.site import Site, direction
from nashr.runtime.worker import Commit, Finish
from nashr.store import assets, cards, sites
from nashr.store.assets import Asset
from nashr.store.database import statement
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.pool import CardPool

ENOUGH = 1200  # pixels: the narrowest rendition that fills a card


class Cards:
    """Handlers of the cards service."""

    def __init__(self, runtime: Runtime, pool: CardPool) -> None:
        self._runtime = runtime
        self._pool = pool

    def cards(self, step: Step) -> Commit:
        """Draws and stores the card of one content; its result is what pages read."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site)
            asset = assets.find(conn, step.input["asset"]) if step.input["asset"] else None
        if asset is not None and asset.state in {"processing", "archived"} and not asset.withdrawn_at:
            raise Retryable(f"the renditions of {asset.id} are not ready yet")
        words = step.input["doc"]
        card = self._draw(site.site, words, asset)
        file = sitefiles.named("cards", card.data, card.content_type, secret=site.secret)
        failpoints.reached("cards.before_put")
        sitefiles.put(self._runtime.site_store, site.site, [file])

        def commit(conn: Connection) -> Finish:
            sitefiles.record(conn, site.site, [file], source=step.key)
            return Finish({"cards": [_described(card, file, words["headline"])]})

        return commit

    def _draw(self, site: Site, words: Mapping[str, Any], asset: Asset | None) -> Card:
        text = CardText(
            headline=words["headline"],
            label=words["label"],
            language=words["language"],
            direction="rtl" if direction(words["language"]) == "rtl" else "ltr",
            state="breaking" if words["breaking"] else "plain",
        )
        shown = cards.showable(asset)
        hero = self._hero(site, shown) if shown is not None and shown.state == "ready" else None
        focal = asset.focal_point if asset is not None else None
        try:
            return self._pool.draw(text, hero=hero, focal=focal, theme=theme(site), formats=("og",))[0]
        except UnreadableHero:
            return self._pool.draw(text, hero=None, focal=None, theme=theme(site), formats=("og",))[0]

    def _hero(self, site: Site, asset: Asset) -> bytes | None:
        """The smallest JPEG that fills a card, else the widest."""
        jpegs = [
            item for item in asset.renditions if item["content_type"] == "image/jpeg" and item["crop"] is None
        ]
        if not jpegs:
            return None
        wide = [item for item in jpegs if item["width"] >= ENOUGH]
        chosen = min(wide, key=_width) if wide else max(jpegs, key=_width)
        return self._runtime.site_store.get(site.key(chosen["path"]))


def theme(site: Site) -> Theme:
    """The site's colours; what it does not name, the renderer chooses."""
    look = site.theme
    return Theme(
        accent=look.get("accent", ""),
        background=look.get("card_background", ""),
        text=look.get("card_text", ""),
        site_name=site.name,
    )


def _width(rendition: Mapping[str, Any]) -> int:
    return int(rendition["width"])


def _described(card: Card, file: sitefiles.File, headline: str) -> dict[str, object]:
    return {
        "format": card.format,
        "path": file.path,
        "width": card.width,
        "height": card.height,
        "bytes": len(card.data),
        "alt": headline,
    }
