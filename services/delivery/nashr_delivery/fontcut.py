"""Cuts IBM Plex Sans Arabic (OFL) down to what news in Arabic and Latin script needs, as WOFF2.

``python -m nashr_delivery.fontcut STYLE`` writes the file to standard output: see fonts.py.
"""

from __future__ import annotations

import io
import sys
from typing import Final

import fontpkg_ibm_plex_sans_arabic as plex
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

_RANGES: Final = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x152, 0x153), (0x2013, 0x2014), (0x2018, 0x201E), (0x2020, 0x2022),
    (0x2026, 0x2026), (0x2030, 0x2030), (0x2039, 0x203A), (0x20AC, 0x20AC), (0x2122, 0x2122),
    (0x2212, 0x2212), (0x200C, 0x200F), (0x2066, 0x2069),
    (0x60C, 0x60C), (0x61B, 0x61B), (0x61F, 0x61F), (0x621, 0x63A), (0x640, 0x652), (0x660, 0x66D),
    (0x670, 0x671), (0xFD3E, 0xFD3F),
)  # fmt: skip
# Persian, Urdu, Kurdish and the letters Arabic borrows for p, ch, v, g
_LETTERS: Final = "پچژڤگکیڨەۆێڕڵھہےٹڈڑں۰۱۲۳۴۵۶۷۸۹"
_FEATURES: Final = (
    "ccmp", "locl", "isol", "init", "medi", "fina", "rlig", "calt", "liga", "mark", "mkmk", "kern", "curs",
)  # fmt: skip


def cut(style: str) -> bytes:
    """The WOFF2 bytes of one style, such as ``Bold``; the same bytes every time."""
    font = TTFont(plex.ROOT / "files" / f"IBMPlexSansArabic-{style}.ttf", recalcTimestamp=False)
    options = Options()
    options.layout_features = list(_FEATURES)
    options.hinting = False
    options.desubroutinize = True
    options.name_IDs = [0, 1, 2, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["meta"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=_code_points())
    subsetter.subset(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def _code_points() -> list[int]:
    ranged = [point for first, last in _RANGES for point in range(first, last + 1)]
    return sorted({*ranged, *map(ord, _LETTERS)})


if __name__ == "__main__":
    sys.stdout.buffer.write(cut(sys.argv[1]))
