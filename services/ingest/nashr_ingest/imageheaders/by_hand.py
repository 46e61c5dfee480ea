"""JPEG, PNG, WebP and GIF, walked by hand: one pass gives size, frames and the end of the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from nashr_ingest.imageheaders.base import MAX_PARTS, BrokenFile, Header, exactly, exif_orientation

_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_NO_FRAME: Final = frozenset({0xC4, 0xC8, 0xCC})


def jpeg(file: BinaryIO, size: int) -> Header:  # noqa: ARG001
    header, orientation = None, 1
    for marker, payload in _jpeg_segments(file):
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">xHH", payload)
            header = Header(width, height)
        elif marker == 0xE1 and payload.startswith(b"Exif\0\0"):
            orientation = exif_orientation(payload)
    if header is None:
        raise BrokenFile("it has no frame header before its picture data")
    if not _holds(file, b"\xff\xd9"):
        raise BrokenFile("it is cut off: its picture data has no end marker")
    return replace(header, orientation=orientation)


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and payload up to the first scan; leaves the file where the scan begins."""
    file.seek(2)
    for _ in range(MAX_PARTS):
        marker = _next_marker(file)
        if marker in _STANDALONE:
            continue
        if marker == 0xD9:
            break
        (length,) = struct.unpack(">H", exactly(file, 2))
        yield marker, exactly(file, max(length - 2, 0))
        if marker == 0xDA:
            return
    raise BrokenFile("it has no picture data")


def _next_marker(file: BinaryIO) -> int:
    """The next marker; fill bytes and stray bytes before it are stepped over, as libjpeg does."""
    last = 0
    for _ in range(MAX_PARTS):
        byte = exactly(file, 1)[0]
        if last == 0xFF and byte not in {0, 0xFF}:
            return byte
        last = byte
    raise BrokenFile("it has no picture data")


def _holds(file: BinaryIO, mark: bytes) -> bool:
    """Whether ``mark`` stands anywhere from here to the end. Trailers of phones may follow it."""
    last = b""
    while chunk := file.read(1 << 20):
        if mark in last + chunk:
            return True
        last = chunk[-1:]
    return False


def png(file: BinaryIO, size: int) -> Header:
    header, data = None, False
    file.seek(8)
    for kind, length, start in _chunks(file, size, order=">", name_first=False):
        if header is None and kind != b"IHDR":
            raise BrokenFile("its first chunk is not the image header")
        if kind == b"IHDR":
            header = Header(*struct.unpack(">II", exactly(file, 8)))
        elif header and kind == b"acTL":
            (frames,) = struct.unpack(">I", exactly(file, 4))
            header = replace(header, frames=frames)
        elif header and kind == b"eXIf":
            header = replace(header, orientation=exif_orientation(exactly(file, length)))
        data = data or kind == b"IDAT"
        if header and kind == b"IEND":
            if not data:
                raise BrokenFile("it has no picture data")
            return header
        file.seek(start + length + 4)
    raise BrokenFile("it is cut off: its end chunk is missing")


def webp(file: BinaryIO, size: int) -> Header:
    file.seek(4)
    (length,) = struct.unpack("<I", exactly(file, 4))
    if length + 8 > size:
        raise BrokenFile(f"it is cut off: {size} bytes of {length + 8} are here")
    header, frames, orientation = None, 0, 1
    file.seek(12)
    for kind, length, start in _chunks(file, size, order="<", name_first=True):
        if header is None:
            header = _webp_size(kind, exactly(file, min(length, 10)))
        if kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF":
            orientation = exif_orientation(exactly(file, length))
        file.seek(start + length + length % 2)
    if header is None:
        raise BrokenFile("it holds no picture")
    return replace(header, frames=max(frames, 1), orientation=orientation)


def _webp_size(kind: bytes, head: bytes) -> Header:
    if kind == b"VP8X":
        return Header(1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little"))
    if kind == b"VP8L" and head[:1] == b"\x2f":
        bits = int.from_bytes(head[1:5], "little")
        return Header(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 6)
        return Header(width & 0x3FFF, height & 0x3FFF)
    raise BrokenFile("its first chunk is not a picture")


def _chunks(file: BinaryIO, size: int, *, order: str, name_first: bool) -> Iterator[tuple[bytes, int, int]]:
    """Name, length and start of each chunk of a PNG or RIFF file; the caller seeks to the next."""
    for _ in range(MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        name, number = (head[:4], head[4:]) if name_first else (head[4:], head[:4])
        (length,) = struct.unpack(f"{order}I", number)
        start = file.tell()
        if start + length > size:
            raise BrokenFile(f"it is cut off in its {name.decode('latin-1')!r} chunk")
        yield name, length, start
    raise BrokenFile("it is cut into more chunks than any photo is")


def gif(file: BinaryIO, size: int) -> Header:  # noqa: ARG001
    file.seek(6)
    width, height, flags = struct.unpack("<HHBxx", exactly(file, 7))
    _skip_palette(file, flags)
    frames = parts = 0
    while (kind := exactly(file, 1)) != b";":
        if kind == b",":
            frames += 1
            _skip_palette(file, exactly(file, 9)[8])
            exactly(file, 1)
        elif kind == b"!":
            exactly(file, 1)
        else:
            raise BrokenFile("it holds a block of an unknown kind")
        parts += 1 + _skip_sub_blocks(file, MAX_PARTS - parts)
    return Header(width, height, frames)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        exactly(file, 3 << (flags & 7) + 1)


def _skip_sub_blocks(file: BinaryIO, most: int) -> int:
    for count in range(most):
        length = exactly(file, 1)[0]
        if not length:
            return count
        file.seek(length, 1)
    raise BrokenFile("it is cut into more blocks than any photo is")
