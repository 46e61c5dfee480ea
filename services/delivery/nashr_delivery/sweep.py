"""Files that no page has used for the grace period leave the store, a few hundred at a time.

The same hourly round has dead cards tried again, and drops theme folders that no site names any more and
what webhooks were told long ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from nashr.bootstrap import Runtime
from nashr.domain import theme
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.runtime.worker import Commit, Finish
from nashr.store import cardpages, notices, sites, sweeping
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_delivery import deletion

DAY: Final = 86_400.0
BATCH: Final = 200  # keys that one run looks at, and about as many that it deletes
WALK: Final = 5_000  # rows of the manifest that one run walks past
PAUSE: Final = 3_600.0  # seconds between two runs when nothing is left to do
SOON: Final = 1.0
TOLD_DAYS: Final = 30.0  # that a webhook's log goes back


class Sweep:
    """Handler of the sweep step."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def sweep(self, step: Step) -> Commit:
        """Marks what may go, deletes it, forgets it; due again at once while there is more.

        Interrupted at any point it goes on where it was: what it has marked comes first.
        """
        grace = self._runtime.settings.sweep_days * DAY
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            found = sweeping.candidates(conn, site.id, grace=grace, limit=BATCH)
        self._revive(site)
        self._drop_looks(site)
        if self._refuses(site, found, grace=grace):
            return lambda conn: Finish({"refused": True}, again_at=deletion.later(conn, PAUSE))
        marked = self._mark(site, found)
        deletion.delete(self._runtime.site_store, marked)
        if marked:
            logger().info("sweep.deleted", site=site.id, files=len(marked))
        more = len(marked) >= BATCH or sum(len(keys) for keys in found.values()) == BATCH

        def commit(conn: Connection) -> Finish:
            left = sweeping.forget(conn, marked)
            notices.forget_old(conn, site.id, days=TOLD_DAYS)
            notices.forget_strays(conn, site.id)
            after = str((step.result or {}).get("walked", ""))
            walked = sweeping.walk(conn, site.id, after=after, limit=WALK)
            pause = SOON if left else 0.0 if more else PAUSE
            result = {"deleted": len(marked) - left, "walked": walked}
            return Finish(result, again_at=deletion.later(conn, pause))

        return commit

    def _refuses(self, site: Site, found: Mapping[str, Sequence[str]], *, grace: float) -> bool:
        """Whether more would go than may go by itself. Asked only where there is much to do."""
        if sum(len(keys) for keys in found.values()) < BATCH:
            return False
        most = self._runtime.settings.sweep_percent
        with statement(self._runtime.engine) as conn:
            much = sweeping.too_many(conn, site.id, grace=grace, most=most)
        if much is not None:
            logger().error("sweep.refused", site=site.id, due=much[0], files=much[1], most_percent=most)
        return much is not None

    def _revive(self, site: Site) -> None:
        """Cards that died have another try now and then, without anybody publishing."""
        with transaction(self._runtime.engine) as conn:
            again = cardpages.revive(conn, site)
        if again:
            logger().info("card.tried_again", site=site.id, cards=again)

    def _drop_looks(self, site: Site) -> None:
        """Theme folders that the site had before; one that is about to be applied is younger than that."""
        with statement(self._runtime.engine) as conn:
            found = sweeping.named_looks(conn, site.id, rest=PAUSE)
        if found is None:
            return
        kept, before = found
        old = [
            entry.key
            for entry in self._runtime.originals.entries(theme.bundles_of(site.id))
            if entry.key != kept and entry.modified_at < before
        ]
        for key in old:
            self._runtime.originals.delete(key)
        if old:
            logger().info("theme.dropped", site=site.id, files=len(old))

    def _mark(self, site: Site, found: Mapping[str, Sequence[str]]) -> list[str]:
        """Source by source, until a batch is full: all files of a photo go together."""
        marked: list[str] = []
        for source in found:
            if len(marked) >= BATCH:
                break
            with transaction(self._runtime.engine) as conn:
                marked += sweeping.mark(conn, site, source, found[source])
        return marked
