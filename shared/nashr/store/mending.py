"""Files that a page names and the store does not have: whatever can make them makes them again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.observability import metrics
from nashr.steps import Priority
from nashr.store import assets, pagerows, queue
from nashr.store.assets import Asset
from nashr.store.database import after_commit, rows, run
from nashr.store.withdrawing import lock_images

WAIT = 30.0  # seconds that a page waits for what is made again


@dataclass(frozen=True)
class Missing:
    """Keys that a page names in vain, the page's subject, and the photos that it shows."""

    keys: Sequence[str]
    subject: str
    photos: Collection[str]


def mend(conn: Connection, site: Site, page: int, missing: Missing) -> None:
    """Has files made again, and the page wait for them.

    The manifest says what makes a file. Of one that is not even in there, the photos and cards are searched
    that the page shows.
    """
    photos, cards = _sources(conn, site, missing)
    steps = [step for photo in photos for step in _remake(conn, photo, missing.keys)]
    steps += _redraw(conn, cards)
    if steps and pagerows.waiting_until(conn, page) is None:  # else it has been here before
        after_commit(conn, lambda: metrics.REPAIRS.add(len(missing.keys), by="delivery", what="file"))
    for row in pagerows.lock_ids(conn, [page]):
        for step in steps:
            pagerows.wait_for(conn, row, step, WAIT)
    queue.notify(conn)


def _sources(conn: Connection, site: Site, missing: Missing) -> tuple[Sequence[str], Sequence[str]]:
    """The ids of the photos and the keys of the cards steps that make these files."""
    keys = list(missing.keys)
    paths = [f"/{key.removeprefix(site.prefix)}" for key in keys]
    photos = rows(
        conn,
        """SELECT id FROM asset WHERE id IN (SELECT source FROM object WHERE key = ANY(:keys))
        UNION SELECT id FROM asset, jsonb_array_elements(renditions) AS item
        WHERE id = ANY(:named) AND item->>'path' = ANY(:paths)
        ORDER BY id""",
        keys=keys, paths=paths, named=list(missing.photos),
    )  # fmt: skip
    cards = rows(
        conn,
        """SELECT key FROM step WHERE kind = 'cards' AND (
            key IN (SELECT source FROM object WHERE key = ANY(:keys))
            OR (input->>'article' = :subject AND EXISTS (
                SELECT 1 FROM jsonb_array_elements(result->'cards') AS item
                WHERE item->>'path' = ANY(:paths))))
        ORDER BY id""",
        keys=keys, subject=missing.subject, paths=paths,
    )  # fmt: skip
    return [item["id"] for item in photos], [item["key"] for item in cards]


def _remake(conn: Connection, photo: str, keys: Sequence[str]) -> Sequence[int]:
    """Arms the step that makes a photo's files, unless it was withdrawn or is broken.

    Lighter files are left out until they are there again: no page waits for them.
    """
    lock_images(conn, photo)
    asset = assets.lock(conn, photo)
    if asset.withdrawn_at is not None or asset.state != "ready":
        return ()
    if all(key.endswith(".avif") for key in keys):
        _leave_out(conn, asset, keys)
        queue.rearm(conn, "lighter", photo, site=asset.site, data={"asset": photo}, priority=Priority.bulk)
        return ()
    run(conn, "UPDATE asset SET made = NULL WHERE id = :id", id=photo)
    return (assets.make(conn, asset, priority=Priority.normal),)


def _leave_out(conn: Connection, asset: Asset, keys: Sequence[str]) -> None:
    there = [item for item in asset.renditions if not any(key.endswith(item["path"]) for key in keys)]
    run(
        conn, "UPDATE asset SET renditions = :there, shown = shown + 1 WHERE id = :id",
        id=asset.id, there=Jsonb([dict(item) for item in there]),
    )  # fmt: skip


def _redraw(conn: Connection, cards: Sequence[str]) -> Sequence[int]:
    """Makes the steps of these cards due again."""
    found = rows(
        conn,
        """UPDATE step SET state = 'ready', attempts = 0, available_at = clock_timestamp(),
            dispatched_at = NULL
        WHERE kind = 'cards' AND key = ANY(:cards) AND state IN ('done', 'void') RETURNING id""",
        cards=list(cards),
    )
    return [item["id"] for item in found]
