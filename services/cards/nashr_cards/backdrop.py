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

import pyvips

from nashr_cards import colour, inking
from nashr_cards.card import UnreadableHero
from nashr_cards.colour import Rgb

Size = tuple[int, int]

_PHOTO: Final = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|....ftyp", re.DOTALL)
_MAX_PIXELS: Final = 50_000_000
_EYE_LEVEL: Final = 0.36  # of the height: the middle of what the words leave free


@dataclass(frozen=True)
class Photo:
    """A decoded hero and its focal point in 0..1."""

    image: Any
    focal: tuple[float, float]


def opened(hero: bytes, *, sizes: Sequence[Size], focal: tuple[float, float] | None) -> Photo:
    """Decodes the hero, no larger than cards of ``sizes`` need it. Raises UnreadableHero.

    For a single size the pixels are left to be read while they are cropped. Without a focal point
    libvips looks for one (skin, saturation, edges).
    """
    with _reading():
        image = _loaded(hero, sizes)
        if len(sizes) > 1 or focal is None:
            image = image.copy_memory()
        return Photo(image, _attention(image) if focal is None else focal)


def cropped(photo: Photo, size: Size, *, height: int | None = None, ground: Rgb = colour.BLACK) -> Any:
    """The photo as a canvas of ``size`` in sRGB, its focal point at eye level. Raises UnreadableHero.

    ``height``: of the canvas, where it goes on below the photo in the colour of the ``ground``.
    """
    with _reading():
        image = _cropped(photo.image, size=size, focal=photo.focal)
        if height is not None:
            image = image.embed(0, 0, size[0], height, extend="background", background=list(ground))
        return inking.canvas(image)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except pyvips.Error as error:
        line = (str(error).strip().splitlines() or ["unknown"])[-1].strip()
        raise UnreadableHero(f"the hero cannot be decoded: {line}") from error


def _loaded(hero: bytes, sizes: Sequence[Size]) -> Any:
    """The hero upright in sRGB, a JPEG shrunk by its own decoder, all shrunk where several sizes share it."""
    if not _PHOTO.match(hero):  # before any of libvips' rarer decoders sees it
        raise UnreadableHero("the hero is no photo format: give JPEG, WebP, PNG or AVIF")
    image = pyvips.Image.new_from_buffer(hero, "", access="sequential", fail_on="error")
    if image.width * image.height > _MAX_PIXELS:
        raise UnreadableHero(f"the hero has {image.width}x{image.height} pixels: give a rendition")
    turned = image.get_typeof("orientation") != 0 and image.get("orientation") >= 5
    wide, high = (image.height, image.width) if turned else (image.width, image.height)
    needed = max(max(width / wide, height / high) for width, height in sizes)
    if hero.startswith(b"\xff\xd8"):
        shrink = next((by for by in (8, 4, 2) if needed * by <= 1), 1)
        image = pyvips.Image.jpegload_buffer(hero, shrink=shrink, access="sequential", fail_on="error")
        needed *= shrink
    if image.get_typeof("orientation") != 0 and image.get("orientation") != 1:
        image = image.copy_memory().autorot()  # rows are read out of order
    if image.interpretation not in {"srgb", "rgb"}:
        image = image.colourspace("srgb")
    image = (image.flatten() if image.hasalpha() else image).cast("uchar")
    return image.resize(needed, kernel="cubic") if len(sizes) > 1 and needed < 0.8 else image


def _attention(image: Any) -> tuple[float, float]:
    small = image.thumbnail_image(240, height=240, size="down").copy_memory()
    side = max(1, min(small.width, small.height) // 2)
    _, found = small.smartcrop(side, side, interesting="attention", attention_x=True, attention_y=True)
    return found["attention_x"] / small.width, found["attention_y"] / small.height


def _cropped(image: Any, *, size: Size, focal: tuple[float, float]) -> Any:
    width, height = size
    crop_width = max(1, min(image.width, round(image.height * width / height)))
    crop_height = max(1, min(image.height, round(image.width * height / width)))
    left = _clamp(focal[0] * image.width - crop_width / 2, image.width - crop_width)
    top = _clamp(focal[1] * image.height - crop_height * _EYE_LEVEL, image.height - crop_height)
    crop = image.extract_area(left, top, crop_width, crop_height)
    across, down = width / crop_width, height / crop_height
    if max(across, down) > 1:
        # Repeated pixels shrunk again: twice as fast as enlarging (33 ms for a story), and as smooth.
        times = math.ceil(max(across, down))
        return crop.zoom(times, times).resize(across / times, vscale=down / times, kernel="linear")
    return crop if across == down == 1 else crop.resize(across, vscale=down, kernel="cubic")


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
def surface(*, size: tuple[int, int], base: Rgb, accent: Rgb, rtl: bool) -> Any:
    """A card without a photo: ``base`` warming towards ``accent`` in the far upper corner, with a
    star-and-cross lattice that fades out before it reaches the words. A site's theme rarely changes:
    the last four are kept."""
    svg = _surface_svg(*size, base=base, accent=accent, far=0 if rtl else 1)
    image = drawing(svg)
    return image.flatten(background=list(base)).cast("uchar").copy_memory()


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
