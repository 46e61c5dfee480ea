"""Files leave the store for good: deleted, seen to be gone, purged; and once more after a while.

Once more, because a worker that was frozen while it uploaded may still finish its request: the second
pass comes after every lease and every request time-out has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from nashr.bootstrap import Runtime
from nashr.domain.errors import NotYet, Retryable
from nashr.domain.purging import Purge, Rank
from nashr.domain.site import Site
from nashr.ports import CdnBusy, ObjectStore
from nashr.store.database import scalar
from sqlalchemy import Connection

REQUEST_SECONDS: Final = 12.0  # the store client's longest request: connect and read time-out


def delete(store: ObjectStore, keys: Sequence[str]) -> None:
    """Deletes keys that are marked as being deleted. Raises Retryable while one is still there."""
    for key in keys:
        store.delete(key)
    left = [key for key in keys if store.head(key) is not None]
    if left:
        raise Retryable(f"{left[0]} is still in the store")


def delete_everywhere(runtime: Runtime, site: Site, keys: Sequence[str]) -> None:
    """Deletes keys from the store and from the edge. Raises Retryable; NotYet while the edge is busy."""
    delete(runtime.site_store, keys)
    purge(runtime, urls(site, keys))


def urls(site: Site, keys: Sequence[str]) -> list[str]:
    """Where the edge serves these keys."""
    return [site.url(f"/{key.removeprefix(site.prefix)}") for key in keys]


def purge(runtime: Runtime, wanted: Sequence[str]) -> None:
    """Has the edge forget these URLs of what was removed. Raises Retryable; NotYet while the edge is busy."""
    try:
        runtime.purger.purge([Purge(url, rank=Rank.removal) for url in wanted])
    except CdnBusy as busy:
        raise NotYet(str(busy), seconds=max(1.5, busy.seconds)) from busy


def second_pass(runtime: Runtime, conn: Connection) -> datetime:
    """When whatever was under way during the first pass has ended, on the database's clock."""
    return later(conn, runtime.settings.lease_seconds + REQUEST_SECONDS)


def later(conn: Connection, seconds: float) -> datetime:
    """That many seconds from now, on the database's clock."""
    at: datetime = scalar(conn, "SELECT clock_timestamp() + make_interval(secs => :seconds)", seconds=seconds)
    return at
