"""HEIC: the boxes of ISO/IEC 14496-12 and 23008-12 that give the primary picture's size, walked by hand."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from nashr_ingest.imageheaders.base import MAX_PARTS, BrokenFile, Header, exactly

_MOST_META: Final = 1 << 20
"""Bytes of the box that describes all pictures. A phone's with hundreds of tiles has some 10 KB."""
_MOST_EXTENTS: Final = 10_000
"""Pieces of pictures; libheif itself reads at most 1,000 pictures."""
_ON_ITS_SIDE: Final = 6


def heic(file: BinaryIO, size: int) -> Header:
    """The primary picture, as ``ispe`` announces it (of a grid its full size), cropped and turned as it says.

    EXIF does not count: in HEIC only the boxes ``irot``, ``imir`` and ``clap`` change what is shown. Further
    pictures, thumbnails and sequences of the file are not looked at.
    """
    meta = _meta(file, size)
    boxes = dict(_boxes(meta[4:]))
    for end in _ends(boxes.get(b"iloc", b"")):
        if end > size:
            raise BrokenFile("it is cut off: picture data lies behind its end")
    return _header(_properties(boxes))


def _meta(file: BinaryIO, size: int) -> bytes:
    """The content of the top-level ``meta`` box, once every top-level box is known to lie inside the file."""
    found: tuple[int, int] | None = None
    position = 0
    for _ in range(MAX_PARTS):
        if position >= size:
            break
        file.seek(position)
        length, kind, start = _head(exactly(file, min(16, size - position)), size - position)
        if kind == b"meta" and not found:
            found = position + start, length - start
        position += length
    if position < size:
        raise BrokenFile("it is cut into more boxes than any photo is")
    if found is None:
        raise BrokenFile("it has no box that describes its pictures")
    if found[1] > _MOST_META:
        raise BrokenFile("the box that describes its pictures is larger than any photo's")
    file.seek(found[0], os.SEEK_SET)
    return exactly(file, found[1])


def _head(data: bytes, room: int) -> tuple[int, bytes, int]:
    """Length of a box with its head, its kind, and where its content starts. ``room`` is what there is."""
    (length, kind), start = struct.unpack_from(">I4s", data), 8
    if length == 1:
        (length,), start = struct.unpack_from(">Q", data, 8), 16
    if length == 0:
        length = room
    if length < start or length > room:
        raise BrokenFile("it is cut off: a box reaches beyond its end")
    return length, kind, start


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        length, kind, start = _head(data[at : at + 16], len(data) - at)
        yield kind, data[at + start : at + length]
        at += length


@dataclass
class _Reader:
    """Big-endian numbers, one after the other. Raises struct.error behind the end."""

    data: bytes
    at: int = 0

    def number(self, width: int) -> int:
        """Of ``width`` bytes; no bytes are 0."""
        part = self.data[self.at : self.at + width]
        if len(part) < width:
            raise struct.error
        self.at += width
        return int.from_bytes(part, "big")


def _ends(iloc: bytes) -> Iterator[int]:
    """Where in the file each extent ends that lies in the file itself. 14496-12, 8.11.3."""
    read = _Reader(iloc)
    version, _ = read.number(1), read.number(3)
    sizes = read.number(2)
    offset_width, length_width, base_width = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_width = sizes & 15 if version else 0
    left = _MOST_EXTENTS
    for _ in range(read.number(4 if version == 2 else 2)):
        read.number(4 if version == 2 else 2)
        method = read.number(2) & 15 if version else 0
        read.number(2)
        base = read.number(base_width)
        extents = read.number(2)
        left -= extents
        if left < 0:
            raise BrokenFile("it is cut into more pieces than any photo is")
        for _ in range(extents):
            read.number(index_width)
            offset, length = read.number(offset_width), read.number(length_width)
            if method == 0:
                yield base + offset + length


def _properties(meta: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The primary picture's properties, in their order. 14496-12, 8.11.14."""
    described = dict(_boxes(meta.get(b"iprp", b"")))
    known = list(_boxes(described.get(b"ipco", b"")))
    read = _Reader(meta.get(b"pitm", b""))
    primary = read.number(2 if read.number(4) >> 24 == 0 else 4)
    numbers = _associated(_Reader(described.get(b"ipma", b"")), primary)
    return [known[number - 1] for number in numbers if 0 < number <= len(known)]


def _associated(read: _Reader, wanted: int) -> list[int]:
    """Numbers of the properties of one picture, from 1."""
    flags = read.number(4)
    version, wide = flags >> 24, flags & 1
    for _ in range(read.number(4)):
        item = read.number(2 if version < 1 else 4)
        count = read.number(1)
        if item == wanted:
            return [read.number(2) & 0x7FFF if wide else read.number(1) & 0x7F for _ in range(count)]
        read.at += count * (2 if wide else 1)
    raise BrokenFile("it does not describe its picture")


def _header(properties: list[tuple[bytes, bytes]]) -> Header:
    width = height = 0
    quarters = 0
    for kind, content in properties:
        if kind == b"ispe":
            width, height = struct.unpack_from(">4xII", content)
        elif kind == b"clap":
            width, height = _cropped(content, width, height)
        elif kind == b"irot":
            quarters += content[0] & 3
    return Header(width, height, orientation=_ON_ITS_SIDE if quarters % 2 else 1)


def _cropped(clap: bytes, width: int, height: int) -> tuple[int, int]:
    across, across_by, down, down_by = struct.unpack_from(">4I", clap)
    if not across_by or not down_by or across > width * across_by or down > height * down_by:
        raise BrokenFile("its crop is larger than its picture")
    return across // across_by, down // down_by
