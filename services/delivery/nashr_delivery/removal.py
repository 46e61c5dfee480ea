"""The end of a takedown: the article's files leave the store, twice, and every address is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from nashr.bootstrap import Runtime
from nashr.domain.errors import NotYet, Retryable
from nashr.domain.purging import Purge, Rank
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import erasing, golive, objects, pagerows, publishing, sites
from nashr.store.database import statement, transaction
from nashr.store.publishing import Publication
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_delivery import deletion, purging, report
from nashr_delivery.report import Check


class Removal:
    """Handler of the remove step."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def remove(self, step: Step) -> Commit:
        """Deletes the keys of a taken down article that no other page uses; ends once none were added."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            found = publishing.find(conn, step.input["publication"])
            assert found is not None
        before: Sequence[str] | None = step.result["keys"] if step.result else None
        marked, drawing = self._mark(step)
        keys = sorted({*(before or ()), *marked})
        deletion.delete_everywhere(self._runtime, site, keys)
        if keys != before or drawing:  # the first pass, or a listing has let go of a photo since, or a card
            return lambda conn: Finish(
                {"keys": list(keys)}, again_at=deletion.second_pass(self._runtime, conn)
            )
        checks = self._checked(step, site, found, keys)
        if found.detail.get("erase"):
            self._delete_originals(step)
        return lambda conn: self._done(conn, step, found, keys, checks)

    def _done(
        self, conn: Connection, step: Step, found: Publication, keys: Sequence[str], checks: Sequence[Check]
    ) -> Finish:
        erasing.void_work(conn, step.site, step.input["article"])
        if found.detail.get("erase"):
            erasing.erase(conn, step.site, step.input["article"])
        objects.deleted(conn, keys)
        golive.removal_live(conn, found.id, {"deleted": len(keys), "checks": [asdict(one) for one in checks]})
        if found.page is not None:
            purging.arm(conn, pagerows.read(conn, found.page), priority=Priority.breaking)  # for the receipt
        return Finish({"keys": list(keys)})

    def _checked(self, step: Step, site: Site, found: Publication, keys: Sequence[str]) -> Sequence[Check]:
        """The report. Raises Retryable, with the report kept, while something can still be read.

        An edge that cannot be purged lets go of it by itself: that is waited for.
        """
        with statement(self._runtime.engine) as conn:
            scope = report.scope(
                conn, site, step.input["article"], keys=keys, listings=step.input.get("listings", ())
            )
        checks = tuple(report.check(self._runtime.purger, scope))
        wrong = [one for one in checks if not one.ok]
        if not wrong:
            return checks
        with transaction(self._runtime.engine) as conn:
            golive.removal_checked(conn, found.id, [asdict(one) for one in checks])
        logger().error("removal.still_there", publication=found.id, urls=[one.url for one in wrong])
        if not self._runtime.purger.limits.purges:
            raise NotYet(f"{wrong[0].url} has not expired at the edge yet")
        self._runtime.purger.purge([Purge(one.url, rank=Rank.removal) for one in wrong])
        raise Retryable(f"{wrong[0].url} still answers {wrong[0].status}: it was purged again")

    def _mark(self, step: Step) -> tuple[Sequence[str], bool]:
        """What is to be deleted now, and whether a card is still being drawn that has to go after it."""
        article = step.input["article"]
        with transaction(self._runtime.engine) as conn:
            erasing.stop_cards(conn, article)
            drawing = erasing.is_being_drawn(conn, article)
            return erasing.mark_files(conn, step.site, article), drawing

    def _delete_originals(self, step: Step) -> None:
        with statement(self._runtime.engine) as conn:
            originals = erasing.sole_originals(conn, step.site, step.input["article"])
        deletion.delete(self._runtime.originals, originals)
