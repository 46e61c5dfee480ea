"""IPTC-IIM (version 4.2), bare or inside Photoshop's "Image Resource Blocks" (Adobe's file format)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nashr_images.metadata.encodings import decoded

_MARK: Final = b"\x1c"
_IPTC: Final = b"\x04\x04"
_CHARSET: Final = (1, 90)
_FIELDS: Final = {
    (2, 120): "caption",
    (2, 80): "creator",
    (2, 110): "credit",
    (2, 115): "source",
    (2, 116): "holder",
}
_ESCAPES: Final = {b"\x1b%G": "utf-8", b"\x1b%/I": "utf-8", b"\x1b-G": "iso8859-6"}
"""ISO 2022 designations of 1:90 that change how the rest is read."""
_MOST: Final = 1_000
"""Blocks or datasets of one photo that are looked at; real ones have dozens."""


def read(data: bytes) -> dict[str, str]:
    """The fields that are there; several photographers are joined. Reading ends where damage begins."""
    datasets = list(_datasets(_iim(data)))
    charset = next((_ESCAPES.get(value) for key, value in datasets if key == _CHARSET), None)
    found: dict[str, list[str]] = {}
    for key, value in datasets:
        if name := _FIELDS.get(key):
            found.setdefault(name, []).append(decoded(value.rstrip(b"\0 "), charset=charset))
    return {name: ", ".join(texts) if name == "creator" else texts[0] for name, texts in found.items()}


def _iim(data: bytes) -> bytes:
    """The IIM records of ``data``, which may be them already."""
    bare = data.lstrip(b"\0")
    start = data.find(b"8BIM", 0, 64)
    if bare.startswith(_MARK) or start < 0:
        return bare
    return next((block for kind, block in _blocks(data, start) if kind == _IPTC), b"")


def _blocks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each resource: mark, kind, a name of even length with its own, length, content."""
    for _ in range(_MOST):
        if data[at : at + 4] != b"8BIM" or at + 7 > len(data):
            return
        kind, name = data[at + 4 : at + 6], data[at + 6]
        start = at + 6 + (name + 2 & ~1) + 4
        length = int.from_bytes(data[start - 4 : start], "big")
        if start + length > len(data):
            return
        yield kind, data[start : start + length]
        at = start + (length + 1 & ~1)


def _datasets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Record and number, and content, of each dataset that lies wholly inside ``data``."""
    at = 0
    for _ in range(_MOST):
        if data[at : at + 1] != _MARK or at + 5 > len(data):
            return
        start, length = _extent(data, at + 3)
        if start + length > len(data):
            return
        yield (data[at + 1], data[at + 2]), data[start : start + length]
        at = start + length


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Where a dataset's content starts and how many bytes it has. A long one's length has its own length."""
    length, start = int.from_bytes(data[at : at + 2], "big"), at + 2
    if length < 0x8000:
        return start, length
    end = start + (length & 0x7FFF)
    return end, int.from_bytes(data[start : min(end, start + 8)], "big")
