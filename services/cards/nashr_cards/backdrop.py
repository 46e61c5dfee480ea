"""What lies behind the words: the hero cropped around its focal point, or a designed surface.

A hero is decoded once for all formats. Not here: the words, where they stand, and the veil under them.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import cv2
import pyvips
import simplejpeg

from nashr_cards import colour
from nashr_cards.card import UnreadableHero
from nashr_cards.colour import Rgb
from nashr_cards.inking import Pixels, pixels

Size = tuple[int, int]

_PHOTO: Final = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|....ftyp", re.DOTALL)
_MAX_PIXELS: Final = 50_000_000
_EYE_LEVEL: Final = 0.36  # of the height: the middle of what the words leave free
_TURNED: Final = re.compile(rb"\x01\x12\0\x03\0\0\0\x01\0[\x02-\x08]|\x12\x01\x03\0\x01\0\0\0[\x02-\x08]\0")
"""EXIF's field of a camera that was not held upright, either byte order."""
_HEAD: Final = 65_536  # bytes, in which it stands
_SHARP, _HALF, _EIGHTHS = 0.7, 0.5, 5 / 8
_NATIVE: Final = 0.9  # a photo that would shrink less is cut a little closer instead: sharper, and no work


@dataclass(frozen=True)
class Photo:
    """A decoded hero and its focal point in 0..1."""

    pixels: Pixels
    focal: tuple[float, float]


def opened(hero: bytes, *, sizes: Sequence[Size], focal: tuple[float, float] | None) -> Photo:
    """Decodes the hero, no larger than cards of ``sizes`` need it. Raises UnreadableHero.

    Without a focal point libvips looks for one (skin, saturation, edges).
    """
    with _reading():
        found = _decoded(hero, sizes)
        return Photo(found, _attention(_image(found)) if focal is None else focal)


def cropped(photo: Photo, size: Size) -> Pixels:
    """The photo as a canvas of ``size`` in sRGB, its focal point at eye level."""
    width, height = size
    high, wide, _ = photo.pixels.shape
    scale = max(width / wide, height / high)
    if _NATIVE <= scale <= 1:
        left, top = _corner(photo, width, height)
        return photo.pixels[top : top + height, left : left + width].copy()
    crop_width, crop_height = min(wide, round(width / scale)), min(high, round(height / scale))
    left, top = _corner(photo, crop_width, crop_height)
    crop = photo.pixels[top : top + crop_height, left : left + crop_width]
    found: Pixels = cv2.resize(crop, size, interpolation=_interpolation(scale))
    return found


def _interpolation(scale: float) -> int:
    """The one that comes near to Lanczos: 42 to 48 dB on news photos above 0.7, 39 below (ADR 0017)."""
    if scale < _HALF:
        return cv2.INTER_AREA
    return cv2.INTER_CUBIC if scale >= _SHARP else cv2.INTER_LINEAR


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (pyvips.Error, ValueError) as error:
        line = (str(error).strip().splitlines() or ["unknown"])[-1].strip()
        raise UnreadableHero(f"the hero cannot be decoded: {line}") from error


def _decoded(hero: bytes, sizes: Sequence[Size]) -> Pixels:
    """The hero upright in sRGB, shrunk by its decoder where no card needs all of it."""
    if not _PHOTO.match(hero):  # before any of libvips' rarer decoders sees it
        raise UnreadableHero("the hero is no photo format: give JPEG, WebP, PNG or AVIF")
    if hero.startswith(b"\xff\xd8") and not _TURNED.search(hero, 0, _HEAD):
        high, wide, colours, _ = simplejpeg.decode_jpeg_header(hero)
        if colours in {"YCbCr", "RGB"}:
            _check(wide, high)
            needed = _needed(wide, high, sizes)
            whole = needed > _EIGHTHS
            return _jpeg(hero, math.ceil(wide * needed), math.ceil(high * needed), whole=whole)
    image = pyvips.Image.new_from_buffer(hero, "", access="sequential", fail_on="error")
    _check(image.width, image.height)
    if image.get_typeof("orientation") != 0 and image.get("orientation") != 1:
        image = image.copy_memory().autorot()  # rows are read out of order
    if image.interpretation not in {"srgb", "rgb"}:
        image = image.colourspace("srgb")
    image = (image.flatten() if image.hasalpha() else image).cast("uchar")
    needed = _needed(image.width, image.height, sizes)
    return pixels(image.resize(needed, kernel="cubic") if needed < _HALF else image)


def _check(width: int, height: int) -> None:
    if width * height > _MAX_PIXELS:
        raise UnreadableHero(f"the hero has {width}x{height} pixels: give a rendition")


def _needed(wide: int, high: int, sizes: Sequence[Size]) -> float:
    """By how much the hero may be scaled for the card that needs the most of it."""
    return max(max(width / wide, height / high) for width, height in sizes)


def _jpeg(hero: bytes, width: int, height: int, *, whole: bool) -> Pixels:
    """As usual photos are: libvips takes 1.6 to 1.9 times as long, its decoder works in narrow strips.

    Shrunk to five eighths at most: six and seven take its decoder longer than all of the photo. Of the whole
    photo colours are repeated, not smoothed: a card's own JPEG has half as many rows and columns of them.
    """
    found: Pixels = simplejpeg.decode_jpeg(
        hero, "RGB", fastupsample=whole, min_width=width, min_height=height, min_factor=1 / _EIGHTHS
    )
    return found


def _image(array: Pixels) -> Any:
    """libvips' view of an array, which has to outlive it."""
    height, width, bands = array.shape
    return pyvips.Image.new_from_memory(array.data, width, height, bands, "uchar").copy(interpretation="srgb")


def _attention(image: Any) -> tuple[float, float]:
    small = image.thumbnail_image(240, height=240, size="down").copy_memory()
    side = max(1, min(small.width, small.height) // 2)
    _, found = small.smartcrop(side, side, interesting="attention", attention_x=True, attention_y=True)
    return found["attention_x"] / small.width, found["attention_y"] / small.height


def _corner(photo: Photo, width: int, height: int) -> tuple[int, int]:
    """Of a crop around the focal point."""
    high, wide, _ = photo.pixels.shape
    left = _clamp(photo.focal[0] * wide - width / 2, wide - width)
    return left, _clamp(photo.focal[1] * high - height * _EYE_LEVEL, high - height)


def _clamp(value: float, highest: int) -> int:
    return round(min(max(value if math.isfinite(value) else 0, 0), highest))


def allow_svg() -> None:
    """Another module of this process may have closed that loader to strangers."""
    pyvips.operation_block_set("VipsForeignLoadSvg", False)


def drawing(svg: str) -> Any:
    """Our own SVG as an image."""
    allow_svg()
    return pyvips.Image.svgload_buffer(svg.encode())


@functools.lru_cache(maxsize=4)
def surface(*, size: tuple[int, int], base: Rgb, accent: Rgb, rtl: bool) -> Pixels:
    """A card without a photo: ``base`` warming towards ``accent`` in the far upper corner, with a
    star-and-cross lattice that fades out before it reaches the words. A site's theme rarely changes:
    the last four are kept, for nobody to draw on."""
    svg = _surface_svg(*size, base=base, accent=accent, far=0 if rtl else 1)
    image = drawing(svg)
    return pixels(image.flatten(background=list(base)).cast("uchar"))


def _surface_svg(width: int, height: int, *, base: Rgb, accent: Rgb, far: int) -> str:
    tile = math.sqrt(width * height) / 7
    line = colour.to_hex(colour.visible(accent, on=base))
    glow = colour.to_hex(colour.mix(base, accent, 0.3))
    centre = f'cx="{far}" cy="0" fx="{far}" fy="0"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">
<defs>
<radialGradient id="glow" {centre} r="1.15"><stop offset="0" stop-color="{glow}"/>
<stop offset="1" stop-color="{colour.to_hex(base)}"/></radialGradient>
<radialGradient id="fade" {centre} r="0.85"><stop offset="0" stop-color="#fff"/>
<stop offset="0.45" stop-color="#fff" stop-opacity="0.35"/>
<stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>
<mask id="corner"><rect width="{width}" height="{height}" fill="url(#fade)"/></mask>
<pattern id="lattice" width="{tile:.2f}" height="{tile:.2f}" x="{far * width:.2f}"
 patternUnits="userSpaceOnUse">
<path d="{_star(tile)}" fill="{line}" fill-opacity="0.10" stroke="{line}" stroke-opacity="0.55"
 stroke-width="{tile / 70:.2f}" stroke-linejoin="round"/></pattern>
</defs>
<rect width="{width}" height="{height}" fill="url(#glow)"/>
<rect width="{width}" height="{height}" fill="url(#lattice)" mask="url(#corner)"/>
</svg>"""


def _star(tile: float) -> str:
    """Two squares turned by 45 degrees, tips on the tile's edges: stars, with crosses between."""
    outer = tile / 2
    inner = outer * math.cos(math.pi / 4) / math.cos(math.pi / 8)
    points = (
        (radius * math.cos(angle) + outer, radius * math.sin(angle) + outer)
        for radius, angle in ((inner if k % 2 else outer, k * math.pi / 8) for k in range(16))
    )
    return "M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in points) + " Z"
