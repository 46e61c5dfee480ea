"""Whether bytes are a font that cards can be set in. A glance at the file's directory; nothing is drawn."""

from __future__ import annotations

import struct
from typing import Final

MAX_BYTES: Final = 10_000_000
SUFFIXES: Final = (".ttf", ".otf")
_MAGIC: Final = (b"\0\1\0\0", b"true", b"OTTO")
_NEEDED: Final = frozenset({b"cmap", b"head", b"hhea", b"hmtx", b"maxp"})
_OUTLINES: Final = frozenset({b"glyf", b"CFF ", b"CFF2"})


def fault(data: bytes) -> str | None:
    """What is wrong with a font file, and what to do; None for a TTF or OTF of reasonable size."""
    if len(data) > MAX_BYTES:
        return (
            f"{len(data) / 1e6:.1f} MB is more than {MAX_BYTES // 1_000_000} MB: give one face, or a subset"
        )
    if data[:4] in {b"wOFF", b"wOF2"}:
        return "this is a web font (WOFF): give the TTF or OTF that it was made from"
    if data[:4] == b"ttcf":
        return "this is a collection of fonts (TTC): give the one face as TTF or OTF"
    tables = _tables(data)
    if data[:4] not in _MAGIC or tables is None:
        return "this is no TTF or OTF file, or it is cut short: give another copy"
    missing = sorted(name.decode() for name in _NEEDED - tables)
    if not tables & _OUTLINES:
        missing.append("glyf or CFF")
    return f"the font has no table {', '.join(missing)}: give another copy" if missing else None


def _tables(data: bytes) -> frozenset[bytes] | None:
    """The names in the table directory, if every table lies inside the file."""
    if len(data) < 12:
        return None
    count = struct.unpack(">H", data[4:6])[0]
    directory = data[12 : 12 + 16 * count]
    if len(directory) < 16 * count:
        return None
    entries = list(struct.iter_unpack(">4sIII", directory))
    inside = all(offset + length <= len(data) for _, _, offset, length in entries)
    return frozenset(name for name, *_ in entries) if inside else None
