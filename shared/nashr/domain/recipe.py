"""The recipe: which renditions are made of every photo of a site, and around which point they are cut.

Pure numbers. The images service carries it out; the store compares keys to see what is out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, Final, NamedTuple

from nashr.domain.errors import Fault

VERSION: Final = 2
"""Raised when the same names give other files: every photo is then made anew when it is next published."""

WIDEST: Final = 4096  # pixels: more than any screen shows of a page
MOST_WIDTHS: Final = 8
TALLEST: Final = 16_383  # what WebP can hold
_RATIO_TOLERANCE: Final = 0.02  # a photo this close to a crop's shape serves as that crop


class Quality(NamedTuple):
    """The encoders' numbers at which the formats look alike; ``quick`` is AVIF's at its least effort."""

    jpeg: int
    webp: int
    avif: int
    quick: int


class Level(NamedTuple):
    """Numbers for most sizes, and for those narrower than NARROW, which 4:2:0 costs more."""

    usual: Quality
    small: Quality


MIDDLE: Final = (0.5, 0.5)  # where a photo is cut that nobody has looked at

NARROW: Final = 480  # pixels; measured at 320
LEVELS: Final[Mapping[str, Level]] = {
    "light": Level(Quality(67, 72, 56, 57), small=Quality(67, 72, 62, 64)),
    "standard": Level(Quality(74, 81, 62, 64), small=Quality(80, 83, 73, 76)),
    "high": Level(Quality(84, 87, 71, 72), small=Quality(89, 91, 87, 88)),
}
"""A mean SSIMULACRA2 of 70, 75 and 80, narrow ones 64, 70 and 75: benchmarks/images/QUALITY.md."""


class Size(NamedTuple):
    """One size of a photo in pixels: the whole of it, or cut to the shape ``crop`` such as ``16:9``."""

    crop: str | None
    width: int
    height: int


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Recipe:
    """``widths`` in pixels; ``crops`` as ``16:9``, each ``crop_width`` wide; ``quality`` one of LEVELS."""

    widths: tuple[int, ...] = (320, 640, 960, 1280, 1920)
    crops: tuple[str, ...] = ("16:9", "4:3", "1:1")
    crop_width: int = 1200
    quality: str = "standard"
    avif: bool = True

    @property
    def key(self) -> str:
        """Names everything that decides about the files' bytes, but for the photo and its focal point."""
        widths, crops = "-".join(map(str, self.widths)), ",".join(self.crops)
        return f"v{VERSION}.{widths}.{crops}@{self.crop_width}.{self.quality}.avif{self.avif:d}"

    def quality_at(self, width: int) -> Quality:
        """The encoders' numbers for a file this wide."""
        level = LEVELS[self.quality]
        return level.small if width < NARROW else level.usual

    def sizes_for(self, width: int, height: int) -> tuple[Size, ...]:
        """All that is made of a photo of this size: every smaller width and its own, then the crops.

        Never larger than the photo. A crop is left out where the photo has its shape by itself.
        """
        own = min(width, max(self.widths), max(1, TALLEST * width // height))
        widths = (*(smaller for smaller in sorted(self.widths) if smaller < own), own)
        whole = [Size(None, wide, min(TALLEST, max(1, round(height * wide / width)))) for wide in widths]
        return (*whole, *(self._crop(name, width, height) for name in self._crops_for(width, height)))

    def base_width(self, width: int, height: int) -> int:
        """The width that the one decode is reduced to: the smallest that every size can be made of."""
        sizes = self.sizes_for(width, height)
        own = max(size.width for size in sizes if size.crop is None)
        boxes = [(size, frame(width, height, size.crop)) for size in sizes if size.crop is not None]
        return max([own, *(min(width, ceil(width * size.width / box.width)) for size, box in boxes)])

    def _crops_for(self, width: int, height: int) -> tuple[str, ...]:
        return tuple(name for name in self.crops if not _is_shape(width / height, ratio(name)))

    def _crop(self, name: str, width: int, height: int) -> Size:
        wide = min(self.crop_width, frame(width, height, name).width)
        return Size(name, wide, max(1, round(wide / ratio(name))))


RECIPE: Final = Recipe()


def ratio(name: str) -> float:
    """``16:9`` as a number."""
    across, down = name.split(":")
    return int(across) / int(down)


def _is_shape(one: float, other: float) -> bool:
    return abs(one - other) <= _RATIO_TOLERANCE * other


def frame(width: int, height: int, name: str, *, focal: tuple[float, float] = MIDDLE) -> Box:
    """The largest box of the shape ``name`` in a photo, its centre as near to ``focal`` (0..1) as can be."""
    shape = ratio(name)
    wide = min(width, max(1, round(height * shape)))
    tall = min(height, max(1, round(width / shape)))
    left = min(max(round(focal[0] * width - wide / 2), 0), width - wide)
    top = min(max(round(focal[1] * height - tall / 2), 0), height - tall)
    return Box(left, top, wide, tall)


def read_recipe(data: Any, at: str, faults: list[Fault]) -> Recipe:
    """A site's ``[images]`` table; what it leaves out is as in RECIPE. Adds a fault per wrong field."""
    if data is None:
        return RECIPE
    if not isinstance(data, Mapping):
        faults.append(Fault(at, "bad_type", "a table with widths, crops, crop_width, quality and avif"))
        return RECIPE
    names = [one.name for one in fields(Recipe)]
    before = len(faults)
    faults += [
        Fault(f"{at}/{name}", "unknown_field", f"{name} is not a field here; known: {', '.join(names)}")
        for name in data
        if name not in names
    ]
    for name, wrong, cure in _RULES:
        if data.get(name) is not None and wrong(data[name]):
            faults.append(Fault(f"{at}/{name}", "invalid", cure))
    if len(faults) > before:
        return RECIPE
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in data.items() if v is not None
    }
    return Recipe(**given)


def _wrong_widths(value: Any) -> bool:
    listed = isinstance(value, list | tuple) and 1 <= len(value) <= MOST_WIDTHS
    return not listed or len(set(map(str, value))) < len(value) or any(map(_wrong_width, value))


def _wrong_width(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, int) or not 16 <= value <= WIDEST


def _wrong_crops(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) > MOST_WIDTHS:
        return True
    return len(set(map(str, value))) < len(value) or any(map(_wrong_crop, value))


def _wrong_crop(value: Any) -> bool:
    parts = value.split(":") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return True
    across, down = map(int, parts)
    return not (across and down and 1 / 4 <= across / down <= 4)


_RULES: Final = (
    ("widths", _wrong_widths, f"1 to {MOST_WIDTHS} different whole numbers from 16 to {WIDEST}"),
    ("crops", _wrong_crops, f'at most {MOST_WIDTHS} shapes such as "16:9", none beyond 4:1 or 1:4'),
    ("crop_width", _wrong_width, f"a whole number from 16 to {WIDEST}"),
    (
        "quality",
        lambda value: not isinstance(value, str) or value not in LEVELS,
        f"one of {', '.join(LEVELS)}",
    ),
    ("avif", lambda value: not isinstance(value, bool), "true or false"),
)
