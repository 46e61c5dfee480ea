"""The embedded edge: PURGE with a JSON list of URLs and tags. One process, which stores no old fetch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from nashr.adapters.cdn import http
from nashr.domain.purging import Limits
from nashr.ports import CdnUnavailable, Fetched

PURGE_HEADER: Final = "Nashr-Purge-Secret"


class EmbeddedCdn:
    """nashr.ports.Cdn over an edge that takes PURGE with a JSON body, such as the embedded one.

    ``edge_url`` is the edge's own address; the sites behind it are told apart by the Host header.
    """

    limits = Limits(urls=500, tags=500, outside=False)

    def __init__(self, edge_url: str, secret: str) -> None:
        self.vantage = edge_url.rstrip("/")
        self._headers = {PURGE_HEADER: secret}
        self._client = http.client()

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:  # noqa: ARG002
        """Drops the copies of absolute ``urls`` and of whatever carries one of ``tags``, never softly."""
        if not urls and not tags:
            return
        batch = {"urls": list(urls), "tags": list(tags)}
        try:
            answer = self._client.request("PURGE", f"{self.vantage}/", json=batch, headers=self._headers)
        except httpx.HTTPError as error:
            raise CdnUnavailable(f"PURGE at {self.vantage}: {error!r}") from error
        if answer.status_code == 403:
            raise CdnUnavailable(f"PURGE at {self.vantage}: 403, check NASHR_PURGE_SECRET on both sides")
        if answer.status_code != 200:
            raise CdnUnavailable(f"PURGE at {self.vantage}: {answer.status_code} {answer.text[:200]}")

    def fetch(self, url: str) -> Fetched:
        """Gets ``url`` from the edge's address under the Host of ``url``; follows no redirect."""
        return http.fetch(self._client, url, through=self.vantage)

    def close(self) -> None:
        self._client.close()
