"""The manifest of assets on the site (renditions, cards, CSS, fonts) and which page uses which.

A page's use is recorded under the key's row lock before the key is confirmed; deletion takes the
same lock and counts uses again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from nashr.domain.errors import Retryable
from nashr.store.database import row, rows, run


class AssetMissing(Retryable):
    """A page names an asset that the store has not acknowledged yet."""


def stored(conn: Connection, key: str) -> bool:
    """Whether the store has acknowledged this key."""
    found = row(conn, "SELECT state FROM object WHERE key = :key", key=key)
    return found is not None and found["state"] == "stored"


@dataclass(frozen=True)
class Put:
    """An asset whose PUT was acknowledged: its key, the SHA-256 and the size of its bytes."""

    key: str
    sha256: str
    content_type: str
    bytes: int


def record(conn: Connection, site: str, puts: Iterable[Put], *, source: str | None = None) -> None:
    """Writes down acknowledged PUTs of assets, in key order; no page uses them yet.

    ``source`` names what can make them again, and lets them be swept once nobody uses them.
    """
    ordered = sorted(puts, key=lambda put: put.key)
    run(
        conn,
        """INSERT INTO object (key, site, sha256, content_type, bytes, state, source, stored_at,
            unused_since)
        SELECT key, :site, sha256, content_type, bytes, 'stored', :source, clock_timestamp(),
            CASE WHEN CAST(:source AS text) IS NOT NULL THEN clock_timestamp() END
        FROM unnest(CAST(:keys AS text[]), CAST(:hashes AS text[]), CAST(:types AS text[]),
            CAST(:sizes AS bigint[])) AS put(key, sha256, content_type, bytes)
        ON CONFLICT (key) DO UPDATE SET state = 'stored', stored_at = clock_timestamp(),
            source = excluded.source, unused_since = excluded.unused_since""",
        site=site, source=source, keys=[put.key for put in ordered], hashes=[put.sha256 for put in ordered],
        types=[put.content_type for put in ordered], sizes=[put.bytes for put in ordered],
    )  # fmt: skip


class PhotoChanged(Retryable):
    """A photo changed while a page that shows it was rendered: the page begins again."""


def use(
    conn: Connection,
    page: int,
    keys: Iterable[str],
    *,
    site: str,
    version: int,
    photos: Mapping[str, int] | None = None,
) -> None:
    """Records that a version of a page names these keys, then confirms each.

    ``photos``: the assets that the page was rendered from, with the state (``shown``) of each. They stay
    locked, so that whoever changes one sees this use, or this page sees the change. Raises AssetMissing
    (naming one) when a key is not stored, or is being deleted; PhotoChanged.
    """
    _unchanged(conn, photos or {})
    wanted = sorted(set(keys))
    found = rows(
        conn,
        """WITH there AS (
            SELECT key FROM object WHERE key = ANY(:keys) AND state = 'stored' ORDER BY key FOR SHARE
        ), used AS (
            INSERT INTO asset_use (page, key, site, version) SELECT :page, key, :site, :version FROM there
            ON CONFLICT (page, key) DO UPDATE SET version = excluded.version
                WHERE asset_use.version < excluded.version
        ) SELECT key FROM there""",
        keys=wanted, page=page, site=site, version=version,
    )  # fmt: skip
    there = {item["key"] for item in found}
    absent = [key for key in wanted if key not in there]
    if absent:
        raise AssetMissing(f"{absent[0]} is not confirmed by the store yet")


def _unchanged(conn: Connection, photos: Mapping[str, int]) -> None:
    if not photos:
        return
    found = rows(
        conn,
        "SELECT id, shown FROM asset WHERE id = ANY(:assets) ORDER BY id FOR SHARE",
        assets=sorted(photos),
    )
    for item in found:
        if item["shown"] != photos[item["id"]]:
            raise PhotoChanged(f"{item['id']} changed while the page was rendered")


def unused_by(conn: Connection, page: int, *, version: int) -> None:
    """Forgets uses by versions of a page before ``version``: that one is live."""
    run(conn, "DELETE FROM asset_use WHERE page = :page AND version < :version", page=page, version=version)


def mark_deleting(conn: Connection, keys: Iterable[str]) -> Sequence[str]:
    """Marks those of the keys that no page uses; from here on a page that wants one uploads it again."""
    locked = rows(
        conn,
        "SELECT key FROM object WHERE key = ANY(:keys) ORDER BY key FOR UPDATE",
        keys=sorted(set(keys)),
    )
    free = rows(
        conn,
        """UPDATE object SET state = 'deleting' WHERE key = ANY(:keys)
            AND NOT EXISTS (SELECT 1 FROM asset_use WHERE asset_use.key = object.key) RETURNING key""",
        keys=[item["key"] for item in locked],
    )
    return sorted(item["key"] for item in free)


def deleted(conn: Connection, keys: Iterable[str]) -> None:
    """Forgets keys whose objects are gone, unless they were stored anew meanwhile."""
    run(conn, "DELETE FROM object WHERE key = ANY(:keys) AND state = 'deleting'", keys=sorted(set(keys)))
