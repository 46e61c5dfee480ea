"""A withdrawn photo leaves the store and the edge; and photos whose rights end are withdrawn on time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nashr.bootstrap import Runtime
from nashr.runtime.worker import Commit, Finish
from nashr.store import assets, expiring, objects, sites, withdrawing
from nashr.store.assets import Asset
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from nashr.store.sites import SiteRow
from sqlalchemy import Connection

from nashr_delivery import deletion

LOOK_AGAIN: Final = 1.0  # seconds: how soon pages are looked at again that still show the photo


class Withdrawal:
    """Handlers of the withdraw and expire steps."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def withdraw(self, step: Step) -> Commit:
        """Deletes the files of a withdrawn photo once no page uses them; ends after a pass without news.

        The result says which keys it has deleted and which pages it still waits for.
        """
        site, asset = self._read(step)
        if asset.withdrawn_at is None:
            return lambda _: Finish({"renewed": True})
        with transaction(self._runtime.engine) as conn:
            marked = withdrawing.mark_files(conn, asset.id)
        with statement(self._runtime.engine) as conn:
            shown = withdrawing.still_shown(conn, asset.id)
        before = dict(step.result or {})
        keys = sorted({*before.get("keys", ()), *marked})
        deletion.delete_everywhere(self._runtime, site.site, keys)
        result = {"keys": keys, "waits_for": list(shown)}
        if shown:
            return lambda conn: self._urge(conn, site, asset, result)
        if before != result:  # the first pass without a page that uses them
            return lambda conn: Finish(result, again_at=deletion.second_pass(self._runtime, conn))
        return self._done(asset, keys)

    def expire(self, step: Step) -> Commit:
        """Withdraws a photo whose rights have ended; comes again at their end if that was moved."""
        site, asset = self._read(step)

        def commit(conn: Connection) -> Finish:
            now = asset
            if asset.withdrawn_at is None and expiring.is_past(conn, asset):
                now = withdrawing.withdraw(conn, site.site, asset, withdrawing.EXPIRED)
            if now.withdrawn_at is None:
                now = assets.lock(conn, asset.id)
            ahead = None if now.withdrawn_at else expiring.ends(now.rights)
            return Finish({"withdrawn": now.withdrawn_at is not None}, again_at=ahead)

        return commit

    def _read(self, step: Step) -> tuple[SiteRow, Asset]:
        with statement(self._runtime.engine) as conn:
            site, asset = sites.get(conn, step.site), assets.find(conn, step.input["asset"])
        assert asset is not None, "asset rows are never deleted"
        return site, asset

    def _urge(self, conn: Connection, site: SiteRow, asset: Asset, result: dict[str, list[str]]) -> Finish:
        withdrawing.urge(conn, site.site, asset.id)
        return Finish(result, again_at=deletion.later(conn, LOOK_AGAIN))

    def _done(self, asset: Asset, keys: Sequence[str]) -> Commit:
        killed = withdrawing.cause(asset) == "kill"
        if killed:
            self._runtime.originals.delete(asset.original_key)

        def commit(conn: Connection) -> Finish:
            now = assets.lock(conn, asset.id)
            result = {"keys": list(keys), "waits_for": []}
            if withdrawing.cause(now) != withdrawing.cause(asset):  # expired, and killed since
                return Finish(result, again_at=deletion.later(conn, 0.0))
            objects.deleted(conn, keys)
            withdrawing.done(conn, asset.id)
            return Finish(result)

        return commit
