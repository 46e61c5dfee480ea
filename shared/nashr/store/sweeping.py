"""Files that no page has used for a while: which of them may go, and what becomes of their photos.

A photo's superseded files and a card of another headline go one by one. What a photo shows now goes all
together, once no page uses any of it and no live article has it: the photo is archived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.steps import Priority
from nashr.store import archiving, assets, objects, queue
from nashr.store.assets import Asset
from nashr.store.database import row, rows, run, scalar
from nashr.store.withdrawing import lock_images

FEW: Final = 1_000
"""Files that one sweep may always delete: those of about eighty photos."""

ADOPTED: Final = "orphan"
"""The source of files that nobody knew and nashr wrote (repairing.py): any step may be making them again."""


def arm(conn: Connection, site: str) -> None:
    """The one sweep step of a site: it comes again by itself for ever."""
    queue.add(conn, "sweep", site, site=site, data={}, priority=Priority.bulk)
    queue.notify(conn)


def candidates(conn: Connection, site: str, *, grace: float, limit: int) -> Mapping[str, Sequence[str]]:
    """Keys that lost their last use more than ``grace`` seconds ago, by what made them, oldest first.

    Also those that an interrupted sweep has left as being deleted.
    """
    found = rows(
        conn,
        """SELECT source, key FROM object WHERE site = :site AND source IS NOT NULL
            AND unused_since < clock_timestamp() - make_interval(secs => :grace)
            AND (state = 'stored' OR unused_since = to_timestamp(0))
        ORDER BY unused_since LIMIT :limit""",
        site=site, grace=grace, limit=limit,
    )  # fmt: skip
    made: dict[str, list[str]] = {}
    for item in found:
        made.setdefault(item["source"], []).append(item["key"])
    return made


def too_many(conn: Connection, site: str, *, grace: float, most: float) -> tuple[int, int] | None:
    """(files that may go, files in all) where these are more than ``most`` per cent of a site's, else None.

    So many at once look like a fault of ours. A few files may always go, whatever their share.
    """
    found = row(
        conn,
        """SELECT count(*) AS files, count(*) FILTER (WHERE source IS NOT NULL AND state = 'stored'
            AND unused_since < clock_timestamp() - make_interval(secs => :grace)) AS due
        FROM object WHERE site = :site""",
        site=site, grace=grace,
    )  # fmt: skip
    assert found is not None
    due, files = int(found["due"]), int(found["files"])
    return (due, files) if due > max(FEW, files * most / 100) else None


def mark(conn: Connection, site: Site, source: str, keys: Sequence[str]) -> Sequence[str]:
    """Marks those of the keys that may go, with whatever has to go with them; in a transaction of its own.

    Those that stay are looked at again once they are unused for the grace period anew. The others are old
    from now on: should this sweep be interrupted, the next one begins with them.
    """
    asset = assets.find(conn, source)
    chosen = _mark_photo(conn, site, source, keys) if asset else _mark_card(conn, source, keys)
    run(conn, "UPDATE object SET unused_since = to_timestamp(0) WHERE key = ANY(:keys)", keys=list(chosen))
    going = _going(conn, [*keys, *chosen])
    _keep(conn, [key for key in keys if key not in going])
    return sorted(going)


def _going(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a sweep has marked, this one or one before it."""
    found = rows(
        conn,
        """SELECT key FROM object WHERE key = ANY(:keys) AND state = 'deleting'
            AND unused_since = to_timestamp(0)""",
        keys=list(keys),
    )
    return {item["key"] for item in found}


def _mark_photo(conn: Connection, site: Site, source: str, keys: Sequence[str]) -> Sequence[str]:
    images = lock_images(conn, source)
    asset = assets.lock(conn, source)
    if asset.withdrawn_at is not None or _needed(conn, images) or _is_made_lighter(conn, source):
        return ()
    current = {site.key(item["path"]) for item in asset.renditions}
    superseded = objects.mark_deleting(conn, [key for key in keys if key not in current])
    if current.isdisjoint(keys) or not _at_rest(conn, asset, current):
        return superseded
    whole = _of_source(conn, source) | current
    marked = objects.mark_deleting(conn, whole)
    archiving.void_images(conn, [source])
    archiving.archive(conn, [source])
    return marked


def _needed(conn: Connection, steps: Sequence[int]) -> bool:
    """Whether these steps are to run, or a publication that is not live yet counts on what they made."""
    found = row(
        conn,
        """SELECT 1 AS one FROM step WHERE id = ANY(:steps) AND state IN ('ready', 'leased')
        UNION ALL SELECT 1 FROM publication_step p JOIN publication ON publication.id = p.publication
        WHERE p.step = ANY(:steps) AND publication.state IN ('scheduled', 'pending', 'running') LIMIT 1""",
        steps=list(steps),
    )
    return found is not None


def _is_made_lighter(conn: Connection, asset: str) -> bool:
    """Whether a lighter step is to run: what it ends with waits for the photo's lock."""
    found = rows(conn, "SELECT id FROM step WHERE kind = 'lighter' AND key = :asset", asset=asset)
    return _needed(conn, [item["id"] for item in found])


def _at_rest(conn: Connection, asset: Asset, current: set[str]) -> bool:
    """Whether no live article and no author has the photo, no page a file of it; locks the files first."""
    keys = sorted(_of_source(conn, asset.id) | current)
    rows(conn, "SELECT key FROM object WHERE key = ANY(:keys) ORDER BY key FOR UPDATE", keys=keys)
    found = row(
        conn,
        """SELECT 1 AS one FROM article_asset WHERE asset = :asset
        UNION ALL SELECT 1 FROM author WHERE photo = :asset
        UNION ALL SELECT 1 FROM asset_use WHERE key = ANY(:keys) LIMIT 1""",
        asset=asset.id, keys=keys,
    )  # fmt: skip
    return found is None


def _of_source(conn: Connection, source: str) -> set[str]:
    found = rows(conn, "SELECT key FROM object WHERE source = :source", source=source)
    return {item["key"] for item in found}


def _mark_card(conn: Connection, source: str, keys: Sequence[str]) -> Sequence[str]:
    """A card that no page uses goes, and its step is void: asking for it again draws it again."""
    step = row(conn, "SELECT id FROM step WHERE kind = 'cards' AND key = :key FOR NO KEY UPDATE", key=source)
    if step is not None and _needed(conn, [step["id"]]):
        return ()
    marked = objects.mark_deleting(conn, keys)
    if step is not None and marked:
        run(conn, "UPDATE step SET state = 'void' WHERE id = :id AND state = 'done'", id=step["id"])
    return marked


def _keep(conn: Connection, keys: Sequence[str]) -> None:
    """A used file is out of the sweep's sight; an unused one comes into it again after the grace period."""
    run(
        conn,
        """UPDATE object SET unused_since = CASE WHEN EXISTS (
            SELECT 1 FROM asset_use WHERE asset_use.key = object.key) THEN NULL ELSE clock_timestamp() END
        WHERE key IN (SELECT key FROM object WHERE key = ANY(:keys) AND state = 'stored'
            ORDER BY key FOR NO KEY UPDATE)""",
        keys=list(keys),
    )


def forget(conn: Connection, keys: Sequence[str]) -> int:
    """Forgets keys whose objects are gone; returns how many have to stay a little longer.

    While a step runs that makes a file, its row stays: the run may have found the old file in the store and
    not stored it again. It sees the row when it ends, and comes again.
    """
    run(
        conn,
        """DELETE FROM object WHERE key = ANY(:keys) AND state = 'deleting' AND NOT EXISTS (
            SELECT 1 FROM step WHERE kind IN ('images', 'lighter', 'cards') AND step.state = 'leased'
                AND (step.key = object.source OR (object.source = :adopted AND step.site = object.site)))""",
        keys=list(keys), adopted=ADOPTED,
    )  # fmt: skip
    left = scalar(
        conn, "SELECT count(*) FROM object WHERE key = ANY(:keys) AND state = 'deleting'", keys=list(keys)
    )
    return int(left)


def walk(conn: Connection, site: str, *, after: str, limit: int) -> str:
    """Looks through the manifest for unused files that nobody has noted as such; returns where it stopped.

    A transaction that drops a use waits for nobody, so it may pass a file over. Empty at the end.
    """
    found = row(
        conn,
        """WITH seen AS MATERIALIZED (
            SELECT key, source, state, unused_since FROM object WHERE site = :site AND key > :after
            ORDER BY key LIMIT :limit
        ), missed AS (
            UPDATE object SET unused_since = clock_timestamp() WHERE key IN (
                SELECT object.key FROM object JOIN seen ON seen.key = object.key
                WHERE seen.source IS NOT NULL AND seen.state = 'stored' AND seen.unused_since IS NULL
                    AND NOT EXISTS (SELECT 1 FROM asset_use WHERE asset_use.key = seen.key)
                ORDER BY object.key FOR NO KEY UPDATE OF object SKIP LOCKED)
        ) SELECT max(key) AS last, count(*) AS number FROM seen""",
        site=site, after=after, limit=limit,
    )  # fmt: skip
    assert found is not None
    return str(found["last"]) if found["number"] == limit else ""


def named_looks(conn: Connection, site: str, *, rest: float) -> tuple[str, datetime] | None:
    """The key of the theme folder that a site names ("" for none), and a moment ``rest`` seconds ago.

    None while the site was changed since then: workers may still render by what it named before.
    """
    found = row(
        conn,
        """SELECT COALESCE(config#>>'{theme,folder}', '') AS key, before FROM site,
            LATERAL (SELECT clock_timestamp() - make_interval(secs => :rest) AS before) AS ago
        WHERE id = :site AND updated_at < before""",
        site=site, rest=rest,
    )  # fmt: skip
    return (found["key"], found["before"]) if found else None
