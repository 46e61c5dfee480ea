"""What the headers of an image file say, and whether the file is whole. No pixel is decoded here.

No decoder's C code sees a JPEG, PNG, WebP, GIF, TIFF or HEIC in the process that holds the API.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from nashr_ingest.imageheaders.base import BrokenFile, Header, RawPhoto
from nashr_ingest.imageheaders.boxes import heic
from nashr_ingest.imageheaders.by_hand import gif, jpeg, png, webp
from nashr_ingest.imageheaders.by_pillow import avif, tiff

__all__ = ["CONTENT_TYPES", "BrokenFile", "Header", "RawPhoto", "read_header"]

_READERS: Final[Mapping[str, Callable[[BinaryIO, int], Header]]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/webp": webp,
    "image/gif": gif,
    "image/tiff": tiff,
    "image/avif": avif,
    "image/heic": heic,
}
CONTENT_TYPES: Final = tuple(_READERS)


def read_header(file: BinaryIO, *, content_type: str, size: int) -> Header:
    """The header of a file of ``size`` bytes. Raises BrokenFile, or RawPhoto for a raw TIFF."""
    try:
        header = _READERS[content_type](file, size)
    except (struct.error, IndexError, OverflowError):
        raise BrokenFile("it ends in the middle of its header") from None
    if header.width < 1 or header.height < 1 or header.frames < 1:
        raise BrokenFile("its header gives it no pixels")
    return header
