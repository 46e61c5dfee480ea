"""Conditional writes on a store that ignores conditions: one process writes, one object at a time.

What the store does not compare is compared here, which is sound only while nobody else writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import BinaryIO, Final

from nashr.adapters.s3 import S3ObjectStore
from nashr.adapters.s3probe import Mode
from nashr.domain.errors import Retryable
from nashr.ports import Entry, StoreConflict, Stored, StoreUnavailable
from nashr.store.writerlock import WriterLock

LOOK_AGAIN: Final = 60.0  # seconds


class OneWriter:
    """nashr.ports.ObjectStore over ``store``: passes everything on where the store keeps to conditions.

    ``mode`` gives the verdict on the store (s3verdict.current), looked at every LOOK_AGAIN seconds at most.
    """

    def __init__(
        self,
        store: S3ObjectStore,
        lock: WriterLock,
        *,
        mode: Callable[[], Mode],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lock = lock
        self._ask_mode = mode
        self._clock = clock
        self._turn = Lock()
        self._asking = Lock()
        self._mode: Mode | None = None
        self._looked_at = 0.0

    def ask(self) -> None:
        """Asks for the verdict, so that no page waits for the answer."""
        with suppress(Retryable):
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
        conditional = if_match is not None or if_none_match
        if conditional and self._decided() is Mode.SINGLE_WRITER:
            with self._turn:
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
        """The verdict. What was known counts on while nobody can be asked."""
        if not self._is_fresh():
            with self._asking:
                if not self._is_fresh():
                    self._look()
        assert self._mode is not None
        return self._mode

    def _look(self) -> None:
        try:
            self._mode = self._ask_mode()
        except Retryable:
            if self._mode is None:
                raise
        self._looked_at = self._clock()

    def _is_fresh(self) -> bool:
        return self._mode is not None and self._clock() - self._looked_at < LOOK_AGAIN

    def _compare(self, key: str, *, if_match: str | None) -> None:
        if not self._lock.held():
            raise StoreUnavailable(
                f"PUT {key}: this store does not keep to conditions, and another process is its one writer: "
                "run one delivery worker only"
            )
        found = self._store.head(key)
        if (found.etag if found else None) != if_match:
            raise StoreConflict(f"PUT {key}: the object is another one by now")
