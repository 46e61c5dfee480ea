"""Takes a backup: the database in one snapshot, then the objects that it names and nothing can make again.

Renditions, cards and pages are left out: they are made again. An original is stored before the row that names
it, so what the snapshot names is there afterwards, save what was erased meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from secrets import token_hex
from typing import Final

from sqlalchemy import Connection, Engine

from nashr.domain import staticfolder
from nashr.domain.site import Site
from nashr.domain.theme import is_bundle_key
from nashr.ports import ObjectStore
from nashr.runtime.archive import (
    Archive,
    Bucket,
    Damaged,
    DumpedTable,
    Held,
    Manifest,
    Progress,
    digest_of_table,
)
from nashr.store import dumping, schema, sites
from nashr.store.database import row, rows, scalar, snapshot, statement

_PARALLEL: Final = 4  # each holds one original in memory, 60 MB at most as set


@dataclass(frozen=True)
class Stores:
    """The two buckets."""

    site: ObjectStore
    private: ObjectStore

    def named(self, bucket: Bucket) -> ObjectStore:
        return self.site if bucket == "site" else self.private


@dataclass(frozen=True)
class _Wanted:
    """An object to keep; the sum is known of originals. ``asset``: the photo whose original it is."""

    bucket: Bucket
    key: str
    asset: str | None = None
    sha256: str = ""
    bytes: int = 0
    content_type: str = ""


@dataclass(frozen=True)
class Taken:
    """A finished backup. ``missing``: what is wrong with objects that the database names, by their keys."""

    manifest: Manifest
    fetched: int
    missing: Mapping[str, str]


def take(engine: Engine, stores: Stores, archive: Archive, tell: Progress) -> Taken:
    """Takes a backup. Of objects, only those are read that ``archive`` has not got from an earlier one.

    Raises Damaged, also for a database of another schema than this code's, and Busy.
    """
    with archive.prepared():
        return _take(engine, stores, archive, tell)


def _take(engine: Engine, stores: Stores, archive: Archive, tell: Progress) -> Taken:
    with snapshot(engine) as conn:
        there = schema.found(conn)
        if there != schema.HEAD:  # it would hold what this code knows of, and say that it is whole
            raise Damaged(
                f"this database has schema {there} and this nashr {schema.HEAD}: take it with the nashr "
                "that migrated it"
            )
        dumping.unhurried(conn)
        taken_at = str(scalar(conn, 'SELECT to_char(now(), \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'))
        dump = f"dump-{taken_at.replace(':', '')}-{token_hex(3)}"
        tables = list(_dump(conn, archive, dump, tell))
        known = sites.every(conn)
        wanted = [*_originals(conn), *_of_sites(known, stores)]
        postgres = str(scalar(conn, "SHOW server_version"))
    kept = _Keeping(engine, stores, archive)
    held = kept.all(wanted, tell)
    number, digest = archive.write_index(dump, held)
    manifest = Manifest(
        nashr=version("nashr"), schema=there, postgres=postgres, taken_at=taken_at, dump=dump,
        sites=[site.id for site in known], tables=tables, objects=number, objects_sha256=digest,
    )  # fmt: skip
    archive.write(manifest)
    return Taken(manifest, kept.fetched, kept.missing)


def _dump(conn: Connection, archive: Archive, dump: str, tell: Progress) -> Iterator[DumpedTable]:
    for done, table in enumerate(dumping.TABLES):
        tell("tables", done, len(dumping.TABLES))
        with archive.table(dump, table.name) as file:
            number = dumping.dump(conn, table, file)
        digest = digest_of_table(archive, dump, table.name)
        yield DumpedTable(table.name, dumping.columns(table), number, digest)


def _originals(conn: Connection) -> Iterator[_Wanted]:
    found = rows(conn, "SELECT id, original_key, sha256, bytes, content_type FROM asset ORDER BY id")
    for item in found:
        yield _Wanted(
            "private", item["original_key"], item["id"], item["sha256"], item["bytes"], item["content_type"]
        )


def _of_sites(known: Sequence[Site], stores: Stores) -> Iterator[_Wanted]:
    """What ``nashr site apply`` has put there: theme, card font, logo, static folder."""
    for site in known:
        bundle, font = site.theme.get("folder", ""), site.theme.get("card_font", "")
        if is_bundle_key(site.id, bundle):
            yield _Wanted("private", bundle)
        if font:
            yield _Wanted("private", font)
        if site.logo and site.logo.startswith("/"):
            yield _Wanted("site", site.key(site.logo))
        yield from _of_folder(site, stores)


def _of_folder(site: Site, stores: Stores) -> Iterator[_Wanted]:
    memory = staticfolder.memory_key(site.id)
    body = stores.private.get(memory)
    if body is not None:
        yield _Wanted("private", memory)
        yield from (_Wanted("site", key) for key in staticfolder.parsed(body).files)


class _Keeping:
    """Fetches what is wanted, a few at a time, and what was kept before not at all."""

    def __init__(self, engine: Engine, stores: Stores, archive: Archive) -> None:
        self._engine = engine
        self._stores = stores
        self._archive = archive
        self.fetched = 0
        self.missing: dict[str, str] = {}

    def all(self, wanted: Sequence[_Wanted], tell: Progress) -> Iterator[Held]:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for done, (one, held) in enumerate(
                zip(wanted, pool.map(self._keep, wanted), strict=True), start=1
            ):
                tell("objects", done, len(wanted))
                if isinstance(held, Held):
                    yield held
                elif self._is_owed(one):
                    self.missing[one.key] = held

    def _keep(self, one: _Wanted) -> Held | str:
        """The object as it is kept, or what is wrong with it."""
        if one.sha256 and self._archive.has(one.sha256, one.bytes):
            return Held(one.bucket, one.key, one.sha256, one.bytes, one.content_type)
        store = self._stores.named(one.bucket)
        found, body = store.head(one.key), store.get(one.key)
        if found is None or body is None:
            return "is not in the bucket"
        if one.sha256 not in {"", sha256(body).hexdigest()}:
            return f"has other bytes in the bucket than those of SHA-256 {one.sha256}"
        self.fetched += 1
        digest = self._archive.keep(body)
        return Held(
            one.bucket,
            one.key,
            digest,
            len(body),
            found.content_type,
            found.cache_control,
            dict(found.metadata),
        )

    def _is_owed(self, one: _Wanted) -> bool:
        """Whether the database still says that the object is there; an erased original is not missed."""
        if one.asset is None:
            return True
        with statement(self._engine) as conn:
            found = row(
                conn,
                """SELECT 1 AS one FROM asset WHERE id = :id AND withdrawn_at IS NULL
                    AND state <> ALL(:gone)""",
                id=one.asset, gone=["erased", "failed"],
            )  # fmt: skip
        return found is not None
