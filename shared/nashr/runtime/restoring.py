"""Puts a backup into an empty installation: checked, then its objects, then the database in one transaction.

The site ends where the backup stood, with versions above those that the store holds. Two things that came
after the backup are not undone: removals stay, and pages that are taken off the site are kept aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Engine

from nashr.domain.pageheaders import VERSION
from nashr.ports import ObjectStore
from nashr.runtime import verifying
from nashr.runtime.archive import Archive, Damaged, Held, Manifest, Progress
from nashr.runtime.backup import Stores
from nashr.store import database, drift, dumping, events, migrate, recovering, repairing, schema, sites
from nashr.store.recovering import Standing, Stored
from nashr.store.sites import SiteRow

_PARALLEL: Final = 16
ASIDE: Final = "set-aside"
"""Below this prefix of the private bucket lie pages that came after a backup which was restored."""


class NotEmpty(Exception):
    """The installation holds something already."""


@dataclass
class Report:
    """What a restore found and did. ``removed``: paths of articles whose later removal stays."""

    pages: int = 0
    ahead: int = 0
    files_lost: int = 0
    aside: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)


def check(archive: Archive, tell: Progress) -> Manifest:
    """Reads the whole backup against its sums. Raises Damaged."""
    manifest = archive.read()
    archive.verify(manifest, tell)
    return manifest


def refuse_unless_empty(conn: Connection, manifest: Manifest) -> None:
    """Raises NotEmpty, or Damaged for a backup that this nashr cannot bring to its own schema."""
    found = dumping.content(conn)
    if found:
        held = ", ".join(f"{number} in {name}" for name, number in found.items())
        raise NotEmpty(f"this installation is not empty ({held}): restore into a new one")
    there = schema.found(conn)
    if there != schema.HEAD:
        raise Damaged(
            f"this database has schema {there} and this nashr {schema.HEAD}: restore with the nashr that "
            "migrated it"
        )
    if manifest.schema not in schema.VERSIONS:
        raise Damaged(
            f"the backup has schema {manifest.schema} (nashr {manifest.nashr}), and this nashr knows "
            f"{schema.HEAD} at most: install nashr {manifest.nashr} or newer, and restore it with that"
        )
    if _is_older(manifest) and not dumping.may_stage(conn):
        raise Damaged(
            f"the backup has schema {manifest.schema} and is migrated in a schema of its own, which this "
            "user may not make: GRANT CREATE ON DATABASE to it, for as long as the restore takes"
        )


def _is_older(manifest: Manifest) -> bool:
    return manifest.schema < schema.HEAD


def restore(engine: Engine, stores: Stores, archive: Archive, manifest: Manifest, tell: Progress) -> Report:
    """Restores what ``check`` has read. Cut short it has changed nothing but objects, and may be repeated.

    Raises NotEmpty, Damaged, Retryable.
    """
    with database.statement(engine) as conn:
        refuse_unless_empty(conn, manifest)
    _put_objects(stores, archive, manifest, tell)
    report = Report()
    with database.transaction(engine) as conn:
        dumping.unhurried(conn)
        dumping.close(conn)
        refuse_unless_empty(conn, manifest)
        _load(conn, archive, manifest, tell)
        recovering.free_steps(conn)
        found = [sites.get(conn, site.id) for site in sites.every(conn)]
        for one in found:
            _settle(conn, one, found, stores, manifest, report, tell)
        events.record(conn, "restore", manifest.taken_at, site=None, actor=recovering.ACTOR)
    return report


def _put_objects(stores: Stores, archive: Archive, manifest: Manifest, tell: Progress) -> None:
    def put(one: Held) -> None:
        store = stores.named(one.bucket)
        there = store.head(one.key)
        if one.key.endswith(one.sha256) and there is not None and there.bytes == one.bytes:
            return  # an original, whose key is its sum
        with archive.object_path(one.sha256).open("rb") as body:
            store.put(
                one.key, body, content_type=one.content_type, cache_control=one.cache_control or None,
                metadata=one.metadata,
            )  # fmt: skip

    with ThreadPoolExecutor(_PARALLEL) as pool:
        for done, _ in enumerate(pool.map(put, archive.index(manifest)), start=1):
            tell("objects", done, manifest.objects)


def _load(conn: Connection, archive: Archive, manifest: Manifest, tell: Progress) -> None:
    ours = dumping.tokens(conn)
    dumping.clear(conn)
    if _is_older(manifest):
        with dumping.stage(conn):
            migrate.upgrade_within(conn, manifest.schema)
            _load_tables(conn, archive, manifest, tell)
            migrate.upgrade_within(conn, schema.HEAD)
    else:
        _load_tables(conn, archive, manifest, tell)
    dumping.keep_tokens(conn, ours)


def _load_tables(conn: Connection, archive: Archive, manifest: Manifest, tell: Progress) -> None:
    """In the order in which they were dumped: what a row refers to comes before it."""
    for done, dumped in enumerate(manifest.tables, start=1):
        try:
            dumping.load(conn, dumped.name, dumped.columns, archive.blocks(manifest, dumped.name))
        except dumping.Unlike as error:
            raise Damaged(
                f"the backup does not fit this nashr ({error}): restore it with nashr {manifest.nashr}, "
                "which wrote it, then install this one"
            ) from error
        tell("tables", done, len(manifest.tables))


def _settle(
    conn: Connection,
    site: SiteRow,
    every: Sequence[SiteRow],
    stores: Stores,
    manifest: Manifest,
    report: Report,
    tell: Progress,
) -> None:
    """Fits one site to the store: versions, files, and what came after the backup."""
    prefix = site.site.prefix
    others = [one.site.prefix for one in every if one.site.prefix != prefix]
    found = verifying.Comparison(
        conn, site, stores.site, None, [other for other in others if other.startswith(prefix)],
        verifying.Options(grace=0.0), tell,
    )  # fmt: skip
    found.listing()
    recovering.forget_objects(conn, site.site.id)
    removed: list[tuple[str, str]] = []
    for batch in recovering.standing(conn, site.site):
        stored = _ask(stores.site, batch)
        report.ahead += recovering.raise_past(conn, stored)
        removed += recovering.removed_since(conn, stored)
    report.files_lost += recovering.settle_files(conn, site.site)
    _take_off(conn, found, stores, manifest, report)
    for done in recovering.want_all(conn, site.site.id):
        tell("pages wanted", done, None)
    report.pages += drift.count_pages(conn, site.site.id)
    for article, kind in removed:
        report.removed.append(f"{site.site.id} {recovering.keep_removed(conn, article, kind)} ({kind})")


def _ask(store: ObjectStore, pages: Sequence[Standing]) -> list[Stored]:
    def ask(page: Standing) -> Stored | None:
        found = store.head(page.key)
        if found is None:
            return None
        version = found.metadata.get(VERSION, "")
        number = int(version) if version.isdecimal() else 0
        return Stored(page.id, number, found.etag, found.metadata.get("status", "200"))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        return [stored for stored in pool.map(ask, pages) if stored is not None]


def _take_off(
    conn: Connection, found: verifying.Comparison, stores: Stores, manifest: Manifest, report: Report
) -> None:
    """Pages that the backup does not know leave the site, kept aside; files are left to the sweep.

    Nobody can want a page meanwhile: no other transaction has seen these sites. Told is all that lies aside
    for this backup: a run that was cut short had not purged what it deleted.
    """
    for _ in found.orphans():
        pass
    site = found.site.site
    for orphan in drift.remembered(conn, pages=True):
        body = stores.site.get(orphan.key)
        if body is not None:
            aside = f"{ASIDE}/{manifest.dump}/{orphan.key}"
            stores.private.put(aside, body, content_type=orphan.content_type)
            stores.site.delete(orphan.key)
    for key in _aside(stores.private, manifest, found):
        report.aside.append(f"{ASIDE}/{manifest.dump}/{key}")
        report.urls.append(site.url(site.path(key)))
    files = list(drift.remembered(conn, pages=False))
    if files:
        repairing.adopt(conn, site.id, files)


def _aside(private: ObjectStore, manifest: Manifest, found: verifying.Comparison) -> Iterator[str]:
    """The keys that pages of the site had which lie aside."""
    folder = f"{ASIDE}/{manifest.dump}/"
    for key in private.keys(folder + found.site.site.prefix):
        if not key.removeprefix(folder).startswith(tuple(found.others)):
            yield key.removeprefix(folder)
