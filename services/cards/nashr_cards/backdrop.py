"""What lies behind the words: the hero cropped around its focal point, or a designed surface,
darkened until the words can be read. Not here: the words themselves, and where they stand.
"""

from __future__ import annotations

import functools
import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyvips

from nashr_cards import colour
from nashr_cards.card import UnreadableHero
from nashr_cards.colour import Rgb

_PHOTO: Final = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|....ftyp", re.DOTALL)
_MAX_PIXELS: Final = 50_000_000
_EYE_LEVEL: Final = 0.36  # of the height: the middle of what the words leave free


@dataclass(frozen=True)
class Zone:
    """A rectangle in px that carries text."""

    left: int
    top: int
    width: int
    height: int


def photo(hero: bytes, *, size: tuple[int, int], focal: tuple[float, float] | None) -> Any:
    """The hero as an sRGB image of ``size``, its focal point (0..1) kept at eye level.

    Without a focal point libvips looks for one (skin, saturation, edges).
    Raises UnreadableHero.
    """
    try:
        image = _decoded(hero)
        if focal is None:
            image = image.copy_memory()  # to be read twice
            focal = _attention(image)
        return _cropped(image, size=size, focal=focal).copy_memory()
    except pyvips.Error as error:
        raise UnreadableHero(f"the hero cannot be decoded: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unknown"])[-1].strip()


def _decoded(hero: bytes) -> Any:
    if not _PHOTO.match(hero):  # before any of libvips' rarer decoders sees it
        raise UnreadableHero("the hero is no photo format: give JPEG, WebP, PNG or AVIF")
    image = pyvips.Image.new_from_buffer(hero, "", access="sequential", fail_on="error")
    if image.width * image.height > _MAX_PIXELS:
        raise UnreadableHero(f"the hero has {image.width}x{image.height} pixels: give a rendition")
    return image


def _attention(image: Any) -> tuple[float, float]:
    small = image.thumbnail_image(240, height=240, size="down").copy_memory()
    side = max(1, min(small.width, small.height) // 2)
    _, found = small.smartcrop(side, side, interesting="attention", attention_x=True, attention_y=True)
    return found["attention_x"] / small.width, found["attention_y"] / small.height


def _cropped(image: Any, *, size: tuple[int, int], focal: tuple[float, float]) -> Any:
    width, height = size
    crop_width = max(1, min(image.width, round(image.height * width / height)))
    crop_height = max(1, min(image.height, round(image.width * height / width)))
    left = _clamp(focal[0] * image.width - crop_width / 2, image.width - crop_width)
    top = _clamp(focal[1] * image.height - crop_height * _EYE_LEVEL, image.height - crop_height)
    crop = image.extract_area(left, top, crop_width, crop_height)
    crop = crop.resize(width / crop_width, vscale=height / crop_height, kernel="cubic")
    crop = crop.colourspace("srgb")
    return (crop.flatten() if crop.hasalpha() else crop).cast("uchar")


def _clamp(value: float, highest: int) -> int:
    return round(min(max(value if math.isfinite(value) else 0, 0), highest))


def drawing(svg: str) -> Any:
    """Our own SVG as an image; another module of this process may have closed that loader to strangers."""
    pyvips.operation_block_set("VipsForeignLoadSvg", False)
    return pyvips.Image.svgload_buffer(svg.encode())


@functools.lru_cache(maxsize=2)
def surface(*, size: tuple[int, int], base: Rgb, accent: Rgb, rtl: bool) -> Any:
    """A card without a photo: ``base`` warming towards ``accent`` in the far upper corner, with a
    star-and-cross lattice that fades out before it reaches the words. A site's theme rarely changes:
    the last two are kept."""
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


def readable(image: Any, *, zones: Sequence[Zone], text: Rgb, veil: Rgb, least: float, target: float) -> Any:
    """``image`` under a veil that falls from above the highest zone to the lower edge.

    The veil starts at the strength ``least`` (0..1) and thickens until no pixel of any zone has
    less contrast with ``text`` than ``target``, or until nothing but the veil is left.
    """
    strength = least
    while strength < 1 and any(
        worst_contrast(image, zone=zone, text=text, veil=veil, strength=strength) < target for zone in zones
    ):
        strength = min(1.0, strength + 0.05)
    top = min((zone.top for zone in zones), default=image.height)
    return _veiled(image, top=top, veil=veil, strength=strength) if strength else image


def _veiled(image: Any, *, top: int, veil: Rgb, strength: float) -> Any:
    start = top - round(image.height * 0.34)
    rows = bytes(
        math.ceil(255 * _veil(row, start=start, full=top, height=image.height, strength=strength))
        for row in range(image.height)
    )
    column = pyvips.Image.new_from_memory(rows, 1, image.height, 1, "uchar")
    return image.draw_mask(list(veil), column.replicate(image.width, 1), 0, 0)


def _veil(row: int, *, start: int, full: int, height: int, strength: float) -> float:
    """Opacity of one row: a smooth rise to ``strength`` at ``full``, then on to a darker foot."""
    if row >= full:
        foot = min(1.0, strength + 0.22)
        return strength + (foot - strength) * (row - full) / max(1, height - full)
    position = min(1.0, max(0.0, (row - start) / max(1, full - start)))
    return strength * position * position * (3 - 2 * position)


def worst_contrast(
    image: Any, *, zone: Zone, text: Rgb, veil: Rgb = colour.BLACK, strength: float = 0.0
) -> float:
    """The lowest WCAG contrast between ``text`` and any pixel of ``zone``, seen through ``veil``.

    1 where a pixel is as light as the text, or lies on its other side.
    """
    left, top = max(0, zone.left), max(0, zone.top)
    width = min(zone.left + zone.width, image.width) - left
    height = min(zone.top + zone.height, image.height) - top
    table = _light_table(veil, strength)
    lights = pyvips.Image.new_from_memory(table, 256, 1, 3, "float")
    seen = image.extract_area(left, top, width, height).maplut(lights).bandmean() * 3
    ink = colour.luminance(text)
    worst = seen.max() if ink > 0.18 else seen.min()
    wrong_side = worst >= ink if ink > 0.18 else worst <= ink
    return 1.0 if wrong_side else colour.ratio(ink, worst)


@functools.lru_cache(maxsize=32)
def _light_table(veil: Rgb, strength: float) -> bytes:
    """Per band, what each channel value under ``veil`` adds to the relative luminance, as floats."""
    shares = tuple(zip(veil, (0.2126, 0.7152, 0.0722), strict=True))
    return array(
        "f",
        (
            share * colour.linear(round(value + (over - value) * strength))
            for value in range(256)
            for over, share in shares
        ),
    ).tobytes()
