"""The first look at an uploaded file: what it is, how large, whether it is whole. Headers only.

The images service decodes pixels, in a child process; nothing of that happens in the API.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from nashr.domain.errors import Refused

from nashr_ingest.imageheaders import BrokenFile, Header, RawPhoto, read_header

_SENT: Final = "send JPEG, PNG, WebP, AVIF, TIFF or GIF"
_NAMES: Final = {
    "image/svg+xml": "an SVG drawing, which can carry scripts: export it as PNG and upload that",
    "image/heic": "a HEIC photo: export it as JPEG and upload that",
    "image/heif": "a HEIF photo: export it as JPEG and upload that",
    "image/avif-sequence": "an animated AVIF: export it as an animated WebP or GIF and upload that",
    "image/jxl": "a JPEG XL photo: export it as JPEG and upload that",
    "image/jp2": "a JPEG 2000 photo: export it as JPEG and upload that",
    "image/bmp": "a BMP image: export it as PNG and upload that",
    "image/x-icon": "an icon file: export it as PNG and upload that",
    "image/vnd.adobe.photoshop": "a Photoshop document: export it as JPEG or PNG and upload that",
    "image/x-raw": "a camera's raw file: develop it and upload a JPEG",
    "application/pdf": f"a PDF document, not an image: {_SENT}",
    "application/zip": f"a ZIP archive, not an image: {_SENT}",
    "application/gzip": f"a compressed file, not an image: {_SENT}",
    "application/x-executable": f"a program, not an image: {_SENT}",
    "text/html": f"an HTML page, not an image (perhaps an error page was saved): {_SENT}",
    "video/mp4": f"a video, not an image: {_SENT}",
    "application/octet-stream": f"no image that nashr knows: {_SENT}",
}
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"MM\0*", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (b"%PDF", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"MZ", "application/x-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"#!", "application/x-executable"),
    (b"BM", "image/bmp"),
    (b"\0\0\x01\0", "image/x-icon"),
)
_SVG: Final = re.compile(rb"<svg[\s>:]|<!doctype\s+svg", re.IGNORECASE)
_HTML: Final = re.compile(
    rb"\s*<(?:!doctype\s+html|html|head|body|script|\?php|title|meta|iframe)", re.IGNORECASE
)
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_HEIF: Final = frozenset({b"mif1", b"msf1"})


@dataclass(frozen=True)
class FileInfo:
    """What a whole, acceptable image says about itself. Width and height are upright."""

    content_type: str
    width: int
    height: int
    frames: int
    sha256: str
    bytes: int


def inspect(
    source: Path | BinaryIO,
    *,
    max_pixels: int,
    heic: bool = False,
    sha256: str | None = None,
    filename: str | None = None,
) -> FileInfo:
    """Looks at a file, reading headers only (and all of it where ``sha256`` is not given).

    ``heic`` accepts HEIC photos, ``filename`` only serves the messages. Raises Refused:
    "unsupported_media_type" for what is not an accepted image, "too_many_pixels" (frames counted),
    "broken_image" for a damaged or cut-off file.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return inspect(
                file, max_pixels=max_pixels, heic=heic, sha256=sha256, filename=filename or source.name
            )
    name = filename or "the file"
    size = source.seek(0, os.SEEK_END)
    content_type = _accepted(source, name, heic=heic)
    header = _header(source, content_type, size, name)
    if header.width * header.height * header.frames > max_pixels:
        raise Refused("too_many_pixels", _too_many(header, max_pixels, name))
    moves = header.frames > 1 and content_type in {"image/webp", "image/gif"}
    width, height = (header.width, header.height) if moves else header.upright
    return FileInfo(content_type, width, height, header.frames, sha256 or _digest(source), size)


def sniff(head: bytes) -> str:
    """The media type that the first kilobyte of a file shows; application/octet-stream for any other."""
    if head[:4] == b"II*\0":
        return "image/x-raw" if head[8:10] == b"CR" else "image/tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _iso_type(head)
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(text):
        return "text/html"
    return "image/svg+xml" if _SVG.search(text) else "application/octet-stream"


def _iso_type(head: bytes) -> str:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if head[8:12] == b"avis":
        return "image/avif-sequence"
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if head[8:12] == b"crx ":
        return "image/x-raw"
    if brands & _HEIC:
        return "image/heic"
    return "image/heif" if brands & _HEIF else "video/mp4"


def _accepted(file: BinaryIO, name: str, *, heic: bool) -> str:
    file.seek(0)
    content_type = sniff(file.read(1024))
    if content_type in _NAMES and not (heic and content_type == "image/heic"):
        raise Refused("unsupported_media_type", f"{name} is {_NAMES[content_type]}")
    return content_type


def _header(file: BinaryIO, content_type: str, size: int, name: str) -> Header:
    try:
        return read_header(file, content_type=content_type, size=size)
    except BrokenFile as error:
        raise Refused(
            "broken_image", f"{name} is damaged: {error}. Copy it anew from its source and upload it again"
        ) from error
    except RawPhoto:
        raise Refused("unsupported_media_type", f"{name} is {_NAMES['image/x-raw']}") from None


def _too_many(header: Header, limit: int, name: str) -> str:
    frames = f" in {header.frames} frames" if header.frames > 1 else ""
    return (
        f"{name} has {header.width} x {header.height} pixels{frames}, "
        f"the limit is {limit:,} in all: scale it down and upload it again"
    )


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
