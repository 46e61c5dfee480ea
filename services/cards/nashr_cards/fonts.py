"""The fonts that cards are set in: where they are, in which order for which language, what they cover.

They come from packages, or from the site. What the machine has installed is never looked at. Not here: text.
"""

from __future__ import annotations

import functools
import html
import itertools
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import fontpkg_ibm_plex_sans_arabic as plex
import manimgx_fonts as noto
import manimgx_fonts_cjk as cjk
import pyvips

from nashr_cards import sfnt

FOLDERS: Final = (
    Path(plex.ROOT) / "files",
    Path(noto.__file__).parent,
    Path(cjk.__file__).parent,
)
MAX_BYTES: Final = 20_000_000
_CODES: Final = 0x110000
_PLEX, _NOTO, _HEBREW, _EMOJI = "IBM Plex Sans Arabic", "Noto Sans", "Noto Sans Hebrew", "Noto Emoji"
_REGIONS: Final = {"zh": "SC", "ja": "JP", "ko": "KR"}
_TRADITIONAL: Final = {"hant": "TC", "tw": "TC", "hk": "HK", "mo": "HK"}
_IN_PLEX: Final = frozenset(
    {"ar", "arc", "ckb", "fa", "ps", "sd", "ug", "ur", "yi", "he"}
    | {
        "en",
        "fr",
        "de",
        "es",
        "it",
        "pt",
        "nl",
        "sv",
        "da",
        "nb",
        "nn",
        "no",
        "fi",
        "is",
        "ca",
        "eu",
        "gl",
        "id",
        "ms",
    }
)
"""Languages whose letters the Arabic Plex has; others would be set in two faces within one word."""

# Emoji are asked for under a name of Pango's own. Nothing here makes a face bold that is not.
_CONF: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  {folders}
  <cachedir>{cache}</cachedir>
  <match target="pattern">
    <test name="family"><string>emoji</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Noto Emoji</string></edit>
  </match>
  <config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


def families(language: str) -> Sequence[str]:
    """The families that text in ``language``, a BCP 47 tag, is set in: first those tried first.

    Chinese, Japanese and Korean begin with their own face, which then gives quotes and digits too.
    """
    tags = language.lower().split("-")
    han = f"Noto Sans CJK {_region(tags)}"
    if tags[0] in _REGIONS:
        return (han, _PLEX, _NOTO, _HEBREW, _EMOJI)
    first = (_PLEX, _NOTO) if tags[0] in _IN_PLEX else (_NOTO, _PLEX)
    return (*first, _HEBREW, han, _EMOJI)


def _region(tags: Sequence[str]) -> str:
    if tags[0] == "zh":
        return next((_TRADITIONAL[tag] for tag in tags[1:] if tag in _TRADITIONAL), "SC")
    return _REGIONS.get(tags[0], "SC")


@functools.cache
def use_bundled_fonts() -> None:
    """Shows this process the bundled fonts and no others; idempotent.

    Fontconfig reads its file once, at the first text, and without rescans never looks again:
    so the folder can go at once, and a killed process leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="nashr-fonts-") as folder:
        conf = Path(folder) / "fonts.conf"
        folders = "".join(f"<dir>{html.escape(str(each))}</dir>" for each in FOLDERS)
        conf.write_text(_CONF.format(folders=folders, cache=html.escape(folder)))
        os.environ["FONTCONFIG_FILE"] = str(conf)
        pyvips.Image.text("a", font=f"{_PLEX} Bold 20", dpi=72).avg()


def _flags(ranges: Iterable[range]) -> bytearray:
    flags = bytearray(_CODES)
    for codes in ranges:
        flags[codes.start : codes.stop] = b"\1" * len(codes)
    return flags


@functools.cache
def covered() -> bytes:
    """One byte for each code point: 1 where a bundled font has a glyph."""
    files = [FOLDERS[0] / "IBMPlexSansArabic-Bold.ttf"]
    files += [
        file for folder in FOLDERS[1:] for file in sorted(folder.iterdir()) if file.suffix in {".ttf", ".ttc"}
    ]
    return bytes(_flags(codes for file in files for codes in sfnt.characters(file.read_bytes())))


@dataclass(frozen=True)
class OwnFont:
    """A site's own font, ready to be set; ``covered`` as of the bundled ones."""

    family: str
    covered: bytes


@functools.lru_cache(maxsize=8)
def either(first: bytes, second: bytes) -> bytes:
    """A 1 where one of the two has it."""
    both = int.from_bytes(first, "little") | int.from_bytes(second, "little")
    return both.to_bytes(_CODES, "little")


def own(data: bytes) -> OwnFont:
    """Makes a site's font known to this process. Raises NoFont.

    It gets a name of its own, out of its bytes: a site's cut of a bundled family never takes the
    place of the bundled one, nor of another site's.
    """
    known = _tried(data)
    if isinstance(known, sfnt.NoFont):
        raise sfnt.NoFont(str(known))
    return known


@functools.lru_cache(maxsize=8)
def _tried(data: bytes) -> OwnFont | sfnt.NoFont:
    """What cannot be used is remembered as well: each attempt costs a file handle."""
    try:
        if len(data) > MAX_BYTES:
            raise sfnt.NoFont(f"it has {len(data)} bytes: give one of at most {MAX_BYTES}")
        flags = bytes(_flags(sfnt.characters(data)))
        family = f"nashr {sha256(data).hexdigest()[:12]}"
        _register(sfnt.renamed(data, family), family, flags)
    except sfnt.NoFont as error:
        return error
    return OwnFont(family, flags)


def _register(data: bytes, family: str, flags: bytes) -> None:
    """Opens the font as a file in memory, which goes with the process; sees that it really draws.

    A refused one stays open as it is: libvips asks for no second file of the same path, and what FreeType
    has mapped must not be cut off, or the process dies of it.
    """
    use_bundled_fonts()
    descriptor = os.memfd_create(family)
    os.write(descriptor, data)
    letters = (chr(code) for code in range(0x21, 0xFFFF) if flags[code] and chr(code).isalnum())
    sample = "".join(itertools.islice(letters, 40)) or "a"
    file = f"/proc/self/fd/{descriptor}"
    try:
        drawn = pyvips.Image.text(sample, font=f"{family} 40", dpi=72, fontfile=file).write_to_memory()
        other = pyvips.Image.text(sample, font="nashr none 40", dpi=72).write_to_memory()
    except pyvips.Error:
        drawn = other = b""
    if bytes(drawn) == bytes(other):
        raise sfnt.NoFont("its outlines cannot be read: upload it again")
