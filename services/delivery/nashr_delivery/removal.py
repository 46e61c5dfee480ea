"""The end of a takedown: the article's files leave the store, twice, and every address is looked at.

What is to be destroyed is destroyed before anything is looked at: no edge and no page can hold that up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from nashr.bootstrap import Runtime
from nashr.domain.errors import NotYet, Retryable, WorkError
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import erasing, golive, objects, pagerows, publishing, sites
from nashr.store.database import statement, transaction
from nashr.store.erasing import Taken
from nashr.store.publishing import Publication
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_delivery import deletion, purging, report
from nashr_delivery.report import Check

LOOK_AGAIN: Final = 10.0  # seconds: every address is fetched anew, and a copy that expires has a minute


@dataclass(frozen=True)
class Reached:
    """How far earlier passes came: the step's result.

    ``files``: what the article had; ``keys``: those deleted once, ``gone``: twice. ``pages``: the versions
    that were wanted in the first pass. ``settled``: what is to be destroyed is; ``purged``: at the edge too.
    """

    files: Sequence[str] = ()
    keys: Sequence[str] = ()
    gone: Sequence[str] = ()
    pages: Mapping[str, int] = field(default_factory=dict)
    settled: bool = False
    purged: bool = False


class Removal:
    """Handler of the remove step."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def remove(self, step: Step) -> Commit:
        """Deletes the files of a taken down article that no other page uses, then looks at every address."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            found = publishing.find(conn, step.input["publication"])
            assert found is not None
        taken = Taken(step.site, step.input["article"], found.detail["through"])
        before = Reached(**step.result) if step.result and "pages" in step.result else None
        now, drawing = self._mark(step, site, taken, before or Reached())
        if before is None or now.keys != before.keys or drawing:
            return self._delete(
                site, now
            )  # the first pass, or a listing has let go of a photo since, or a card
        if now.keys or not now.settled:
            return self._settle(taken, now, erase=bool(found.detail.get("erase")))
        if not now.purged:
            deletion.purge(self._runtime, deletion.urls(site, now.gone))
            return self._then(replace(now, purged=True))
        if found.state != "running":  # a later publication shows itself at these addresses
            return lambda _: Finish(asdict(now))
        checks = self._checked(site, found, now)
        return lambda conn: self._done(conn, found, now, checks)

    def _mark(self, step: Step, site: Site, taken: Taken, before: Reached) -> tuple[Reached, bool]:
        """What is to be deleted now, and whether a card is still being drawn that has to go after it.

        Once settled nothing says any more which files there were: those that a page used are remembered.
        """
        with transaction(self._runtime.engine) as conn:
            files, drawing, pages = set(before.files), False, before.pages
            if not before.settled:
                erasing.stop_cards(conn, taken.article)
                drawing = erasing.is_being_drawn(conn, taken.article)
                erasing.let_go(conn, taken)
                files |= set(erasing.files(conn, taken))
            marked = objects.mark_deleting(conn, files - set(before.gone))
            if not pages:
                listings = step.input.get("listings", ())
                pages = report.versions(conn, site, taken.article, listings=listings)
        keys = sorted({*before.keys, *marked})
        return replace(before, files=sorted(files), keys=keys, pages=pages), drawing

    def _delete(self, site: Site, now: Reached) -> Commit:
        """The first time, at the edge as well if it can be reached: it is asked again in the end."""
        deletion.delete(self._runtime.site_store, now.keys)
        try:
            deletion.purge(self._runtime, deletion.urls(site, now.keys))
        except WorkError as error:
            logger().warning("purge.later", keys=list(now.keys), error=str(error))
        result = asdict(replace(now, purged=False))
        return lambda conn: Finish(result, again_at=deletion.second_pass(self._runtime, conn))

    def _settle(self, taken: Taken, now: Reached, *, erase: bool) -> Commit:
        """The second time, for good: the originals and the text go, and the files are forgotten."""
        deletion.delete(self._runtime.site_store, now.keys)
        if erase and not now.settled:
            with statement(self._runtime.engine) as conn:
                originals = erasing.sole_originals(conn, taken)
            deletion.delete(self._runtime.originals, originals)
        after = replace(now, keys=[], gone=sorted({*now.gone, *now.keys}), settled=True, purged=False)

        def commit(conn: Connection) -> Finish:
            if not now.settled:
                erasing.void_work(conn, taken)
                if erase:
                    erasing.erase(conn, taken)
            objects.deleted(conn, now.keys)
            return Finish(asdict(after), again_at=deletion.later(conn, 0.0))

        return commit

    def _then(self, now: Reached) -> Commit:
        return lambda conn: Finish(asdict(now), again_at=deletion.later(conn, 0.0))

    def _done(self, conn: Connection, found: Publication, now: Reached, checks: Sequence[Check]) -> Finish:
        told: dict[str, Any] = {"deleted": len(now.gone), "checks": [asdict(one) for one in checks]}
        golive.removal_live(conn, found.id, told)
        if found.page is not None:
            purging.arm(conn, pagerows.read(conn, found.page), priority=Priority.breaking)  # for the receipt
        return Finish(asdict(now))

    def _checked(self, site: Site, found: Publication, now: Reached) -> Sequence[Check]:
        """The report. Raises Retryable, with the report kept, while something can still be read.

        An edge that cannot be purged lets go of it by itself: that is waited for.
        """
        with statement(self._runtime.engine) as conn:
            scope = report.scope(conn, site, found.article, keys=now.gone, pages=now.pages)
        checks = tuple(report.check(self._runtime.purger, scope))
        wrong = [one.url for one in checks if not one.ok]
        if not wrong:
            if mentions := [one.url for one in checks if one.what == report.MENTION]:
                logger().warning("removal.mentioned", publication=found.id, urls=mentions)
            return checks
        with transaction(self._runtime.engine) as conn:
            golive.removal_checked(conn, found.id, [asdict(one) for one in checks])
        logger().error("removal.still_there", publication=found.id, urls=wrong)
        if not self._runtime.purger.limits.purges:
            raise NotYet(f"{wrong[0]} has not expired at the edge yet", seconds=LOOK_AGAIN)
        deletion.purge(self._runtime, wrong)
        raise Retryable(f"{wrong[0]} can still be read: it was purged again")
