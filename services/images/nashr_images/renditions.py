"""The nouns of the images service: recipe, header, rendition, and why a photo is refused.

Knows nothing of libvips, so a worker can speak of photos without loading a decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from nashr.domain.errors import Permanent, Retryable

MAX_PIXELS: Final = 60_000_000
"""Largest photo accepted, all frames counted. 60 MP of AVIF peak at 935 MB (measured)."""


@dataclass(frozen=True)
class Recipe:
    """What is made of every photo. Raise ``version`` when the same numbers give other bytes."""

    version: int
    widths: tuple[int, ...]
    jpeg_quality: int
    webp_quality: int

    @property
    def key(self) -> str:
        """Names this recipe in input hashes: equal keys mean equal renditions."""
        widths = "-".join(map(str, self.widths))
        return f"v{self.version}.{widths}.jpeg{self.jpeg_quality}.webp{self.webp_quality}"

    def widths_for(self, width: int) -> tuple[int, ...]:
        """The widths to make of a photo this wide: every smaller one and its own, never more."""
        return (*(smaller for smaller in sorted(self.widths) if smaller < width), width)


RECIPE: Final = Recipe(version=1, widths=(320, 640, 960, 1280, 1920), jpeg_quality=80, webp_quality=80)


@dataclass(frozen=True)
class Header:
    """What a file says of itself. Width and height are those a reader sees, orientation applied."""

    width: int
    height: int
    content_type: str
    pages: int
    has_alpha: bool


@dataclass(frozen=True)
class Rendition:
    """One encoded size of a photo, without any of the original's metadata."""

    width: int
    height: int
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Rendered:
    """All that a page needs of one photo.

    ``width`` and ``height`` are the original's as a reader sees it, ``renditions`` go from narrow
    to wide, ``placeholder`` is a ``data:`` URI and ``mean_colour`` reads ``#rrggbb``.
    """

    width: int
    height: int
    renditions: tuple[Rendition, ...]
    placeholder: str
    mean_colour: str


class ImageRefused(Permanent):
    """This file can never become renditions as it is; ``code`` is its wire code."""

    code: ClassVar[str] = "broken_image"


class NotAnImage(ImageRefused):
    """The bytes are not in a format that we accept."""

    code = "unsupported_media_type"


class TooManyPixels(ImageRefused):
    """The header announces more pixels than we decode."""

    code = "too_many_pixels"


class BrokenImage(ImageRefused):
    """The format is right, the content is damaged."""


class ImageCrashed(ImageRefused):
    """Decoding needed more memory or time than a photo may take, or killed its process."""


class DecoderUnavailable(Retryable):
    """No child process could be started or kept: the photo itself was not tried."""
