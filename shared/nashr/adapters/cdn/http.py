"""HTTP as the adapters of edges speak it: a client, errors in the two families, a reader's fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from nashr.ports import CdnBusy, CdnRefused, CdnUnavailable, Fetched

TIMEOUTS: Final = httpx.Timeout(10.0, connect=2.0)
_LIMITS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=20.0)
_BUSY_SECONDS: Final = 5.0  # where an edge says 429 and not for how long
_LONGEST: Final = 300.0


def client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUTS, limits=_LIMITS, follow_redirects=False, trust_env=False)


def fetch(http: httpx.Client, url: str, *, through: str = "") -> Fetched:
    """Gets ``url`` as a reader: from its own host, or from the address ``through`` under that Host.

    Follows no redirect. Raises CdnUnavailable.
    """
    target = httpx.URL(url)
    host = target.netloc.decode()
    address = f"{through}{target.raw_path.decode()}" if through else str(target)
    try:
        answer = http.get(address, headers={"Host": host, "Accept-Encoding": "identity"})
    except httpx.HTTPError as error:
        raise CdnUnavailable(f"GET {address} for {host}: {error!r}") from error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Fetched(answer.status_code, headers, answer.content)


class Vendor:
    """Requests to an edge's purge address; ``named`` says for 401, 403, 404 which settings to look at."""

    def __init__(self, http: httpx.Client, name: str, *, named: str) -> None:
        self._http = http
        self._name = name
        self._named = named

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        json: Any = None,
        fine: Sequence[int] = (200,),
    ) -> httpx.Response:
        """The answer, if its status is ``fine``. Raises CdnUnavailable, CdnBusy or CdnRefused."""
        try:
            answer = self._http.request(method, url, headers=headers, json=json)
        except httpx.HTTPError as error:
            raise CdnUnavailable(f"{self._name}: {method} {url}: {error!r}") from error
        if answer.status_code in fine:
            return answer
        raise self.sorted_error(answer.status_code, said(answer), answer.headers)

    def sorted_error(self, status: int, message: str, headers: Mapping[str, str]) -> Exception:
        """The error that an answer stands for, with the vendor's own words in it."""
        text = f"{self._name} answered {status}: {message}"
        if status == 429:
            return CdnBusy(text, seconds=_seconds(headers.get("retry-after", "")))
        if status >= 500 or status == 408:
            return CdnUnavailable(text)
        return CdnRefused(f"{text}: check {self._named}")


def said(answer: httpx.Response) -> str:
    """The vendor's words, short: those of its errors where it sends JSON, else the body."""
    try:
        found = answer.json()
    except ValueError:
        return answer.text[:200].strip()
    if isinstance(found, dict) and isinstance(errors := found.get("errors"), list) and errors:
        return "; ".join(str(item.get("message", item)) for item in errors if isinstance(item, dict))[:300]
    if isinstance(found, dict):
        return " ".join(str(found[name]) for name in ("msg", "detail") if found.get(name))[:300]
    return answer.text[:200]


def _seconds(retry_after: str) -> float:
    """Retry-After in seconds; a date or nothing counts as a few."""
    try:
        return min(_LONGEST, max(0.5, float(retry_after)))
    except ValueError:
        return _BUSY_SECONDS
