"""The manifest of assets on the site (renditions, cards, CSS, fonts) and which page uses which.

A page's use is recorded under the key's row lock before the key is confirmed; deletion takes the
same lock and counts uses again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from nashr.domain.errors import NotYet, Retryable
from nashr.store.database import row, rows, run


class AssetMissing(Retryable):
    """A page names assets that the store has not acknowledged yet, or that are being deleted."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"{keys[0]} is not confirmed by the store yet")
        self.keys = tuple(keys)


class BeingDeleted(NotYet):
    """A file was made anew while the old one is being deleted: once that is done, it is stored again."""


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

    ``source`` names what can make them again, and lets them be swept once nobody uses them. Raises
    BeingDeleted for a key that is: the deletion may reach the store after this PUT.
    """
    ordered = sorted(puts, key=lambda put: put.key)
    written = run(
        conn,
        """INSERT INTO object (key, site, sha256, content_type, bytes, state, source, stored_at,
            unused_since)
        SELECT key, :site, sha256, content_type, bytes, 'stored', :source, clock_timestamp(),
            CASE WHEN CAST(:source AS text) IS NOT NULL THEN clock_timestamp() END
        FROM unnest(CAST(:keys AS text[]), CAST(:hashes AS text[]), CAST(:types AS text[]),
            CAST(:sizes AS bigint[])) AS put(key, sha256, content_type, bytes)
        ON CONFLICT (key) DO UPDATE SET state = 'stored', stored_at = clock_timestamp(),
            source = excluded.source, unused_since = excluded.unused_since
        WHERE object.state <> 'deleting'""",
        site=site, source=source, keys=[put.key for put in ordered], hashes=[put.sha256 for put in ordered],
        types=[put.content_type for put in ordered], sizes=[put.bytes for put in ordered],
    )  # fmt: skip
    if written < len(ordered):
        raise BeingDeleted(f"a file of {source} is being deleted: it is stored again after that")


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
        raise AssetMissing(absent)


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


def used_only(conn: Connection, page: int, keys: Iterable[str]) -> None:
    """Forgets the uses of a page beyond ``keys``: its live version names these and no others.

    Files that lose their last use are unused from now on. It waits for nobody: a row that another
    transaction holds is being recorded, used or deleted, and the sweep's walk finds what was passed over.
    """
    run(
        conn,
        """WITH dropped AS (
            DELETE FROM asset_use WHERE page = :page AND key <> ALL(:keys) RETURNING key
        ), free AS (
            SELECT key FROM object JOIN dropped USING (key)
            WHERE source IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM asset_use AS other WHERE other.key = object.key AND other.page <> :page)
            FOR NO KEY UPDATE OF object SKIP LOCKED
        ) UPDATE object SET unused_since = clock_timestamp() FROM free WHERE object.key = free.key""",
        page=page, keys=list(keys),
    )  # fmt: skip


def mark_deleting(conn: Connection, keys: Iterable[str]) -> Sequence[str]:
    """Marks those of the keys that no page uses; from here on a page that wants one has it made again."""
    locked = rows(
        conn,
        "SELECT key FROM object WHERE key = ANY(:keys) ORDER BY key FOR UPDATE",
        keys=sorted(set(keys)),
    )
    free = rows(
        conn,
        """UPDATE object SET state = 'deleting', unused_since = COALESCE(unused_since, clock_timestamp())
        WHERE key = ANY(:keys)
            AND NOT EXISTS (SELECT 1 FROM asset_use WHERE asset_use.key = object.key) RETURNING key""",
        keys=[item["key"] for item in locked],
    )
    return sorted(item["key"] for item in free)


def deleted(conn: Connection, keys: Iterable[str]) -> None:
    """Forgets keys whose objects are gone, which nobody can have stored anew meanwhile."""
    run(conn, "DELETE FROM object WHERE key = ANY(:keys) AND state = 'deleting'", keys=sorted(set(keys)))
