"""A font for cards is checked when the site is applied."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest
from nashr.domain.fontfile import MAX_BYTES, fault

TABLES = (b"cmap", b"head", b"hhea", b"hmtx", b"maxp", b"glyf")


def font(tables: Iterable[bytes] = TABLES, *, magic: bytes = b"\0\1\0\0", length: int = 4) -> bytes:
    names = list(tables)
    start = 12 + 16 * len(names)
    records = (struct.pack(">4sIII", name, 0, start + 4 * index, length) for index, name in enumerate(names))
    return magic + struct.pack(">HHHH", len(names), 0, 0, 0) + b"".join(records) + b"\0" * 4 * len(names)


@pytest.mark.parametrize("magic", [b"\0\1\0\0", b"OTTO", b"true"])
def test_fonts_are_taken(magic: bytes) -> None:
    """TTF, and OTF."""
    assert fault(font(magic=magic)) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no TTF or OTF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "no TTF or OTF"),
        (font()[:80], "cut short"),
        (font(length=4000), "cut short"),
        (b"wOF2" + b"\0" * 60, "web font"),
        (b"ttcf" + b"\0" * 60, "collection"),
        (font(TABLES[1:]), "no table cmap"),
        (font(TABLES[:-1]), "glyf or CFF"),
        (b"\0" * (MAX_BYTES + 1), "more than 10 MB"),
    ],
)
def test_what_is_no_font_is_named(data: bytes, says: str) -> None:
    """The fault says what the file is and what to give instead."""
    assert says in (fault(data) or "")
