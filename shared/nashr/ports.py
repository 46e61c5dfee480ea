"""What has two implementations: an object store, a CDN. Errors are nashr.domain.errors' families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from nashr.domain.errors import Permanent, Unavailable
from nashr.domain.purging import Limits


class StoreConflict(Exception):
    """A conditional write met another state than it asked for (HTTP 412, 409, or 404 on If-Match)."""


class StoreUnavailable(Unavailable):
    """The store did not answer, or answered 5xx: whether a write took effect is unknown."""


class CdnUnavailable(Unavailable):
    """The edge did not answer, or cannot take the purge now."""


class CdnBusy(CdnUnavailable):
    """The edge takes no more requests for ``seconds``."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class CdnRefused(Permanent):
    """The edge will never take this: a setting is wrong, and the message names it."""


@dataclass(frozen=True)
class Stored:
    """An object as HEAD shows it; metadata keys are lower case."""

    etag: str
    bytes: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    cache_control: str = ""


@dataclass(frozen=True)
class Entry:
    """An object as a listing shows it; its ETag is left to HEAD, since not every listing tells the same."""

    key: str
    bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """One bucket."""

    def head(self, key: str) -> Stored | None:
        """What lies at ``key``, or None."""

    def get(self, key: str) -> bytes | None:
        """The body at ``key``, or None."""

    def put(
        self,
        key: str,
        body: bytes | BinaryIO,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> str:
        """Stores and returns the ETag. Raises StoreConflict or StoreUnavailable."""

    def delete(self, key: str) -> None:
        """Removes ``key``; an absent key is success."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key below ``prefix``."""

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Every object below ``prefix``, as many in memory as one answer of the store holds."""


@dataclass(frozen=True)
class Fetched:
    """What a reader gets through the edge: status, lower-case headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cdn(Protocol):
    """The edge in front of the site bucket."""

    vantage: str
    limits: Limits

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        """Drops cached copies in one request within ``limits``; ``soft``: marks them as stale where it can.

        Raises CdnUnavailable, CdnBusy or CdnRefused.
        """

    def fetch(self, url: str) -> Fetched:
        """Gets a URL of a site as a reader would, through the edge. Raises CdnUnavailable."""

    def close(self) -> None:
        """Lets go of its connections."""


class Ledger(Protocol):
    """What paid purges have used of this month's budget."""

    def spent(self) -> int:
        """Items since the month began."""

    def spend(self, items: int) -> None:
        """Adds to it, for good. Raises Retryable."""
