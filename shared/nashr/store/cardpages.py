"""Live pages and their cards: another one when the photo changes or goes, one that died tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.pages import Fact
from nashr.steps import Priority
from nashr.store import archiving, articles, assets, cards, pagerows, queue
from nashr.store.assets import Asset
from nashr.store.cards import Order
from nashr.store.database import rows, run
from nashr.store.pagerows import Why

DEAD_HOURS: Final = 1  # between two tries of a card that keeps dying
_AT_ONCE: Final = 50  # dead cards that one look takes up


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
    ordered = cards.order(conn, site, article["id"], doc, photos=photos)
    return cards.want(conn, ordered, priority=Priority.breaking)


def follow(conn: Connection, drawn: Mapping[int, int]) -> None:
    """Pages do not wait for the new card; once it is drawn they go out again with it."""
    for page in pagerows.lock_ids(conn, drawn):
        pagerows.wait_for(conn, page, drawn[page.id], 0.0)


def ask(
    conn: Connection, page: int, orders: Sequence[tuple[Order, float]], *, priority: int
) -> Sequence[tuple[int, bool]]:
    """Asks for cards that a page lacks, each with the seconds that the page waits for them.

    It goes out again once they are there. Returns each step, and whether it is done already.
    """
    asked = [cards.ask(conn, ordered, priority=priority) for ordered, _ in orders]
    for found in pagerows.lock_ids(conn, [page]):
        for (step, done), (_, seconds) in zip(asked, orders, strict=True):
            if not done:
                pagerows.wait_for(conn, found, step, seconds)
    queue.notify(conn)
    return asked


def request(conn: Connection, ordered: Order) -> None:
    """Asks for a card that somebody waits for; a photo whose files were swept is made again for it."""
    photo = ordered.photo
    if photo is not None and photo.state == "archived":
        assets.make(conn, photo, priority=Priority.normal)
        archiving.unarchive(conn, [photo.id])
    cards.want(conn, ordered, priority=Priority.normal)
    queue.notify(conn)


def revive(conn: Connection, site: Site) -> int:
    """Has cards tried again that died an hour ago and more, and whose pages lack them; returns how many.

    Their pages are wanted: delivery asks for what it then finds missing. Dead cards that no page would
    show any more are forgotten.
    """
    found = rows(
        conn,
        f"""SELECT step.id, step.key, article.id AS article, article.live_revision, article.page
        FROM step LEFT JOIN article ON article.id = step.input->>'article'
        WHERE step.kind = 'cards' AND step.state = 'dead' AND step.site = :site
            AND step.finished_at < clock_timestamp() - interval '{DEAD_HOURS} hours'
        ORDER BY step.id LIMIT {_AT_ONCE}""",
        site=site.id,
    )
    lacking = {item["id"]: item["page"] for item in found if _is_lacking(conn, site, item)}
    idle = [item["id"] for item in found if item["id"] not in lacking]
    run(
        conn,
        """UPDATE step SET state = 'void' WHERE id IN (
            SELECT id FROM step WHERE id = ANY(:steps) AND state = 'dead' ORDER BY id FOR NO KEY UPDATE)""",
        steps=idle,
    )
    why = Why({Fact.cards}, "sweep")
    pagerows.want(conn, pagerows.lock_ids(conn, lacking.values()), priority=Priority.bulk, why=why)
    return len(lacking)


def _is_lacking(conn: Connection, site: Site, dead: Mapping[str, Any]) -> bool:
    """Whether a dead card is the one that its article's page would show."""
    if dead["live_revision"] is None or dead["page"] is None:
        return False
    doc = articles.read_content(conn, site, dead["article"], dead["live_revision"])
    key: str = dead["key"]
    return cards.order(conn, site, dead["article"], doc).key == key
