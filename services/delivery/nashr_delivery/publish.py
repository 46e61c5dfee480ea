"""A page's one object: replaced by compare-and-swap, so that a late writer can never win.

The version stands in the metadata and in the body, so an ETag never repeats even when an editor
goes back to identical text.
"""

from __future__ import annotations

from hashlib import sha256

from nashr.domain.errors import Retryable
from nashr.domain.pageheaders import VERSION, sealed
from nashr.observability import metrics, tracing
from nashr.ports import ObjectStore, StoreConflict
from nashr.store.pagerows import PageRow

from nashr_delivery.core import Page

_TRIES = 5


class NewerStored(Exception):
    """The store holds a version above ours; ``version`` is that one."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the store holds version {version}")
        self.version = version


def put(store: ObjectStore, key: str, page: Page, *, row: PageRow, version: int) -> str:
    """Replaces the object at ``key`` and returns its ETag. Raises NewerStored, or Retryable.

    Every conflict is answered by reading again and deciding again: our own earlier PUT of unknown
    outcome is success, an older version is replaced, a newer one stands.
    """
    expected = row.etag
    for _ in range(_TRIES):
        try:
            with tracing.span("store.put", kind="client", key=key, version=version):
                return _put_once(store, key, page, expected=expected, version=version)
        except StoreConflict:
            metrics.STORE_CONFLICTS.add()
            found = store.head(key)
        if found is None:
            expected = None
            continue
        stored = int(found.metadata.get(VERSION, "0"))
        if stored == version:
            return found.etag
        if stored > version:
            raise NewerStored(stored)
        expected = found.etag
    raise Retryable(f"{key} changed {_TRIES} times while version {version} was to be stored")


def _put_once(store: ObjectStore, key: str, page: Page, *, expected: str | None, version: int) -> str:
    return store.put(
        key,
        page.body,
        content_type=page.content_type,
        cache_control=page.cache_control,
        metadata=sealed(page.content_type, page.cache_control, {**page.metadata, VERSION: str(version)}),
        if_match=expected,
        if_none_match=expected is None,
    )


def digest(page: Page) -> str:
    """The SHA-256 of the body as stored: what a receipt compares."""
    return sha256(page.body).hexdigest()
