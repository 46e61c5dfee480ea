"""A site's logo, PNG or SVG, as pixels that fit a card's footer. Not here: where it stands."""

from __future__ import annotations

import functools
import math
import re
from typing import Any, Final

import numpy as np
import pyvips

from nashr_cards.backdrop import allow_svg
from nashr_cards.colour import Rgb
from nashr_cards.inking import Pixels, pixels

_MAX_PIXELS: Final = 16_000_000
_MAX_BYTES: Final = 2_000_000
_AREA: Final = 150 * 50  # px on a card of unit 1: wide logos and square ones weigh about the same
_SVG: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!DOCTYPE svg|<svg)", re.IGNORECASE)


class NoLogo(ValueError):
    """These bytes are no logo that can be drawn; the text says why and what to do."""


@functools.lru_cache(maxsize=16)
def logo(data: bytes, *, unit: float) -> Pixels:
    """The logo's RGBA pixels, about as large as the next one whatever its shape. Raises NoLogo."""
    if len(data) > _MAX_BYTES:
        raise NoLogo(f"it has {len(data)} bytes: give one of at most {_MAX_BYTES}")
    try:
        image = _vector(data, unit) if _SVG.match(data) else _pixels(data, unit)
        image = image.colourspace("srgb")
        image = image if image.hasalpha() else image.bandjoin(255)
        found = pixels(_trimmed(image.cast("uchar").copy_memory()))
    except pyvips.Error as error:
        reason = (str(error).strip().splitlines() or ["unknown"])[-1].strip()
        raise NoLogo(f"it cannot be read: give a PNG or an SVG ({reason})") from None
    return found


def _box(width: int, height: int, unit: float) -> float:
    """By how much a logo is to be scaled: to one area, but no higher or wider than the row allows."""
    scale = math.sqrt(_AREA / (width * height))
    return unit * min(scale, 54 / height, 320 / width)


def _vector(data: bytes, unit: float) -> Any:
    allow_svg()
    header = pyvips.Image.svgload_buffer(data)
    return pyvips.Image.svgload_buffer(data, scale=_box(header.width, header.height, unit))


def _pixels(data: bytes, unit: float) -> Any:
    image = pyvips.Image.pngload_buffer(data)
    if image.width * image.height > _MAX_PIXELS:
        raise NoLogo(f"it has {image.width}x{image.height} pixels: give one of at most 4000x4000")
    scale = _box(image.width, image.height, unit)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.thumbnail_image(width, height=height, size="both")


def _trimmed(image: Any) -> Any:
    """Without its empty margins, which would move it away from the edge of the text."""
    left, top, width, height = (image[3] > 8).find_trim(background=[0], threshold=1)
    if not (width and height):
        raise NoLogo("nothing of it is visible: give one that is not wholly transparent")
    return image.extract_area(left, top, width, height)


def mean_colour(logo: Pixels) -> Rgb:
    """The mean colour of what is opaque."""
    alpha = logo[..., 3].astype(np.int64)
    weight = max(1, int(alpha.sum()))
    red, green, blue = (round(int((logo[..., band] * alpha).sum()) / weight) for band in range(3))
    return red, green, blue
