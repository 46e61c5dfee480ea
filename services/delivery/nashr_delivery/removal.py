"""The end of a takedown: the article's files leave the store, twice, before anyone calls it done."""

from __future__ import annotations

from collections.abc import Sequence

from nashr.bootstrap import Runtime
from nashr.runtime.worker import Commit, Finish
from nashr.store import erasing, golive, objects, publishing, sites
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_delivery import deletion


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
        if found.detail.get("erase"):
            self._delete_originals(step)

        def commit(conn: Connection) -> Finish:
            erasing.void_work(conn, step.site, step.input["article"])
            if found.detail.get("erase"):
                erasing.erase(conn, step.site, step.input["article"])
            objects.deleted(conn, keys)
            golive.removal_live(conn, found.id, {"deleted": len(keys)})
            return Finish({"keys": list(keys)})

        return commit

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
        for key in originals:
            self._runtime.originals.delete(key)
