"""Fastly: surrogate keys in batches, or single URLs. https://www.fastly.com/documentation/reference/api/purging/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from nashr.adapters.cdn import http
from nashr.domain.purging import Limits
from nashr.ports import Fetched

API: Final = "https://api.fastly.com"
MOST_KEYS: Final = 256


class FastlyCdn:
    """nashr.ports.Cdn over one Fastly service. ``rate``: requests a second, 0 for no limit of ours."""

    vantage = "fastly"

    def __init__(self, *, service: str, token: str, by_tag: bool, rate: float = 0.0, api: str = "") -> None:
        self.limits = Limits(urls=1, tags=MOST_KEYS if by_tag else 0, soft=True, rate=rate, burst=20)
        self._api = (api or API).rstrip("/")
        self._service = service
        self._headers = {"Fastly-Key": token, "Accept": "application/json"}
        self._client = http.client()
        self._vendor = http.Vendor(self._client, "Fastly", named="NASHR_CDN_TOKEN and NASHR_CDN_ID")

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        """Purges keys in one request and URLs one by one; ``soft`` marks as stale."""
        headers = {**self._headers, "Fastly-Soft-Purge": "1"} if soft else self._headers
        if tags:
            keys = {"surrogate_keys": list(tags)}
            address = f"{self._api}/service/{self._service}/purge"
            self._vendor.ask("POST", address, headers=headers, json=keys)
        for url in urls:
            target = httpx.URL(url)
            address = f"{self._api}/purge/{target.netloc.decode()}{target.raw_path.decode()}"
            self._vendor.ask("POST", address, headers=headers)

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url)

    def close(self) -> None:
        self._client.close()
