"""The nouns of the images service: jobs, headers, renditions, and why a photo is refused.

Knows nothing of libvips, so a worker can speak of photos without loading a decoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """Files that may follow a page: (media type, size) of each, crops cut around ``focal``."""

    recipe: Recipe
    files: tuple[tuple[str, Size], ...]
    focal: tuple[float, float]


def second_set(recipe: Recipe, sizes: Iterable[Size]) -> tuple[tuple[str, Size], ...]:
    """What follows the publishable files of these sizes: AVIF, and the crops' WebP, which no page waits for.

    JPEG crops are in the first set: structured data names them.
    """
    listed = list(sizes)
    webp = [("image/webp", size) for size in listed if size.crop is not None]
    return (*webp, *(("image/avif", size) for size in listed if recipe.avif))


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
    """Of each shape and type ``files`` where they are smaller, all together, than the same sizes elsewhere.

    ``than``: the bytes there are by crop and width; a type that is kept is what the next one is held to.
    Shape by shape and not file by file: a browser chooses a format before it chooses a width, and would load
    a wider file where one were missing.
    """
    kept: list[Rendition] = []
    least = dict(than)
    for family in dict.fromkeys((one.content_type, one.crop) for one in files):
        own = [one for one in files if (one.content_type, one.crop) == family]
        if sum(len(one.data) for one in own) < sum(least[one.crop, one.width] for one in own):
            kept += own
            least |= {(one.crop, one.width): len(one.data) for one in own}
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
    """This worker lacks the library that decodes the format: the photo itself was not tried."""
