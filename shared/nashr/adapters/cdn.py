"""The edge in front of the site bucket: purged over HTTP, and read through as a reader would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from nashr.ports import CdnUnavailable, Fetched

PURGE_HEADER: Final = "Nashr-Purge-Secret"
_BATCH: Final = 500
_TIMEOUTS: Final = httpx.Timeout(10.0, connect=2.0)
_LIMITS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=20.0)


class HttpPurgeCdn:
    """nashr.ports.Cdn over an edge that takes PURGE with a JSON body, such as the embedded one.

    ``edge_url`` is the edge's own address; the sites behind it are told apart by the Host header.
    """

    def __init__(self, edge_url: str, secret: str) -> None:
        self.vantage = edge_url.rstrip("/")
        self._headers = {PURGE_HEADER: secret}
        self._client = _client()

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = ()) -> None:
        """Drops the copies of absolute ``urls`` and of whatever carries one of ``tags``."""
        batches = [urls[start : start + _BATCH] for start in range(0, len(urls), _BATCH)]
        for batch in batches or [()]:
            self._purge(batch, tags=tags)
            tags = ()

    def _purge(self, urls: Sequence[str], *, tags: Sequence[str]) -> None:
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
        target = httpx.URL(url)
        return _fetch(self._client, f"{self.vantage}{target.raw_path.decode()}", host=target.netloc.decode())

    def close(self) -> None:
        self._client.close()


class NullCdn:
    """nashr.ports.Cdn where no cache stands in front: nothing to purge, receipts ask the site itself."""

    vantage = "direct"

    def __init__(self) -> None:
        self._client = _client()

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = ()) -> None:
        """Does nothing: no copy exists."""

    def fetch(self, url: str) -> Fetched:
        target = httpx.URL(url)
        return _fetch(self._client, str(target), host=target.netloc.decode())

    def close(self) -> None:
        self._client.close()


def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUTS, limits=_LIMITS, follow_redirects=False, trust_env=False)


def _fetch(client: httpx.Client, url: str, *, host: str) -> Fetched:
    try:
        answer = client.get(url, headers={"Host": host, "Accept-Encoding": "identity"})
    except httpx.HTTPError as error:
        raise CdnUnavailable(f"GET {url} for {host}: {error!r}") from error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Fetched(answer.status_code, headers, answer.content)
