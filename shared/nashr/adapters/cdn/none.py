"""No edge that could be purged: pages expire by themselves, after a minute."""

from __future__ import annotations

from collections.abc import Sequence

from nashr.adapters.cdn import http
from nashr.domain.purging import Limits
from nashr.ports import Fetched


class NullCdn:
    """nashr.ports.Cdn where nothing is purged; receipts ask the site itself."""

    vantage = "direct"
    limits = Limits(urls=1_000_000, outside=False, purges=False)

    def __init__(self) -> None:
        self._client = http.client()

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        """Does nothing."""

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url)

    def close(self) -> None:
        self._client.close()
