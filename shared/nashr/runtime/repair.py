"""Drift that was found, repaired: pages by their deliveries, files by their steps, orphans removed with care.

Only orphans are ever deleted, and a file whose bytes are wrong just before it is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Engine

from nashr.domain.errors import Retryable
from nashr.observability import metrics
from nashr.ports import Cdn, ObjectStore
from nashr.runtime.verifying import Drift
from nashr.store import drift, events, repairing
from nashr.store.database import transaction
from nashr.store.drift import Orphan
from nashr.store.sites import SiteRow

ACTOR: Final = "nashr verify"
MOST: Final = 10.0
"""Per cent of a site's objects that one repair takes for orphans: more looks like a database gone back."""

_BATCH: Final = 100


class TooMany(Exception):
    """More orphans than one repair removes unless it is told to."""

    def __init__(self, orphans: int, objects: int, most: float) -> None:
        share = 100 * orphans / objects
        super().__init__(
            f"{orphans} of {objects} objects ({share:.0f} %) would be removed, and at most {most:g} % are: "
            "was an older backup restored? If they are to go, raise --max-delete"
        )


class _RolledBack(Exception):
    """Ends a transaction that was only a lock."""


@dataclass
class Done:
    """What was set in motion."""

    pages: int = 0
    files: int = 0
    removed: int = 0
    adopted: int = 0
    waiting: int = 0


@dataclass
class Repair:
    """Repairs one site. What ``take`` is given is acted upon in batches, the last by ``finish``."""

    engine: Engine
    site: SiteRow
    store: ObjectStore
    edge: Cdn | None
    done: Done = field(default_factory=Done)
    _pages: list[int] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)

    def take(self, found: Drift) -> None:
        """Repairs a page or a file; orphans wait until all are known."""
        if found.page is not None:
            self._pages.append(found.page)
        elif found.kind in {"file_missing", "file_bytes"}:
            if found.kind == "file_bytes" and not self._spoil(found.where):
                return
            self._files.append(found.where)
        if len(self._pages) + len(self._files) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Acts on what was taken so far."""
        with transaction(self.engine) as conn:
            repairing.lose(conn, self._files)
            repairing.send_again(conn, self._pages)
        after: int | None = 0
        while self._files and after is not None:
            with transaction(self.engine) as conn:
                after = repairing.others_naming(conn, self._files, after=after)
        self.done.pages += len(self._pages)
        self.done.files += len(self._files)
        metrics.REPAIRS.add(len(self._pages), by="verify", what="page")
        metrics.REPAIRS.add(len(self._files), by="verify", what="file")
        self._pages.clear()
        self._files.clear()

    def _spoil(self, key: str) -> bool:
        """Deletes a file whose bytes are wrong: the same name is only ever stored where there is none."""
        with transaction(self.engine) as conn:
            if not repairing.spoil(conn, key):
                return False
        self._delete(key)
        return True

    def _delete(self, key: str) -> None:
        self.store.delete(key)
        if self.store.head(key) is not None:
            raise Retryable(f"{key} is still in the store after it was deleted")
        if self.edge is not None:
            self.edge.purge(urls=[self.site.site.url(f"/{key.removeprefix(self.site.site.prefix)}")])

    def orphans(self, conn: Connection, *, objects: int, grace: float, most: float = MOST) -> None:
        """Removes the remembered orphans, read again one by one. ``conn`` is the one that remembers them.

        Pages go once ``grace`` seconds have passed since they were stored. Files go to the sweep, which has
        the same patience, and only when no page was found: it may show them. Raises TooMany.
        """
        number = drift.count_orphans(conn)
        if number > max(1.0, objects * most / 100):
            raise TooMany(number, objects, most)
        pages = 0
        for orphan in drift.remembered(conn, pages=True):
            pages += 1
            if drift.age(conn, orphan) < grace:
                self.done.waiting += 1
            elif self._remove_page(orphan):
                self.done.removed += 1
                metrics.REPAIRS.add(by="verify", what="orphan")
        files = drift.remembered(conn, pages=False)
        while batch := list(islice(files, _BATCH)):
            if pages:
                self.done.waiting += len(batch)
            else:
                self._adopt(batch)

    def _adopt(self, batch: Sequence[Orphan]) -> None:
        with transaction(self.engine) as conn:
            adopted = repairing.adopt(conn, self.site.site.id, batch)
        self.done.adopted += adopted
        metrics.REPAIRS.add(adopted, by="verify", what="orphan")

    def _remove_page(self, orphan: Orphan) -> bool:
        """Deletes a page's object while nobody can begin a page at its path."""
        site = self.site.site
        try:
            with transaction(self.engine) as conn:
                if not repairing.hold_path(conn, site.id, orphan.path):
                    return False
                self._delete(orphan.key)
                raise _RolledBack
        except _RolledBack:
            pass
        if self.edge is not None:
            self.edge.purge(urls=[site.url(orphan.path)])
        with transaction(self.engine) as conn:
            events.record(conn, "orphan.remove", orphan.path, site=site.id, actor=ACTOR)
        return True
