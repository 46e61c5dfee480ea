"""What the database says that the store holds, page by page and file by file, for whoever compares the two.

A listing of the store is laid beside the manifest in temporary tables of one connection, so that a site of
any size takes no memory here. What is found is looked at again before anybody acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.ports import Entry
from nashr.store.database import rows, run, scalar

BATCH: Final = 500


@dataclass(frozen=True)
class Shown:
    """A page row as it is compared.

    ``armed``: its deliver step is on its way, or has found that there is nothing to show (a photo is broken).
    """

    id: int
    path: str
    kind: str
    wanted: int
    attempted: int
    live: int
    purged: int
    stored: int
    etag: str | None
    sha256: str | None
    armed: bool

    @property
    def moving(self) -> bool:
        """A PUT may be out there whose outcome nobody knows yet."""
        return self.attempted != self.live


_SHOWN = """SELECT p.id, p.path, p.kind, p.wanted, p.attempted, p.live, p.purged, p.stored, p.etag, p.sha256,
        COALESCE(s.state IN ('ready', 'leased') OR (s.state = 'done' AND s.result->>'waiting' = 'false'),
            false) AS armed
    FROM page p LEFT JOIN step s ON s.kind = 'deliver' AND s.key = p.id::text"""


def count_pages(conn: Connection, site: str) -> int:
    return int(scalar(conn, "SELECT count(*) FROM page WHERE site = :site AND wanted > 0", site=site))


def pages(conn: Connection, site: str, *, after: int, limit: int) -> Sequence[Shown]:
    """Pages of a site that anybody ever wanted, by id."""
    found = rows(
        conn,
        f"{_SHOWN} WHERE p.site = :site AND p.id > :after AND p.wanted > 0 ORDER BY p.id LIMIT :limit",
        site=site, after=after, limit=limit,
    )  # fmt: skip
    return [Shown(**item) for item in found]


def reread(conn: Connection, pages: Iterable[int]) -> dict[int, Shown]:
    found = rows(conn, f"{_SHOWN} WHERE p.id = ANY(:pages)", pages=list(pages))
    return {item["id"]: Shown(**item) for item in found}


def begin_listing(conn: Connection) -> None:
    """An empty listing, in place of this connection's last one."""
    run(conn, "DROP TABLE IF EXISTS listed, orphan")
    run(
        conn,
        """CREATE TEMP TABLE listed (key text COLLATE "C", path text, plain text, bytes bigint,
            modified_at timestamptz)""",
    )
    run(
        conn,
        """CREATE TEMP TABLE orphan (key text COLLATE "C", path text, sha256 text, content_type text,
            bytes bigint, modified_at timestamptz)""",
    )


def add_to_listing(conn: Connection, site: Site, entries: Sequence[Entry]) -> None:
    """Entries of the store, with the paths that each may be the object of."""
    plain = [f"/{entry.key.removeprefix(site.prefix)}" for entry in entries]
    run(
        conn,
        """INSERT INTO listed SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:paths AS text[]),
            CAST(:plain AS text[]), CAST(:sizes AS bigint[]), CAST(:times AS timestamptz[]))""",
        keys=[entry.key for entry in entries], plain=plain,
        paths=[path[: -len("index.html")] if path.endswith("/index.html") else path for path in plain],
        sizes=[entry.bytes for entry in entries], times=[entry.modified_at for entry in entries],
    )  # fmt: skip


def end_listing(conn: Connection) -> int:
    """Returns how many objects are listed."""
    run(conn, "CREATE INDEX ON listed (key)")
    run(conn, "ANALYZE listed")
    return int(scalar(conn, "SELECT count(*) FROM listed"))


@dataclass(frozen=True)
class Unknown:
    """A listed object that is no page and no file of the manifest."""

    key: str
    path: str
    bytes: int
    modified_at: datetime


def unknown(conn: Connection, site: str, *, older_than: float) -> Iterator[Unknown]:
    """Listed objects that nobody knows, stored longer than so many seconds ago, by key.

    Younger ones may be files whose step has not ended.
    """
    yield from _each(
        conn, Unknown,
        """SELECT l.key, l.path, l.bytes, l.modified_at FROM listed l
        WHERE l.key > :after AND l.modified_at <= clock_timestamp() - make_interval(secs => :older)
            AND NOT EXISTS (SELECT 1 FROM object o WHERE o.key = l.key)
            AND NOT EXISTS (SELECT 1 FROM page p WHERE p.site = :site AND p.path IN (l.path, l.plain))
        ORDER BY l.key LIMIT :limit""",
        site=site, older=older_than,
    )  # fmt: skip


@dataclass(frozen=True)
class NamedFile:
    """A file of the manifest that pages name; ``found``: the bytes that the listing has, None if none."""

    key: str
    sha256: str
    bytes: int
    found: int | None


_NAMED = """SELECT o.key, o.sha256, o.bytes, l.bytes AS found
    FROM object o LEFT JOIN listed l ON l.key = o.key
    WHERE o.site = :site AND o.key COLLATE "C" > :after AND (o.state IN ('stored', 'lost')
            OR (o.state = 'deleting' AND o.unused_since IS NULL))
        AND EXISTS (SELECT 1 FROM asset_use u JOIN page p ON p.id = u.page
            WHERE u.key = o.key AND p.live > 0)"""
_BY_KEY = ' ORDER BY o.key COLLATE "C" LIMIT :limit'


def wrong_files(conn: Connection, site: str) -> Iterator[NamedFile]:
    """Files that pages name and the listing has not, or in another size."""
    wrong = f"{_NAMED} AND (l.key IS NULL OR l.bytes <> o.bytes OR o.state <> 'stored'){_BY_KEY}"
    yield from _each(conn, NamedFile, wrong, site=site)


def named_files(conn: Connection, site: str) -> Iterator[NamedFile]:
    """All files that pages name."""
    yield from _each(conn, NamedFile, _NAMED + _BY_KEY, site=site)


def is_named(conn: Connection, key: str) -> bool:
    """Whether the manifest still says that a file is there, and a page names it."""
    return bool(
        scalar(
            conn,
            """SELECT EXISTS (SELECT 1 FROM object o JOIN asset_use u ON u.key = o.key
                WHERE o.key = :key AND (o.state IN ('stored', 'lost')
                    OR (o.state = 'deleting' AND o.unused_since IS NULL)))""",
            key=key,
        )
    )


def is_known(conn: Connection, site: str, found: Unknown) -> bool:
    """Whether somebody has come to own an object that nobody knew."""
    plain = found.path + "index.html" if found.path.endswith("/") else found.path
    return bool(
        scalar(
            conn,
            """SELECT EXISTS (SELECT 1 FROM object WHERE key = :key)
                OR EXISTS (SELECT 1 FROM page WHERE site = :site AND path IN (:path, :plain))""",
            key=found.key, site=site, path=found.path, plain=plain,
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Orphan:
    """An object that nashr wrote and nobody owns. ``sha256``: of a file; None for a page."""

    key: str
    path: str
    sha256: str | None
    content_type: str
    bytes: int
    modified_at: datetime


def remember(conn: Connection, orphan: Orphan) -> None:
    """Keeps an orphan for when all are known."""
    run(
        conn,
        """INSERT INTO orphan (key, path, sha256, content_type, bytes, modified_at)
        VALUES (:key, :path, :sha256, :content_type, :bytes, :modified_at)""",
        **vars(orphan),
    )


def remembered(conn: Connection, *, pages: bool) -> Iterator[Orphan]:
    """The orphans: pages, or files."""
    yield from _each(
        conn, Orphan,
        """SELECT key, path, sha256, content_type, bytes, modified_at FROM orphan
        WHERE key > :after AND (sha256 IS NULL) = :pages ORDER BY key LIMIT :limit""",
        pages=pages,
    )  # fmt: skip


def count_orphans(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) FROM orphan"))


def age(conn: Connection, orphan: Orphan) -> float:
    """Seconds since it was stored, by the database's clock."""
    sql = "SELECT EXTRACT(EPOCH FROM clock_timestamp() - CAST(:at AS timestamptz))::float8"
    return float(scalar(conn, sql, at=orphan.modified_at))


def _each(conn: Connection, kind: type[Any], sql: str, **values: Any) -> Iterator[Any]:
    """All rows of a query that is ordered by key, a batch at a time."""
    after = ""
    while found := rows(conn, sql, after=after, limit=BATCH, **values):
        yield from (kind(**item) for item in found)
        after = found[-1]["key"]
