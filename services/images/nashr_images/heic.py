"""HEIC, which the libvips wheel cannot decode: pixels by libheif, where the heic extra is installed.

Bytes to bytes, like core, and for child processes only: libheif is loaded at the first HEIC, never before.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from nashr_images.renditions import (
    MAX_PIXELS,
    BrokenImage,
    DecoderUnavailable,
    ImageCrashed,
    ImageRefused,
    TooManyPixels,
)

MISSING: Final = (
    "HEIC photos need pillow-heif, the heic extra of nashr-images, which is not installed here: "
    "install it (uv sync --extra heic), or set NASHR_HEIC=0 to refuse HEIC at upload."
)
_BANDS: Final = {"L": 1, "I;16": 1, "RGB": 3, "RGBA": 4, "RGBa": 4}


@dataclass(frozen=True)
class Decoded:
    """One picture in memory: 8 bits a band, rows from the top without padding, upright already.

    ``icc`` is the profile that ``pixels`` are in, None for sRGB. The orientation that ``exif`` names has been
    applied by the file's own transformations: it must not be applied again. ``premultiplied`` says that
    colours were multiplied by alpha.
    """

    pixels: memoryview
    width: int
    height: int
    bands: int
    icc: bytes | None
    exif: bytes | None
    xmp: bytes | None
    premultiplied: bool = False


def available() -> bool:
    """Whether the extra is installed; loads nothing, so that any process may ask."""
    return find_spec("pillow_heif") is not None


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """The primary picture of a HEIC file. Its size is checked before any pixel is decoded.

    Raises TooManyPixels, BrokenImage, ImageCrashed where memory runs out, and DecoderUnavailable without the
    extra: the photo itself was not tried then.
    """
    library = _library()
    try:
        file = library.HeifFile(data)
        _check(file.size, max_pixels=max_pixels)
        pixels = file.data
    except MemoryError as error:
        raise _refusal("Memory allocation error") from error
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError, IndexError) as error:
        raise _refusal(str(error)) from error
    width, height = file.size
    return Decoded(
        pixels=memoryview(bytes(pixels)[1::2]) if file.mode == "I;16" else pixels,
        width=width,
        height=height,
        bands=_BANDS[file.mode],
        icc=file.info.get("icc_profile"),
        exif=file.info.get("exif"),
        xmp=file.info.get("xmp"),
        premultiplied=file.mode == "RGBa",
    )


def _library() -> Any:
    """pillow_heif.heif, told to use one thread and to leave thumbnails, depth maps and gain maps alone."""
    try:
        import pillow_heif  # noqa: PLC0415 - an extra, and 12 MB that most children never need
        from pillow_heif import heif, options  # noqa: PLC0415
    except ImportError as error:
        raise DecoderUnavailable(MISSING) from error
    assert pillow_heif
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return heif


def _check(size: tuple[int, int], *, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The image has {width} x {height} pixels, {width * height / 1e6:.0f} megapixels in all; "
            f"at most {max_pixels / 1e6:.0f} are accepted. Send a smaller version."
        )


def _refusal(said: str) -> ImageRefused:
    # libheif holds the coded picture to the size in its header and calls a breach of that a memory error.
    if "memory" in said.lower() and "Security limit" not in said:
        return ImageCrashed("Decoding the image takes too much memory. Send a smaller version.")
    return BrokenImage(
        f"The HEIC file is damaged ({' '.join(said.split())}). Export it again and send the new file."
    )
