"""Conditional writes on a store that ignores conditions: one process writes, one object at a time.

What the store does not compare is compared here, which is sound only while nobody else writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import BinaryIO

from nashr.adapters.s3 import S3ObjectStore
from nashr.adapters.s3probe import Mode, probe
from nashr.domain.errors import Retryable
from nashr.ports import Entry, StoreConflict, Stored, StoreUnavailable
from nashr.store.writerlock import WriterLock


class OneWriter:
    """nashr.ports.ObjectStore over ``store``: passes everything on where the store keeps to conditions.

    ``mode``: what to go by; None asks the store once (s3probe.probe), which decides for this process.
    """

    def __init__(self, store: S3ObjectStore, lock: WriterLock, *, mode: Mode | None = None) -> None:
        self._store = store
        self._lock = lock
        self._turn = Lock()
        self._mode = mode

    def ask(self) -> None:
        """Asks the store what it keeps to, so that no page waits for the answer."""
        with suppress(Retryable), self._turn:
            self._decided()

    def head(self, key: str) -> Stored | None:
        return self._store.head(key)

    def get(self, key: str) -> bytes | None:
        return self._store.get(key)

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
        """As the store's own; StoreUnavailable also while another process is the writer."""
        if self._mode is not Mode.COMPARE_AND_SWAP and (if_match is not None or if_none_match):
            with self._turn:
                if self._decided() is Mode.SINGLE_WRITER:
                    self._compare(key, if_match=if_match)
                    return self._store.put(
                        key, body, content_type=content_type, cache_control=cache_control, metadata=metadata
                    )
        return self._store.put(
            key, body, content_type=content_type, cache_control=cache_control, metadata=metadata,
            if_match=if_match, if_none_match=if_none_match,
        )  # fmt: skip

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self._store.keys(prefix)

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        return self._store.entries(prefix)

    def _decided(self) -> Mode:
        if self._mode is None:
            self._mode = probe(self._store).mode
        return self._mode

    def _compare(self, key: str, *, if_match: str | None) -> None:
        if not self._lock.held():
            raise StoreUnavailable(
                f"PUT {key}: this store does not keep to conditions, and another process is its one writer: "
                "run one delivery worker only"
            )
        found = self._store.head(key)
        if (found.etag if found else None) != if_match:
            raise StoreConflict(f"PUT {key}: the object is another one by now")
