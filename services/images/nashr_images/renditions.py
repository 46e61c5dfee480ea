"""The nouns of the images service: jobs, headers, renditions, and why a photo is refused.

Knows nothing of libvips, so a worker can speak of photos without loading a decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from nashr.domain.errors import Permanent, Retryable
from nashr.domain.recipe import RECIPE, Recipe, Size

from nashr_images.metadata import Metadata

MAX_PIXELS: Final = 60_000_000
"""Largest photo accepted, all frames counted. 60 MP of AVIF peak at 935 MB (measured)."""


@dataclass(frozen=True)
class Job:
    """What is to be made of a photo. ``focal`` is the editor's point, fractions of width and height.

    ``crops_only``: the uncropped files are there already.
    """

    recipe: Recipe = RECIPE
    focal: tuple[float, float] | None = None
    crops_only: bool = False


@dataclass(frozen=True)
class LightJob:
    """AVIF files of these sizes, cut around ``focal``."""

    recipe: Recipe
    sizes: tuple[Size, ...]
    focal: tuple[float, float]


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
    """One encoded size of a photo: without its metadata, but for credit and copyright.

    ``frames`` is above one where it moves.
    """

    width: int
    height: int
    content_type: str
    data: bytes
    crop: str | None = None
    frames: int = 1


@dataclass(frozen=True)
class Decode:
    """The one decode as raw 8-bit sRGB: ``width * height * bands`` samples, row by row."""

    width: int
    height: int
    bands: int
    samples: bytes
    metadata: Metadata


@dataclass(frozen=True)
class Rendered:
    """All that a page needs of one photo.

    ``width`` and ``height`` are the original's as a reader sees it, ``renditions`` go from narrow
    to wide with the crops last, ``placeholder`` is a ``data:`` URI and ``mean_colour`` reads ``#rrggbb``.
    ``found`` is the point that the crops were cut around where the editor gave none.
    """

    width: int
    height: int
    renditions: tuple[Rendition, ...]
    placeholder: str
    mean_colour: str
    found: tuple[float, float] | None
    metadata: Metadata
    decode: Decode | None = None


def lighter_only(
    files: Sequence[Rendition], than: Mapping[tuple[str | None, int], int]
) -> tuple[Rendition, ...]:
    """Of each shape ``files`` where they are smaller, all together, than the same sizes in ``than``.

    ``than``: bytes by crop and width. Shape by shape and not file by file: a browser chooses a format before
    it chooses a width, and would load a wider file where one were missing.
    """
    kept: list[Rendition] = []
    for crop in dict.fromkeys(one.crop for one in files):
        own = [one for one in files if one.crop == crop]
        if sum(len(one.data) for one in own) < sum(than[crop, one.width] for one in own):
            kept += own
    return tuple(kept)


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
