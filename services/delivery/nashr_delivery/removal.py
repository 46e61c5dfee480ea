"""The end of a takedown: the article's files leave the store, twice, before anyone calls it done.

Twice, because a worker that was frozen while it uploaded may still finish its request: the second
pass comes after every lease and every request time-out has passed.
"""

from __future__ import annotations

from collections.abc import Sequence

from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable
from nashr.domain.site import Site
from nashr.runtime.worker import Commit, Finish
from nashr.store import erasing, golive, objects, publishing, sites
from nashr.store.database import scalar, statement, transaction
from nashr.store.queue import Step
from sqlalchemy import Connection

REQUEST_SECONDS = 12.0  # the store client's longest request: connect and read time-out


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
        keys = sorted({*(before or ()), *self._mark(step)})
        self._delete(site, keys)
        if keys != before:  # the first pass, or a listing has let go of a photo since the one before
            return lambda conn: self._again(conn, keys)
        if found.detail.get("erase"):
            self._delete_originals(step)

        def commit(conn: Connection) -> Finish:
            objects.deleted(conn, keys)
            erasing.void_work(conn, step.site, step.input["article"])
            if found.detail.get("erase"):
                erasing.erase(conn, step.site, step.input["article"])
            golive.removal_live(conn, found.id, {"deleted": len(keys)})
            return Finish({"keys": list(keys)})

        return commit

    def _mark(self, step: Step) -> Sequence[str]:
        with transaction(self._runtime.engine) as conn:
            return erasing.mark_files(conn, step.site, step.input["article"])

    def _delete(self, site: Site, keys: Sequence[str]) -> None:
        store = self._runtime.site_store
        for key in keys:
            store.delete(key)
        left = [key for key in keys if store.head(key) is not None]
        if left:
            raise Retryable(f"{left[0]} is still in the store")
        urls = [site.url(f"/{key.removeprefix(site.prefix)}") for key in keys]
        if urls:
            self._runtime.cdn.purge(urls=urls)

    def _again(self, conn: Connection, keys: Sequence[str]) -> Finish:
        pause = self._runtime.settings.lease_seconds + REQUEST_SECONDS
        at = scalar(conn, "SELECT clock_timestamp() + make_interval(secs => :pause)", pause=pause)
        return Finish({"keys": list(keys)}, again_at=at)

    def _delete_originals(self, step: Step) -> None:
        with statement(self._runtime.engine) as conn:
            originals = erasing.sole_originals(conn, step.site, step.input["article"])
        for key in originals:
            self._runtime.originals.delete(key)
