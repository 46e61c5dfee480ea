"""What a header says, and the small readings that all formats share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from PIL import Image

MAX_PARTS: Final = 300_000
"""Chunks or sub-blocks of one file. A GIF of 60 MiB in full sub-blocks has 245,760."""

ORIENTATION: Final = 0x0112
"""The TIFF and EXIF tag."""


class BrokenFile(Exception):
    """The file contradicts its own format; the message says where."""


class RawPhoto(Exception):
    """A camera's raw file in a TIFF's clothes."""


@dataclass(frozen=True)
class Header:
    """Pixels as stored, frames, and the EXIF orientation 1..8 that turns them upright."""

    width: int
    height: int
    frames: int = 1
    orientation: int = 1

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as a viewer shows them."""
        return (self.height, self.width) if self.orientation in range(5, 9) else (self.width, self.height)


def exif_orientation(data: bytes) -> int:
    """Orientation out of an EXIF block; a damaged block turns nothing, as in every viewer."""
    exif = Image.Exif()
    try:
        exif.load(data)
        return upright(number(exif.get(ORIENTATION)))
    except Exception:  # Pillow's EXIF reader raises, or warns, whatever the bytes lead it to.
        return 1


def upright(value: int) -> int:
    return value if value in range(1, 9) else 1


def number(value: Any) -> int:
    if isinstance(value, tuple):
        value = value[0] if value else 0
    return value if isinstance(value, int) else 0


def exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise BrokenFile("it is cut off")
    return data
