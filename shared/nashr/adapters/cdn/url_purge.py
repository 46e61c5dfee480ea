"""Any cache that takes PURGE for a URL, one request each: nginx, Squid, Varnish with rules of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from nashr.adapters.cdn import http
from nashr.adapters.cdn.embedded import PURGE_HEADER
from nashr.domain.purging import Limits
from nashr.ports import CdnRefused, Fetched

NOT_CACHED: Final = (404, 412)  # Squid and nginx: there was no copy


class UrlPurgeCdn:
    """nashr.ports.Cdn over ``PURGE <url>``: at ``edge_url`` under the site's Host, or at the URL itself."""

    limits = Limits(urls=1, both_names=True)

    def __init__(self, edge_url: str, secret: str) -> None:
        self._address = edge_url.rstrip("/")
        self.vantage = self._address or "direct"
        self._headers = {PURGE_HEADER: secret} if secret else {}
        self._client = http.client()
        self._vendor = http.Vendor(
            self._client, "the edge", named="NASHR_CDN, NASHR_EDGE_URL and NASHR_PURGE_SECRET"
        )

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:  # noqa: ARG002
        """Drops each URL's copy; that there was none is fine."""
        if tags:
            raise CdnRefused("this edge has no tags: set NASHR_CDN to varnish, or NASHR_CDN_TAGS to 0")
        for url in urls:
            target = httpx.URL(url)
            address = f"{self._address}{target.raw_path.decode()}" if self._address else url
            headers = {**self._headers, "Host": target.netloc.decode()}
            self._vendor.ask("PURGE", address, headers=headers, fine=(200, 202, 204, *NOT_CACHED))

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url, through=self._address)

    def close(self) -> None:
        self._client.close()
