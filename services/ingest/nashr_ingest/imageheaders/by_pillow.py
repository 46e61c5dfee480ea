"""TIFF directories by Pillow's own reader, AVIF boxes by libavif: both parse, neither decodes."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any, BinaryIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nashr_ingest.imageheaders.base import (
    MAX_PARTS,
    ORIENTATION,
    BrokenFile,
    Header,
    RawPhoto,
    exactly,
    exif_orientation,
    number,
    upright,
)


def tiff(file: BinaryIO, size: int) -> Header:
    """Size of the first page, pages, and whether its picture data lies inside the file."""
    try:
        return _pages(file, size)
    except (BrokenFile, RawPhoto):
        raise
    except Exception as error:  # Pillow's TIFF reader raises, or warns, whatever the bytes lead it to.
        raise BrokenFile("its TIFF directory is not valid") from error


def _pages(file: BinaryIO, size: int) -> Header:
    file.seek(0)
    head = exactly(file, 8)
    if head[2:4] in {b"+\0", b"\0+"}:
        head += exactly(file, 8)
    directory: Any = ImageFileDirectory_v2(head)
    first: Header | None = None
    seen: set[int] = set()
    while directory.next and directory.next not in seen and len(seen) < MAX_PARTS:
        seen.add(directory.next)
        if directory.next >= size:
            raise BrokenFile("it is cut off: a directory lies behind its end")
        file.seek(directory.next)
        directory.load(file)
        first = first or _page(directory, size)
    if first is None:
        raise BrokenFile("it holds no picture")
    return replace(first, frames=len(seen))


def _page(tags: Any, size: int) -> Header:
    if 50706 in tags or number(tags.get(254)) & 1:
        raise RawPhoto
    starts = _numbers(tags, 273) or _numbers(tags, 324)
    lengths = _numbers(tags, 279) or _numbers(tags, 325)
    if not starts:
        raise BrokenFile("its first page holds no picture data")
    if any(start + length > size for start, length in zip(starts, lengths, strict=False)):
        raise BrokenFile("it is cut off: picture data lies behind its end")
    orientation = upright(number(tags.get(ORIENTATION)))
    return Header(number(tags.get(256)), number(tags.get(257)), orientation=orientation)


def _numbers(tags: Any, tag: int) -> tuple[int, ...]:
    value = tags.get(tag)
    return value if isinstance(value, tuple) else (number(value),) if value is not None else ()


def avif(file: BinaryIO, size: int) -> Header:
    position = 0
    while position < size:
        file.seek(position)
        length, start = struct.unpack(">I", exactly(file, 4))[0], 8
        exactly(file, 4)
        if length == 1:
            length, start = struct.unpack(">Q", exactly(file, 8))[0], 16
        if length == 0:
            break
        if length < start or position + length > size:
            raise BrokenFile("it is cut off: a box reaches beyond its end")
        position += length
    file.seek(0)
    try:
        image = AvifImageFile(file)
    except Exception as error:  # libavif's and Pillow's errors have no common family.
        raise BrokenFile("its AVIF header is not valid") from error
    exif = image.info.get("exif", b"")
    return Header(*image.size, frames=image.n_frames, orientation=exif_orientation(exif) if exif else 1)
