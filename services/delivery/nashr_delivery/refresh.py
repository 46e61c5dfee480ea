"""The refresh step: wants, batch by batch, every page that shows a site's look or an author's name."""

from __future__ import annotations

from nashr.bootstrap import Runtime
from nashr.runtime.worker import Commit, Finish
from nashr.store import refreshing, sites
from nashr.store.queue import Step
from sqlalchemy import Connection


class Refresh:
    """Handler of the refresh step."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def refresh(self, step: Step) -> Commit:
        """One batch; the step is due again at once while there is more."""

        def commit(conn: Connection) -> Finish:
            site = sites.get(conn, step.site).site
            batch = refreshing.step(conn, site, step.input, step.result)
            return Finish(dict(batch.result), again_at=batch.again_at)

        return commit
