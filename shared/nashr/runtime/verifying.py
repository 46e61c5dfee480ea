"""Database, bucket and edge of one site laid side by side; what differs comes out one by one, as drift.

Nothing is changed here. Publishing goes on meanwhile: what looks wrong is read again, row and object, before
it is called drift, and a page that is on its way the whole time is only counted as unsettled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection

from nashr.domain.pageheaders import SEAL, VERSION, is_whole
from nashr.domain.site import Site
from nashr.pages import PageKind
from nashr.ports import Cdn, ObjectStore, Stored
from nashr.store import drift
from nashr.store.drift import NamedFile, Orphan, Shown, Unknown
from nashr.store.ids import keyed_name
from nashr.store.sites import SiteRow

PARALLEL: Final = 16
LOOKS: Final = 4  # at a page that moves, or that the edge serves in another version
PAUSE: Final = 1.0  # seconds between two looks
HOUR: Final = 3600.0
_PAGES: Final = 200
_LISTED: Final = 1000
_FOLDERS: Final = ("media/", "cards/", "assets/")

Kind: TypeAlias = Literal[
    "page_missing", "page_bytes", "page_headers", "page_ahead", "page_stuck", "edge", "file_missing",
    "file_bytes", "orphan_page", "orphan_file",
]  # fmt: skip
Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Told what is looked at, how many are done, and of how many if that is known."""


@dataclass(frozen=True)
class Drift:
    """One difference: where, and what is wrong. ``page``: the row's id, of what is a page's."""

    kind: Kind
    site: str
    where: str
    detail: str
    page: int | None = None


@dataclass
class Counts:
    """What was looked at. ``foreign``: objects that nashr did not write, and leaves alone."""

    pages: int = 0
    files: int = 0
    objects: int = 0
    foreign: int = 0
    unsettled: int = 0
    orphans: int = 0


@dataclass(frozen=True)
class Options:
    """``deep``: read every byte. ``grace``: seconds before an object that nobody owns is an orphan at all."""

    deep: bool = False
    grace: float = HOUR
    pause: float = PAUSE


@dataclass
class Comparison:
    """Compares one site. ``others``: key prefixes below this site's that belong to other sites.

    ``edge`` None leaves the edge out. ``conn`` is one connection throughout: it holds the listing.
    """

    conn: Connection
    site: SiteRow
    store: ObjectStore
    edge: Cdn | None
    others: Sequence[str] = ()
    options: Options = Options()
    progress: Progress = lambda *_: None
    counts: Counts = field(default_factory=Counts)

    def pages(self) -> Iterator[Drift]:
        """Every page against its object and what the edge serves."""
        total, after = drift.count_pages(self.conn, self.site.site.id), 0
        with ThreadPoolExecutor(PARALLEL) as pool:
            while batch := drift.pages(self.conn, self.site.site.id, after=after, limit=_PAGES):
                yield from self._settled(pool, batch)
                after = batch[-1].id
                self.counts.pages += len(batch)
                self.progress("pages", self.counts.pages, total)

    def _settled(self, pool: ThreadPoolExecutor, batch: Sequence[Shown]) -> Iterator[Drift]:
        """Looks until every page of the batch is either right or wrong while nothing moved."""
        left = batch
        for look in range(1, LOOKS + 1):
            if look > 1:
                time.sleep(self.options.pause)
            verdicts = list(zip(left, pool.map(self._look, left), strict=True))
            doubtful = [shown for shown, found in verdicts if shown.moving or found is not None]
            if not doubtful:
                return
            now = drift.reread(self.conn, [shown.id for shown in doubtful])
            left = []
            for shown, found in verdicts:
                if found is None and not shown.moving:
                    continue
                if found is None or now[shown.id] != shown or (found.kind == "edge" and look < LOOKS):
                    left.append(now[shown.id])
                else:
                    yield found
        self.counts.unsettled += len(left)

    def _look(self, shown: Shown) -> Drift | None:
        """What is wrong with a page at this moment; None also while it moves."""
        if shown.wanted > shown.live and not shown.armed:
            return self._page(shown, "page_stuck", f"version {shown.wanted} is wanted and nobody delivers it")
        if shown.moving or shown.live == 0:
            return None
        key = shown.path.lstrip("/") if shown.kind == PageKind.routes else self.site.site.key(shown.path)
        found = self.store.head(key)
        if found is None:
            return self._page(shown, "page_missing", f"{key} is not in the bucket")
        if shown.kind == PageKind.routes:
            return None
        return self._wrong_object(shown, key, found) or self._wrong_at_edge(shown, found)

    def _wrong_object(self, shown: Shown, key: str, found: Stored) -> Drift | None:
        version = found.metadata.get(VERSION, "")
        if version.isdecimal() and int(version) > shown.stored:
            detail = f"the bucket has version {version}, the database knows {shown.stored}"
            return self._page(shown, "page_ahead", detail)
        if found.etag != shown.etag or version != str(shown.stored):
            there = f"the bucket has {found.etag} as version {version or 'none'}"
            detail = f"{there}, not {shown.etag} as {shown.stored}"
            return self._page(shown, "page_bytes", detail)
        if SEAL in found.metadata and not is_whole(found.content_type, found.cache_control, found.metadata):
            return self._page(
                shown, "page_headers", "its headers or metadata are not those it was stored with"
            )
        if self.options.deep and sha256(self.store.get(key) or b"").hexdigest() != shown.sha256:
            return self._page(shown, "page_bytes", "the bucket has other bytes under the same ETag")
        return None

    def _wrong_at_edge(self, shown: Shown, found: Stored) -> Drift | None:
        if self.edge is None or shown.purged < shown.live:  # that purge is still to come
            return None
        fetched = self.edge.fetch(self.site.site.url(shown.path))
        status = int(found.metadata.get("status", 200))
        if fetched.status != status and shown.kind != PageKind.not_found:  # some edges say 404 there
            return self._page(shown, "edge", f"the edge answers {fetched.status}, not {status}")
        if sha256(fetched.body).hexdigest() != shown.sha256:
            return self._page(shown, "edge", f"the edge serves another version than {shown.stored}")
        if fetched.headers.get("location") != found.metadata.get("location"):
            return self._page(shown, "edge", f"the edge leads to {fetched.headers.get('location')}")
        return None

    def _page(self, shown: Shown, kind: Kind, detail: str) -> Drift:
        return Drift(kind, self.site.site.id, shown.path, detail, shown.id)

    def listing(self) -> None:
        """Reads the listing of the site's prefix into the database; before ``files`` and ``orphans``."""
        drift.begin_listing(self.conn)
        entries = self.store.entries(self.site.site.prefix)
        ours = (entry for entry in entries if not entry.key.startswith(("_nashr/", *self.others)))
        while batch := list(islice(ours, _LISTED)):
            drift.add_to_listing(self.conn, self.site.site, batch)
            self.counts.objects += len(batch)
            self.progress("listing", self.counts.objects, None)
        drift.end_listing(self.conn)

    def files(self) -> Iterator[Drift]:
        """Every file that a live page names against the bucket."""
        chosen = drift.named_files if self.options.deep else drift.wrong_files
        for one in chosen(self.conn, self.site.site.id):
            self.counts.files += 1
            self.progress("files", self.counts.files, None)
            found = self._wrong_file(one)
            if found is not None and drift.is_named(self.conn, one.key):
                yield found

    def _wrong_file(self, one: NamedFile) -> Drift | None:
        there = self.store.head(one.key)
        site = self.site.site.id
        if there is None:
            return Drift("file_missing", site, one.key, "pages name it and it is not in the bucket")
        if there.bytes != one.bytes:
            return Drift("file_bytes", site, one.key, f"it has {there.bytes} bytes, not {one.bytes}")
        if self.options.deep and sha256(self.store.get(one.key) or b"").hexdigest() != one.sha256:
            return Drift("file_bytes", site, one.key, "it has other bytes of the same number")
        return None

    def orphans(self) -> Iterator[Drift]:
        """Objects that nashr wrote and nobody owns. They are remembered in the database for whoever acts."""
        found = drift.unknown(self.conn, self.site.site.id, older_than=self.options.grace)
        for seen, one in enumerate(found, start=1):
            self.progress("unknown objects", seen, None)
            orphan = self._orphan(one)
            if orphan is None:
                self.counts.foreign += 1
            elif not drift.is_known(self.conn, self.site.site.id, one):
                drift.remember(self.conn, orphan)
                self.counts.orphans += 1
                yield _told(self.site.site, orphan)

    def _orphan(self, one: Unknown) -> Orphan | None:
        """The object as nashr's own, by the proof that it carries; None for anybody else's.

        A page carries its version and its site's surrogate key. A file's name is the keyed hash of its
        bytes, which nobody makes without the site's secret.
        """
        there = self.store.head(one.key)
        if there is None:
            return None
        site, meta = self.site.site, there.metadata
        tags = meta.get("surrogate-key", "").split()
        if meta.get(VERSION, "").isdecimal() and f"site-{site.id}" in tags:
            return Orphan(one.key, one.path, None, there.content_type, there.bytes, one.modified_at)
        if not one.key.removeprefix(site.prefix).startswith(_FOLDERS):
            return None
        body = self.store.get(one.key) or b""
        name = one.key.rpartition("/")[2].partition(".")[0]
        if name != keyed_name(self.site.secret, body):
            return None
        digest = sha256(body).hexdigest()
        return Orphan(one.key, one.path, digest, there.content_type, len(body), one.modified_at)


def _told(site: Site, orphan: Orphan) -> Drift:
    kind: Kind = "orphan_page" if orphan.sha256 is None else "orphan_file"
    where = orphan.path if orphan.sha256 is None else orphan.key
    detail = f"nashr wrote it and nothing owns it; stored {orphan.modified_at:%Y-%m-%d}"
    return Drift(kind, site.id, where, detail)


def compare(found: Comparison) -> Iterable[Drift]:
    """All of it, pages first."""
    yield from found.pages()
    found.listing()
    yield from found.files()
    yield from found.orphans()
