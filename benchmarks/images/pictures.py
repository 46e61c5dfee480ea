"""The pictures that are measured: shared photos where there are any, and drawn ones, the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import fontpkg_ibm_plex_sans_arabic
import pyvips

from benchmarks import photos

BASE: Final = 1920
_SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "photos"
_TALL: Final = 16_383


def shared_photos() -> Mapping[str, Path]:
    """The photos of 12 to 24 megapixels beside the checkout, by name; empty where there are none."""
    return {file.stem.removeprefix("im_"): file for file in sorted(_SHARED.glob("im_*.jpg"))}


def largest_shared_photo() -> Path | None:
    """The one with the most pixels: 24 megapixels, as the drawn one has."""
    by_pixels = {file: _pixels(file) for file in shared_photos().values()}
    return max(by_pixels, key=by_pixels.__getitem__) if by_pixels else None


def _pixels(file: Path) -> int:
    header = pyvips.Image.new_from_file(str(file), access="sequential")
    return int(header.width * header.height)


def bases(folder: Path) -> Mapping[str, Callable[[], Any]]:
    """Pictures BASE wide, upright, in 8-bit sRGB, in memory; ``folder`` holds the photo that is drawn."""

    def drawn_photo() -> Any:
        file = folder / "drawn.jpg"
        photos.draw(file, seed=1)
        return base(file)

    shared = {name: (lambda file=file: base(file)) for name, file in shared_photos().items()}
    return {**shared, "drawn photo": drawn_photo, "graphic": _graphic, "gradient": _gradient}


def base(file: Path) -> Any:
    """A photo shrunk to BASE: the pixels that every rendition is made of."""
    small = pyvips.Image.thumbnail(str(file), BASE, height=_TALL, size="down", output_profile="srgb")
    return small.colourspace("srgb").cast("uchar").copy_memory()


def _graphic() -> Any:
    """Bars, lines and lettering in flat colours, as newsrooms draw their statistics."""
    paper = pyvips.Image.black(BASE, 1280).new_from_image([247, 245, 240])
    image = paper.copy(interpretation="srgb").copy_memory()
    colours = ([190, 30, 45], [20, 90, 150], [240, 170, 30], [40, 130, 90])
    lines = [(text, 60, 40 + 90 * at) for at, text in enumerate(("Prices, 2019 to 2026", "per cent a year"))]
    for at in range(16):
        high = 120 + (at * 7919) % 700
        bar = [100 + at * 108, 1180 - high, 80, high]
        image = image.draw_rect(colours[at % 4], *bar, fill=True)
        lines.append((f"{high / 100:.1f}", bar[0], bar[1] - 50))
    for level in range(5):
        image = image.draw_line([120, 120, 120], 80, 1180 - 200 * level, 1860, 1180 - 200 * level)
    for text, x, y in lines:
        image = _lettered(image, text, x=x, y=y)
    return image.copy_memory()


def _lettered(image: Any, text: str, *, x: int, y: int) -> Any:
    font = Path(fontpkg_ibm_plex_sans_arabic.__file__).parent
    file = next(iter(sorted(font.rglob("*Regular*.ttf"))), None)
    mask = pyvips.Image.text(
        text, font="IBM Plex Sans Arabic 28", dpi=96, **({"fontfile": str(file)} if file else {})
    )
    ink = mask.new_from_image([30, 30, 34]).copy(interpretation="srgb").bandjoin(mask)
    return image.composite2(ink, "over", x=x, y=y).extract_band(0, n=3).cast("uchar").copy_memory()


def _gradient() -> Any:
    """An evening sky: nothing but slow changes, where blocks and bands show first."""
    place = pyvips.Image.xyz(BASE, 1280)
    x, y = place[0] / BASE, place[1] / 1280
    glow = (((x - 0.7) * (x - 0.7) + (y - 0.8) * (y - 0.8)) * -6).exp()
    sky = [20 + 60 * y + 170 * glow, 40 + 70 * y + 90 * glow, 110 + 60 * y - 30 * glow]
    return sky[0].bandjoin(sky[1:]).copy(interpretation="srgb").cast("uchar").copy_memory()
