"""Purges as the rest of nashr asks for them: planned, within the edge's rate and the month's budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from nashr.adapters.cdn.rate import Bucket
from nashr.domain.purging import Batch, Limits, Purge, plan
from nashr.observability import tracing
from nashr.observability.logs import logger
from nashr.ports import Cdn, CdnBusy, Fetched, Ledger


class Purger:
    """Sends plans to ``cdn``. ``budget``: items a month where the edge charges, kept in ``ledger``."""

    def __init__(
        self,
        cdn: Cdn,
        *,
        ledger: Ledger | None = None,
        budget: int = 0,
        soft: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cdn = cdn
        self._ledger = ledger if cdn.limits.charged else None
        self._budget = budget
        self._soft = soft
        self._bucket = Bucket(rate=cdn.limits.rate, burst=cdn.limits.burst, clock=clock)

    @property
    def limits(self) -> Limits:
        return self._cdn.limits

    @property
    def vantage(self) -> str:
        return self._cdn.vantage

    def purge(self, wanted: Sequence[Purge]) -> tuple[str, ...]:
        """Purges, and returns the URLs that were left to expire. Raises as Cdn.purge does.

        What went before an error goes again with the next try: purging twice does no harm.
        """
        left = self._budget - self._ledger.spent() if self._ledger else None
        planned = plan(wanted, limits=self.limits, left=left, soft=self._soft)
        for batch in planned.batches:
            self._send(batch)
        if planned.left_out:
            logger().info("purge.left_out", urls=list(planned.left_out), budget_left=left)
        return planned.left_out

    def _send(self, batch: Batch) -> None:
        seconds = self._bucket.take()
        if seconds:
            raise CdnBusy("the edge's rate of purges is used up", seconds=seconds)
        if self._ledger:
            self._ledger.spend(batch.items)  # first: what may have been sent has been paid
        try:
            with tracing.span("edge.purge", kind="client", urls=len(batch.urls), tags=len(batch.tags)):
                self._cdn.purge(urls=batch.urls, tags=batch.tags, soft=batch.soft)
        except CdnBusy:
            self._bucket.empty()
            raise

    def fetch(self, url: str) -> Fetched:
        """As Cdn.fetch."""
        with tracing.span("edge.fetch", kind="client", url=url):
            return self._cdn.fetch(url)
