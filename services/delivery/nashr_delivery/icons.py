"""The site's mark, three lines of a text on a tile in the theme's colour, as SVG, PNG and ICO."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from nashr_delivery.theme import channels

_GRID: Final = 32
_RADIUS: Final = 7
# x, y, width, height of the lines on the grid, for a script that runs from left to right
_LINES: Final = ((7, 8, 18, 4), (7, 15, 18, 3), (7, 21, 11, 3))
_SAMPLES: Final = 4


def svg(colour: str, *, mirrored: bool) -> bytes:
    lines = "".join(f'<path d="M{x} {y}h{w}v{h}h-{w}z"/>' for x, y, w, h in _lines(mirrored=mirrored))
    tile = f'<rect width="{_GRID}" height="{_GRID}" rx="{_RADIUS}" fill="{colour}"/>'
    view = f'viewBox="0 0 {_GRID} {_GRID}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{tile}<g fill="#fff">{lines}</g></svg>'.encode()


@lru_cache(maxsize=64)
def png(colour: str, *, size: int, mirrored: bool) -> bytes:
    """A square PNG with transparent corners."""
    rows = b"".join(b"\0" + bytes(_row(colour, y, size, mirrored=mirrored)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def ico(colour: str, *, mirrored: bool) -> bytes:
    """An ICO that holds one PNG of 32 pixels."""
    picture = png(colour, size=32, mirrored=mirrored)
    entry = struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 32, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


def _lines(*, mirrored: bool) -> Iterator[tuple[int, int, int, int]]:
    for x, y, width, height in _LINES:
        yield (_GRID - x - width if mirrored else x), y, width, height


def _row(colour: str, y: int, size: int, *, mirrored: bool) -> Iterator[int]:
    lines = tuple(_lines(mirrored=mirrored))
    for x in range(size):
        at = ((x + 0.5) * _GRID / size, (y + 0.5) * _GRID / size)
        white = any(left <= at[0] < left + w and top <= at[1] < top + h for left, top, w, h in lines)
        yield from (255, 255, 255) if white else channels(colour)
        yield _coverage(x, y, size)


def _coverage(x: int, y: int, size: int) -> int:
    """How much of a pixel lies inside the rounded tile, 0 to 255; only corners need counting."""
    radius = _RADIUS * size / _GRID
    if radius <= x < size - radius - 1 or radius <= y < size - radius - 1:
        return 255
    steps = [(step + 0.5) / _SAMPLES for step in range(_SAMPLES)]
    inside = sum(_inside(x + dx, y + dy, size, radius) for dx in steps for dy in steps)
    return round(255 * inside / _SAMPLES**2)


def _inside(x: float, y: float, size: int, radius: float) -> bool:
    dx = max(radius - x, x - (size - radius), 0)
    dy = max(radius - y, y - (size - radius), 0)
    return dx * dx + dy * dy <= radius * radius


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
