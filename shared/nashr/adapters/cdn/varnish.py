"""Varnish with the xkey vmod and infra/edge/varnish.vcl: tags in a header, or PURGE for a URL."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from nashr.adapters.cdn import http
from nashr.adapters.cdn.embedded import PURGE_HEADER
from nashr.domain.purging import Limits
from nashr.ports import Fetched

_TAGS = 200
"""20 characters each: Varnish takes headers of 8 kB."""


class VarnishCdn:
    """nashr.ports.Cdn over a Varnish that runs our VCL at ``edge_url``; ``by_tag``: xkey is there."""

    def __init__(self, edge_url: str, secret: str, *, by_tag: bool) -> None:
        self.vantage = edge_url.rstrip("/")
        self.limits = Limits(urls=1, tags=_TAGS if by_tag else 0, soft=by_tag)
        self._headers = {PURGE_HEADER: secret}
        self._client = http.client()
        self._vendor = http.Vendor(
            self._client, "Varnish", named="NASHR_PURGE_SECRET and NASHR_EDGE_URL, here and in the VCL"
        )

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        """Drops copies; by tag also softly, by URL always hard."""
        if tags:
            name = "xkey-softpurge" if soft else "xkey-purge"
            headers = {**self._headers, name: " ".join(tags)}
            self._vendor.ask("PURGE", f"{self.vantage}/", headers=headers)
        for url in urls:
            target = httpx.URL(url)
            headers = {**self._headers, "Host": target.netloc.decode()}
            self._vendor.ask("PURGE", f"{self.vantage}{target.raw_path.decode()}", headers=headers)

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url, through=self.vantage)

    def close(self) -> None:
        self._client.close()
