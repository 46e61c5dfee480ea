"""Drift repaired by the usual ways: pages wanted again, files made again by their steps, orphans swept.

Nothing here talks to the store; each function is the body of one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from nashr.steps import Priority
from nashr.store import pagerows, queue
from nashr.store.database import row, rows, run
from nashr.store.drift import Orphan
from nashr.store.pagerows import Why
from nashr.store.sweeping import ADOPTED

_OTHERS = 500  # pages that are locked at a time


def send_again(conn: Connection, pages: Iterable[int], *, priority: int = Priority.normal) -> None:
    """Wants pages again, and has them sent even if nothing of them has changed."""
    locked = pagerows.lock_ids(conn, pages)
    run(conn, "UPDATE page SET body_hash = NULL WHERE id = ANY(:ids)", ids=[page.id for page in locked])
    pagerows.want(conn, locked, priority=priority, at_once=True, why=Why(cause="verify"))


def lose(conn: Connection, keys: Iterable[str]) -> None:
    """The store has not got these files: the manifest says so, and one page of each goes out again.

    Its delivery misses the file and has it made, or stored, again (mending.py).
    """
    lost = rows(
        conn,
        """UPDATE object SET state = 'lost', unused_since = NULL WHERE key IN (
            SELECT key FROM object WHERE key = ANY(:keys) AND (state <> 'deleting' OR unused_since IS NULL)
            ORDER BY key FOR UPDATE) RETURNING key""",
        keys=sorted(set(keys)),
    )
    naming = rows(
        conn,
        """SELECT DISTINCT ON (u.key) u.page FROM asset_use u JOIN page p ON p.id = u.page
        WHERE u.key = ANY(:keys) AND p.live > 0 ORDER BY u.key, u.page""",
        keys=[item["key"] for item in lost],
    )
    send_again(conn, [item["page"] for item in naming])


def others_naming(conn: Connection, keys: Iterable[str], *, after: int) -> int | None:
    """Wants the next pages that name lost files, as bulk work: made anew a file may have another name.

    Returns the id of the last one, None when there are no more.
    """
    found = rows(
        conn,
        """SELECT DISTINCT u.page FROM asset_use u JOIN page p ON p.id = u.page
        WHERE u.key = ANY(:keys) AND u.page > :after AND p.live > 0 AND p.wanted = p.live
        ORDER BY u.page LIMIT :limit""",
        keys=sorted(set(keys)), after=after, limit=_OTHERS,
    )  # fmt: skip
    pages = [item["page"] for item in found]
    pagerows.want(conn, pagerows.lock_ids(conn, pages), priority=Priority.bulk, why=Why(cause="verify"))
    return pages[-1] if pages else None


def spoil(conn: Connection, key: str) -> bool:
    """Marks a file whose bytes are wrong: nobody relies on it, or stores it, until it is lost."""
    return bool(
        run(
            conn,
            """UPDATE object SET state = 'deleting', unused_since = NULL WHERE key = :key
                AND (state IN ('stored', 'lost') OR (state = 'deleting' AND unused_since IS NULL))""",
            key=key,
        )
    )


def hold_path(conn: Connection, site: str, path: str) -> bool:
    """Takes a path that no page has; whoever wants a page there waits. False where there is one.

    For a transaction that is rolled back: while it lasts, no page can come to be at this path.
    """
    return bool(
        run(
            conn,
            """INSERT INTO page (site, path, kind) VALUES (:site, :path, 'not_found')
            ON CONFLICT DO NOTHING""",
            site=site, path=path,
        )
    )  # fmt: skip


def adopt(conn: Connection, site: str, orphans: Sequence[Orphan]) -> int:
    """Takes files that nobody owns into the manifest, as unused since they were stored; returns how many.

    The sweep deletes them by its own rules, once the grace period is over.
    """
    files = [orphan for orphan in orphans if orphan.sha256 is not None]
    adopted = run(
        conn,
        """INSERT INTO object (key, site, sha256, content_type, bytes, state, source, stored_at,
            unused_since)
        SELECT key, :site, sha256, content_type, bytes, 'stored', :adopted, at, at
        FROM unnest(CAST(:keys AS text[]), CAST(:hashes AS text[]), CAST(:types AS text[]),
            CAST(:sizes AS bigint[]), CAST(:times AS timestamptz[]))
            AS o (key, sha256, content_type, bytes, at)
        ON CONFLICT DO NOTHING""",
        site=site, adopted=ADOPTED, keys=[one.key for one in files], hashes=[one.sha256 for one in files],
        types=[one.content_type for one in files], sizes=[one.bytes for one in files],
        times=[one.modified_at for one in files],
    )  # fmt: skip
    queue.rearm(conn, "sweep", site, site=site, data={}, priority=Priority.bulk)
    queue.notify(conn)
    return adopted


def rebuild(
    conn: Connection, site: str, *, section: str | None, after: int, limit: int
) -> tuple[int, int | None]:
    """Wants the next pages of a site again, as bulk work; how many, and the id of the last one looked at.

    Pages that are on their way already are left alone. None at the end.
    """
    found = rows(
        conn,
        f"{_SCOPE} AND p.id > :after ORDER BY p.id LIMIT :limit",
        site=site, section=section, after=after, limit=limit,
    )  # fmt: skip
    ids = [item["id"] for item in found if item["wanted"] == item["live"]]
    pagerows.want(conn, pagerows.lock_ids(conn, ids), priority=Priority.bulk, why=Why(cause="rebuild"))
    return len(ids), found[-1]["id"] if found else None


def rebuild_state(conn: Connection, site: str, *, section: str | None) -> tuple[int, int]:
    """How many pages of a rebuild there are, and how many of them are still to go out."""
    found = row(
        conn,
        f"""SELECT count(*) AS total, count(*) FILTER (WHERE scope.wanted > scope.live) AS behind
        FROM ({_SCOPE}) AS scope""",
        site=site, section=section,
    )  # fmt: skip
    assert found is not None
    return int(found["total"]), int(found["behind"])


_SCOPE = """SELECT p.id, p.wanted, p.live FROM page p
    WHERE p.site = :site AND p.live > 0 AND p.kind <> 'routes' AND (CAST(:section AS text) IS NULL
        OR (p.kind IN ('section', 'rss', 'archive') AND split_part(p.subject, '/', 1) = :section)
        OR (p.kind = 'article' AND p.subject IN (
            SELECT id FROM article WHERE site = :site AND section = :section)))"""
"""The pages of a rebuild: all that are live, or the front, archive, feed and articles of one section."""
