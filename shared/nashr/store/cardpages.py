"""Live articles whose card shows a photo: they get another card when the photo changes or goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.steps import Priority
from nashr.store import articles, cards, pagerows, queue
from nashr.store.assets import Asset
from nashr.store.database import rows


def redraw(conn: Connection, site: Site, asset: str, photo: Asset | None = None) -> Mapping[int, int]:
    """Asks for a card with ``photo``, or without, for each live article whose card shows the asset.

    Returns page and step of those still to be drawn. Its locks go before the asset's own.
    """
    photos = {asset: photo} if photo else {}
    found = rows(
        conn,
        """SELECT a.id, a.live_revision, a.page FROM article_asset u JOIN article a ON a.id = u.article
        WHERE u.asset = :asset AND u.card AND a.live_revision IS NOT NULL AND a.page IS NOT NULL
        ORDER BY a.id""",
        asset=asset,
    )
    steps = {item["page"]: _ask(conn, site, item, photos) for item in found}
    waiting = rows(
        conn, "SELECT id FROM step WHERE id = ANY(:steps) AND state IN ('ready', 'leased')",
        steps=list(steps.values()),
    )  # fmt: skip
    there = {item["id"] for item in waiting}
    queue.notify(conn)
    return {page: step for page, step in steps.items() if step in there}


def _ask(conn: Connection, site: Site, article: Mapping[str, Any], photos: Mapping[str, Asset]) -> int:
    doc = articles.read_content(conn, site, article["id"], article["live_revision"])
    return cards.want(conn, site, article["id"], doc, photos, priority=Priority.breaking)


def follow(conn: Connection, drawn: Mapping[int, int]) -> None:
    """Pages do not wait for the new card; once it is drawn they go out again with it."""
    for page in pagerows.lock_ids(conn, drawn):
        pagerows.wait_for(conn, page, drawn[page.id], 0.0)
