"""From a stranger's bytes to pixels: which files are taken, what their headers say, the one decode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pyvips
from nashr.domain.recipe import TALLEST

from nashr_images import heic, metadata
from nashr_images.metadata import Metadata
from nashr_images.renditions import (
    MAX_PIXELS,
    BrokenImage,
    Header,
    ImageRefused,
    NotAnImage,
    TooManyPixels,
)

_CONTENT_TYPES: Final = {
    "jpegload_buffer": "image/jpeg",
    "uhdrload_buffer": "image/jpeg",  # Ultra HDR: its base picture is an ordinary SDR JPEG
    "pngload_buffer": "image/png",
    "webpload_buffer": "image/webp",
    "heifload_buffer": "image/avif",
    "tiffload_buffer": "image/tiff",
    "gifload_buffer": "image/gif",
}
_MOVING: Final = frozenset({"image/gif", "image/webp"})
_LOADERS: Final = ("Jpeg", "Uhdr", "Png", "Webp", "Heif", "Tiff", "Nsgif")
_ACCEPTED: Final = "Send a JPEG, PNG, WebP, AVIF, TIFF or GIF file."
_SAMPLES: Final = frozenset({"uchar", "ushort"})
_MEASURED: Final = frozenset({"lab", "scrgb"})  # whose floating-point numbers have a meaning
_STARVED: Final = ("memory", "error creating thread")
_PASSED: Final = re.compile("(copy|write) to memory")

# Photos are never decoded twice, so libvips' operation cache would only hold memory.
pyvips.cache_set_max(0)
# An allow-list: libvips would read SVG, CSV, raw pixels and more from bytes that strangers sent.
pyvips.operation_block_set("VipsForeignLoad", True)
for _loader in _LOADERS:
    pyvips.operation_block_set(f"VipsForeignLoad{_loader}", False)


def inspect(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Header:
    """What the file announces; no pixel is decoded.

    Raises NotAnImage, BrokenImage (a header that cannot be read) and TooManyPixels.
    """
    with refusing():
        image = _opened(data)
        header = _header(image)
    if image.format not in _SAMPLES and image.interpretation not in _MEASURED:
        raise NotAnImage("The image's samples are not of 8 or 16 bits: export it as an 8-bit TIFF or JPEG.")
    if (pixels := header.width * header.height * header.pages) > max_pixels:
        raise TooManyPixels(
            f"The image has {header.width} x {header.height} pixels in {header.pages} frame(s), "
            f"{pixels / 1e6:.0f} megapixels in all; at most {max_pixels / 1e6:.0f} are accepted. "
            "Send a smaller version."
        )
    return header


def words(data: bytes) -> Metadata:
    """Caption, credit and rights as the file itself has them."""
    image = _opened(data)
    blobs = {name: field(image, f"{name}-data", None) for name in ("exif", "iptc", "xmp")}
    if field(image, "vips-loader", "") == "tiffload_buffer":
        blobs["exif"] = data  # a TIFF file is itself what EXIF holds
    return metadata.read(**blobs)


def decode(data: bytes, *, width: int, max_pixels: int = MAX_PIXELS) -> Any:
    """The one decode: at most ``width`` wide, upright, 8-bit sRGB, held in memory, without metadata.

    A photo without a profile is sRGB already: to tell libvips so would cost more than the decode (0.55 s of
    0.75 s for 24 megapixels), since it would go through Lab and back.
    """
    opened = _opened(data)
    if field(opened, "heif-compression", "av1") != "av1":
        return bare(_shrunk_heic(data, width, max_pixels))
    return bare(_shrunk(data, width, "fail_on=error", turn=not moves(_header(opened))))


def decode_moving(data: bytes, *, width: int) -> Any:
    """All frames below each other, as libvips keeps an animation: with page height, delays and loop."""
    frames = _shrunk(data, width, "n=-1,fail_on=error", turn=False)
    still = bare(frames).copy()
    for name in ("page-height", "delay", "loop"):
        if (kind := frames.get_typeof(name)) != 0:
            still.set_type(kind, name, frames.get(name))
    return still


def moves(header: Header) -> bool:
    """Whether the file is an animation that a browser would play."""
    return _moves(header.content_type, header.pages)


def _moves(content_type: str, pages: int) -> bool:
    return pages > 1 and content_type in _MOVING


def bare(image: Any) -> Any:
    """The same pixels, without anything that the file said about itself."""
    pixels = image.write_to_memory()
    return raw(pixels, image.width, image.height, image.bands)


def raw(pixels: bytes | memoryview, width: int, height: int, bands: int) -> Any:
    """8-bit sRGB samples as an image."""
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar")
    return image.copy(interpretation="srgb")


def field(image: Any, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default


def _opened(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "", access="sequential")


def _header(image: Any) -> Header:
    pages = field(image, "n-pages", 1)
    content_type = _content_type(image)
    # Frames lie below each other: they cannot be turned together, and browsers do not turn them either.
    turned = field(image, "orientation", 1) in (5, 6, 7, 8) and not _moves(content_type, pages)
    return Header(
        width=image.height if turned else image.width,
        height=image.width if turned else image.height,
        content_type=content_type,
        pages=pages,
        has_alpha=bool(image.hasalpha()),
    )


def _content_type(image: Any) -> str:
    if field(image, "heif-compression", "av1") != "av1":
        if heic.available():
            return "image/heic"
        raise NotAnImage(f"HEIC photos are not accepted. {_ACCEPTED}")
    try:
        return _CONTENT_TYPES[field(image, "vips-loader", "")]
    except KeyError:
        raise NotAnImage(f"The file is not an image of an accepted format. {_ACCEPTED}") from None


def _shrunk(data: bytes, width: int, options: str, *, turn: bool) -> Any:
    lazy = pyvips.Image.thumbnail_buffer(
        data,
        width,
        height=TALLEST,
        size="down",
        no_rotate=not turn,
        **({"output_profile": "srgb"} if _needs_transform(data) else {}),
        # As a loader option because thumbnail_buffer ignores its own fail_on argument
        # (libvips issue 5195) and would publish the grey half of a truncated upload.
        option_string=f"[{options}]",
    )
    return lazy.colourspace("srgb").cast("uchar")


def _shrunk_heic(data: bytes, width: int, max_pixels: int) -> Any:
    found = heic.decode(data, max_pixels=max_pixels)
    image = pyvips.Image.new_from_memory(found.pixels, found.width, found.height, found.bands, "uchar")
    image = image.copy(interpretation="b-w" if found.bands == 1 else "srgb")
    if found.premultiplied:
        image = image.unpremultiply().cast("uchar")
    if found.icc:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", found.icc)
    profile = {"output_profile": "srgb"} if found.icc else {}
    small = image.thumbnail_image(width, height=TALLEST, size="down", **profile)
    return small.colourspace("srgb").cast("uchar")


def _needs_transform(data: bytes) -> bool:
    image = _opened(data)
    return bool(image.get_typeof("icc-profile-data")) or image.interpretation == "cmyk"


@contextmanager
def refusing() -> Iterator[None]:
    """Translates what libvips says into why the photo is refused; MemoryError where it was starved."""
    try:
        yield
    except pyvips.Error as error:
        raise _refusal(f"{error.message}\n{error.detail}") from None


def _refusal(said: str) -> ImageRefused:
    if "not in a known format" in said:
        return NotAnImage(f"The file is not an image of an accepted format. {_ACCEPTED}")
    # A thread that has no room for its stack is how an address space limit often shows.
    if any(sign in _PASSED.sub("", said.lower()) for sign in _STARVED):
        raise MemoryError("the decoder had too little memory")
    cause = next((line for line in said.splitlines()[1:] if line), "unreadable header")
    return BrokenImage(f"The image is damaged ({cause}). Export it again and send the new file.")
