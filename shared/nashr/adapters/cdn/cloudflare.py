"""Cloudflare: purge_cache by files or tags. https://developers.cloudflare.com/api/resources/cache/methods/purge/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nashr.adapters.cdn import http
from nashr.domain.purging import Limits
from nashr.ports import CdnRefused, Fetched

API: Final = "https://api.cloudflare.com/client/v4"
MOST: Final = 100
FREE_RATE, FREE_BURST = 5 / 60, 25
"""Five requests a minute, 25 after a rest: the smallest plan."""


class CloudflareCdn:
    """nashr.ports.Cdn over one Cloudflare zone. ``rate``: requests a second, 0 for the free plan's."""

    vantage = "cloudflare"

    def __init__(self, *, zone: str, token: str, by_tag: bool, rate: float = 0.0, api: str = "") -> None:
        self.limits = Limits(
            urls=MOST, tags=MOST if by_tag else 0, rate=rate or FREE_RATE, burst=FREE_BURST,
            tag_metadata="cache-tag",
        )  # fmt: skip
        self._address = f"{(api or API).rstrip('/')}/zones/{zone}/purge_cache"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = http.client()
        self._vendor = http.Vendor(self._client, "Cloudflare", named="NASHR_CDN_TOKEN and NASHR_CDN_ID")

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:  # noqa: ARG002
        """Purges files and tags, in a request each; never softly."""
        for name, items in (("files", urls), ("tags", tags)):
            if items:
                self._purge({name: list(items)})

    def _purge(self, body: dict[str, list[str]]) -> None:
        answer = self._vendor.ask("POST", self._address, headers=self._headers, json=body)
        if not answer.json().get("success"):
            raise CdnRefused(f"Cloudflare did not purge: {http.said(answer)}: check NASHR_CDN_ID")

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url)

    def close(self) -> None:
        self._client.close()
