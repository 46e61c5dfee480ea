"""A restored database made to fit the store that it finds: versions past the store's, and missing files.

Everything here runs in the one transaction of a restore, before anybody else sees any of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.steps import Priority
from nashr.store import archiving, articles, pagerows, publishing, queue
from nashr.store.database import rows, run
from nashr.store.pagerows import Why

ACTOR: Final = "nashr restore"
BATCH: Final = 500
_REMOVAL: Final = {"404": "unpublish", "410": "kill", "451": "takedown"}


def free_steps(conn: Connection) -> None:
    """What was running when the backup was taken is due again."""
    run(
        conn,
        """UPDATE step SET state = CASE WHEN state = 'leased' THEN 'ready' ELSE state END, lease_owner = NULL,
            lease_until = NULL, dispatched_at = NULL WHERE state IN ('ready', 'leased')""",
    )


@dataclass(frozen=True)
class Standing:
    """A page whose key the store has: what it is asked for."""

    id: int
    path: str
    key: str


def standing(conn: Connection, site: Site) -> Iterator[Sequence[Standing]]:
    """Batches of the pages of which the listing (drift.py) has the object."""
    after = 0
    while found := _pages(conn, site, after):
        keys = [page.key for page in found]
        listed = {
            item["key"] for item in rows(conn, "SELECT key FROM listed WHERE key = ANY(:keys)", keys=keys)
        }
        pages = [page for page in found if page.key in listed]
        if pages:
            yield pages
        after = found[-1].id


def _pages(conn: Connection, site: Site, after: int) -> Sequence[Standing]:
    found = rows(
        conn,
        """SELECT id, path FROM page WHERE site = :site AND kind <> 'routes' AND id > :after
        ORDER BY id LIMIT :limit""",
        site=site.id, after=after, limit=BATCH,
    )  # fmt: skip
    return [Standing(item["id"], item["path"], site.key(item["path"])) for item in found]


@dataclass(frozen=True)
class Stored:
    """What the store has of a page. ``version`` 0: not written by nashr."""

    page: int
    version: int
    etag: str
    status: str


def forget_objects(conn: Connection, site: str) -> None:
    """No page of the site is in the store, until ``raise_past`` says otherwise."""
    run(conn, "UPDATE page SET etag = NULL, body_hash = NULL WHERE site = :site", site=site)


def raise_past(conn: Connection, found: Sequence[Stored]) -> int:
    """Counters go to what the store has, so that the next version is newer; returns how many were behind."""
    return int(
        run(
            conn,
            """WITH held AS (SELECT * FROM unnest(CAST(:pages AS bigint[]), CAST(:versions AS bigint[]),
                    CAST(:etags AS text[])) AS h (page, version, etag)),
            same AS (UPDATE page SET etag = held.etag FROM held
                WHERE id = held.page AND held.version <= wanted RETURNING id)
            UPDATE page SET etag = held.etag, wanted = held.version FROM held
            WHERE id = held.page AND held.version > wanted""",
            pages=[one.page for one in found], versions=[one.version for one in found],
            etags=[one.etag for one in found],
        )
    )  # fmt: skip


def removed_since(conn: Connection, found: Sequence[Stored]) -> list[tuple[str, str]]:
    """(article id, kind of removal) of articles that the store shows as removed, and the backup as live."""
    gone = {one.page: _REMOVAL[one.status] for one in found if one.status in _REMOVAL}
    live = rows(
        conn,
        """SELECT a.id, p.id AS page FROM page p JOIN article a ON a.page = p.id AND p.kind = 'article'
        WHERE p.id = ANY(:pages) AND a.live_revision IS NOT NULL AND a.removal IS NULL ORDER BY a.id""",
        pages=list(gone),
    )
    return [(item["id"], gone[item["page"]]) for item in live]


def keep_removed(conn: Connection, article: str, kind: str) -> str | None:
    """An article that was removed after the backup stays removed; returns its path."""
    found = articles.find(conn, article, lock=True)
    assert found is not None
    detail = {"reason": "removed after the backup that was restored", "public_notice": None, "erase": False}
    publishing.remove(conn, found, kind, detail, actor=ACTOR)
    return found.path


def settle_files(conn: Connection, site: Site) -> int:
    """Files of the manifest that the listing has not got, or in another size; returns how many.

    What a page names is lost, and made again by the page's delivery. Photos of which no page names anything
    are archived: they are made anew when they are published.
    """
    run(
        conn,
        """CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT o.key, o.source,
            EXISTS (SELECT 1 FROM asset_use u WHERE u.key = o.key) AS named
        FROM object o LEFT JOIN listed l ON l.key = o.key AND l.bytes = o.bytes
        WHERE o.site = :site AND o.state = 'stored' AND l.key IS NULL""",
        site=site.id,
    )
    run(
        conn,
        """UPDATE object SET state = 'lost', unused_since = NULL
        WHERE key IN (SELECT key FROM gone WHERE named)""",
    )
    _archive(conn)
    run(conn, "DELETE FROM object WHERE key IN (SELECT key FROM gone WHERE NOT named)")
    number = int(rows(conn, "SELECT count(*) AS n FROM gone")[0]["n"])
    run(conn, "DROP TABLE gone")
    return number


def _archive(conn: Connection) -> None:
    found = rows(
        conn,
        """SELECT DISTINCT a.id FROM gone g JOIN asset a ON a.id = g.source WHERE NOT EXISTS (
            SELECT 1 FROM object o JOIN asset_use u ON u.key = o.key WHERE o.source = a.id)""",
    )
    photos = [item["id"] for item in found]
    archiving.void_images(conn, photos)
    archiving.archive(conn, photos)


def want_all(conn: Connection, site: str) -> Iterator[int]:
    """Wants every page again that anybody ever wanted; yields how many were done so far."""
    after = done = 0
    while True:
        found = rows(
            conn,
            """SELECT id FROM page WHERE site = :site AND id > :after AND wanted > 0
            ORDER BY id LIMIT :limit""",
            site=site, after=after, limit=BATCH,
        )  # fmt: skip
        if not found:
            queue.notify(conn)
            return
        locked = pagerows.lock_ids(conn, [item["id"] for item in found])
        pagerows.want(conn, locked, priority=Priority.bulk, at_once=True, why=Why(cause="restore"))
        after, done = found[-1]["id"], done + len(found)
        yield done
