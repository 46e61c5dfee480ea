"""What a store really does, found out by writing to it: the one place that decides how pages may be written.

Delivery asks at its start, ``nashr migrate`` warns by it, ``nashr storage check`` prints it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

from botocore.exceptions import ClientError

from nashr.adapters.s3 import S3ObjectStore, StoreRefused, translated
from nashr.ports import StoreConflict, StoreUnavailable

OURS: Final = "_nashr/"
"""Probes write below this prefix only, which no page and no file of a site has."""

_RACERS: Final = 8
_WRONG_ETAG: Final = f'"{"0" * 32}"'
_TEXT: Final = "text/plain"


class Mode(StrEnum):
    """Who may write pages. SINGLE_WRITER: one process, which compares by itself what the store does not."""

    COMPARE_AND_SWAP = "compare-and-swap"
    SINGLE_WRITER = "single-writer"


class Kept(StrEnum):
    """What became of a condition that was not met."""

    KEPT = "kept"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True)
class Capabilities:
    """What a store does. ``race``: of writers at once one wins; tried where conditions are kept at all."""

    if_none_match: Kept
    if_match: Kept
    race: bool
    metadata: bool
    checksums: bool

    @property
    def mode(self) -> Mode:
        """The verdict: several delivery workers may write at once, or one only."""
        conditions = self.if_none_match is Kept.KEPT and self.if_match is Kept.KEPT
        return Mode.COMPARE_AND_SWAP if conditions and self.race else Mode.SINGLE_WRITER


def probe(store: S3ObjectStore) -> Capabilities:
    """Writes, overwrites and removes keys of its own to learn what the store keeps to.

    Raises StoreUnavailable when the store cannot be asked.
    """
    key = f"{OURS}probe-{uuid4().hex}"
    try:
        return _probed(store, key)
    finally:
        store.delete(f"{key}-race")
        store.delete(key)


def _probed(store: S3ObjectStore, key: str) -> Capabilities:
    store.put(key, b"1", content_type=_TEXT, metadata={"probe": "kept"})
    found = store.head(key)
    creates = _condition(store, key, if_none_match=True)
    replaces = _if_match(store, key)
    both = creates is Kept.KEPT and replaces is Kept.KEPT
    return Capabilities(
        metadata=found is not None and found.metadata.get("probe") == "kept",
        if_none_match=creates,
        if_match=replaces,
        race=both and _holds_in_a_race(store, f"{key}-race"),
        checksums=_verifies_checksums(store, key),
    )


def _if_match(store: S3ObjectStore, key: str) -> Kept:
    """Of a wrong ETag, and of any ETag where nothing lies; the right one has to be taken."""
    stale = _condition(store, key, if_match=_WRONG_ETAG)
    if stale is not Kept.KEPT:
        return stale
    found = store.head(key)
    if found is None or _condition(store, key, if_match=found.etag) is not Kept.IGNORED:
        return Kept.REFUSED
    store.delete(key)
    return _condition(store, key, if_match=found.etag)


def _condition(store: S3ObjectStore, key: str, **condition: Any) -> Kept:
    """IGNORED is also what a condition gives that is met: the PUT was taken."""
    try:
        store.put(key, b"1", content_type=_TEXT, **condition)
    except StoreConflict:
        return Kept.KEPT
    except StoreRefused:
        return Kept.REFUSED
    return Kept.IGNORED


def _holds_in_a_race(store: S3ObjectStore, key: str) -> bool:
    """At most one of several creators wins, and at most one of several that replace the same version."""

    def wins(write: Callable[[int], str]) -> int:
        def won(number: int) -> bool:
            try:
                write(number)
            except (StoreConflict, StoreUnavailable):
                return False
            return True

        return sum(pool.map(won, range(_RACERS)))

    def create(number: int) -> str:
        return store.put(key, str(number).encode(), content_type=_TEXT, if_none_match=True)

    with ThreadPoolExecutor(_RACERS) as pool:
        if wins(create) > 1:
            return False
        base = store.put(key, b"base", content_type=_TEXT)

        def replace(number: int) -> str:
            return store.put(key, str(number).encode(), content_type=_TEXT, if_match=base)

        return wins(replace) <= 1


def _verifies_checksums(store: S3ObjectStore, key: str) -> bool:
    """A right CRC32 of b"1" is taken and a wrong one refused."""
    right = b64encode(crc32(b"1").to_bytes(4, "big")).decode()
    return takes_checksum(store, key, right) and not takes_checksum(store, key, "AAAAAA==")


def takes_checksum(store: S3ObjectStore, key: str, checksum: str) -> bool:
    """Whether b"1" is stored at ``key`` with this CRC32. Raises StoreUnavailable."""
    with translated(f"PUT {store.bucket}/{key}"):
        try:
            store.client.put_object(Bucket=store.bucket, Key=key, Body=b"1", ChecksumCRC32=checksum)
        except ClientError:
            return False
    return True
