"""The three texts that EXIF has for us: a walk of the first TIFF directory, and of nothing it points to."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from nashr_images.metadata.encodings import decoded

ARTIST: Final = 0x013B
COPYRIGHT: Final = 0x8298
HEADER: Final = b"Exif\0\0"
_FIELDS: Final = {0x010E: "caption", ARTIST: "creator", COPYRIGHT: "holder"}
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_TEXTS: Final = frozenset({2, 129})
"""Types of tags that hold text: ASCII, and UTF-8 since EXIF 3.0."""
_MOST: Final = 1_000


def read(data: bytes) -> dict[str, str]:
    """The fields that are there. Both halves of Copyright, photographer's and editor's, make the holder."""
    try:
        return {name: _text(value) for name, value in _entries(data.removeprefix(HEADER))}
    except struct.error:
        return {}


def _text(value: bytes) -> str:
    halves = [decoded(half).strip() for half in value.split(b"\0", 2)[:2]]
    return ", ".join(half for half in halves if half)


def _entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Field and content of each known tag whose content lies inside ``data``; no other offset is followed."""
    order = _ORDERS.get(data[:4])
    if order is None:
        return
    (directory,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, directory)
    for number in range(min(count, _MOST)):
        at = directory + 2 + 12 * number
        tag, kind, length, start = struct.unpack_from(f"{order}HHII", data, at)
        if tag not in _FIELDS or kind not in _TEXTS:
            continue
        start = start if length > 4 else at + 8
        if start + length <= len(data):
            yield _FIELDS[tag], data[start : start + length]
