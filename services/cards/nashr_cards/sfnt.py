"""What we need of a font file (OpenType 1.9): is it one, which characters it has, and another family name.

Pure bytes. Not here: which fonts there are, and drawing with them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_KINDS: Final = (b"\x00\x01\x00\x00", b"OTTO", b"true")
_NEEDED: Final = (b"cmap", b"head", b"hhea", b"hmtx", b"maxp")
_OUTLINES: Final = (b"glyf", b"CFF ", b"CFF2")
_FAMILY, _STYLE, _FULL, _POSTSCRIPT = 1, 2, 4, 6
_UNICODE: Final = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))

Tables = dict[bytes, tuple[int, int]]


class NoFont(ValueError):
    """These bytes are no TTF or OTF that can be set; the text says why and what to do."""


def tables(data: bytes) -> Tables:
    """Offset and length of each table; of a collection, those of its first face. Raises NoFont."""
    start = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" and len(data) >= 16 else 0
    if data[:4] in {b"wOFF", b"wOF2"}:
        raise NoFont("it is a web font (WOFF): give the TTF or OTF that it was made from")
    if data[start : start + 4] not in _KINDS:
        raise NoFont("it is no font: give a TTF or OTF")
    try:
        count = struct.unpack_from(">H", data, start + 4)[0]
        records = [struct.unpack_from(">4s4xII", data, start + 12 + 16 * index) for index in range(count)]
    except struct.error:
        raise NoFont("it ends in the middle of its list of tables: upload it again") from None
    found = {tag: (offset, length) for tag, offset, length in records}
    if any(offset + length > len(data) for offset, length in found.values()):
        raise NoFont("it is shorter than its tables say: upload it again")
    lacking = [tag.decode("latin-1") for tag in _NEEDED if tag not in found]
    if lacking or not any(tag in found for tag in _OUTLINES):
        raise NoFont(
            f"it has no table {lacking[0] if lacking else 'glyf or CFF'}: give a complete TTF or OTF"
        )
    return found


def characters(data: bytes) -> Iterator[range]:
    """The code points that the font maps to a glyph. Raises NoFont."""
    cmap, _ = tables(data)[b"cmap"]
    try:
        subtable = cmap + _best(data, cmap)
        form = struct.unpack_from(">H", data, subtable)[0]
        if form == 12:
            yield from _format12(data, subtable)
        elif form == 4:
            yield from _format4(data, subtable)
        else:
            raise NoFont(f"its cmap has format {form} only: save it with format 4 or 12")
    except struct.error:
        raise NoFont("its cmap is broken: upload it again") from None


def _best(data: bytes, cmap: int) -> int:
    count = struct.unpack_from(">H", data, cmap + 2)[0]
    records = (struct.unpack_from(">HHI", data, cmap + 4 + 8 * index) for index in range(count))
    known: dict[tuple[int, int], int] = {
        (platform, encoding): offset for platform, encoding, offset in records
    }
    chosen = next((known[key] for key in _UNICODE if key in known), None)
    if chosen is None:
        raise NoFont("its cmap has no Unicode table: save it as a Unicode font")
    return chosen


def _format12(data: bytes, at: int) -> Iterator[range]:
    count = struct.unpack_from(">I", data, at + 12)[0]
    for index in range(count):
        first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * index)
        yield range(first + (glyph == 0), min(last, 0x10FFFF) + 1)


def _format4(data: bytes, at: int) -> Iterator[range]:
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    column = f">{segments}H"
    ends, starts, deltas, offsets = (
        struct.unpack_from(column, data, at + 14 + skip)
        for skip in (0, 2 * segments + 2, 4 * segments + 2, 6 * segments + 2)
    )
    for index, (first, last) in enumerate(zip(starts, ends, strict=True)):
        base = at + 16 + 6 * segments + 2 * index + offsets[index]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offsets[index]:
                glyph = struct.unpack_from(">H", data, base + 2 * (code - first))[0]
            if glyph and (glyph + deltas[index]) & 0xFFFF:
                yield range(code, code + 1)


def renamed(data: bytes, family: str) -> bytes:
    """The same font, called ``family`` and nothing else, so that no other can stand in for it.

    Of a collection, which shares tables between faces, the first face is kept.
    """
    kept = {tag: data[offset : offset + length] for tag, (offset, length) in tables(data).items()}
    kept[b"name"] = _names(family)
    kept.pop(b"DSIG", None)  # signed under its old name
    at = 12 + 16 * len(kept)
    records, bodies = [], []
    for tag, body in sorted(kept.items()):
        records.append(struct.pack(">4sIII", tag, 0, at, len(body)))
        bodies.append(body + b"\0" * (-len(body) % 4))
        at += len(bodies[-1])
    kind = b"OTTO" if b"CFF " in kept or b"CFF2" in kept else _KINDS[0]
    power = len(kept).bit_length() - 1
    search = 16 << power
    header = kind + struct.pack(">HHHH", len(kept), search, power, 16 * len(kept) - search)
    return header + b"".join(records) + b"".join(bodies)


def _names(family: str) -> bytes:
    texts = [(_FAMILY, family), (_STYLE, "Regular"), (_FULL, family), (_POSTSCRIPT, family.replace(" ", ""))]
    stored = b"".join(text.encode("utf-16-be") for _, text in texts)
    records, at = b"", 0
    for name, text in texts:
        length = 2 * len(text)
        records += struct.pack(">HHHHHH", 3, 1, 0x409, name, length, at)
        at += length
    return struct.pack(">HHH", 0, len(texts), 6 + len(records)) + records + stored
