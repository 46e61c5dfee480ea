"""Pixels as arrays, and ink laid on them in place.

An array is uint8, (height, width) for a mask and (height, width, 3 or 4) for colours. Every
machine comes to the same bytes. Not here: libvips, which sets text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from nashr_cards.colour import Rgb

Pixels = NDArray[np.uint8]
cv2.setNumThreads(1)  # a card is small, and as many are drawn at once as there are processors
_CACHED: Final = 200_000
"""Values worked on at a time: they stay in the processor's cache. A veil in one go took 3.6 times as long."""


def pixels(image: Any) -> Pixels:
    """A libvips image's pixels, nobody else's."""
    found: Pixels = image.numpy()
    return found


def mask(image: Any) -> Pixels:
    """A small libvips image of one band, as it lies in memory: its pipeline costs as much as the text."""
    data = pyvips.Region.new(image).fetch(0, 0, image.width, image.height)
    return np.frombuffer(data, np.uint8).reshape(image.height, image.width)


def lengthened(canvas: Pixels, height: int, *, fill: Rgb) -> Pixels:
    """The canvas and, below it, as much of one colour as ``height`` asks for."""
    top, width, _ = canvas.shape
    found = np.empty((height, width, 3), np.uint8)
    found[:top] = canvas
    _flat(found)[top:] = np.tile(np.array(fill, np.uint8), width)  # by pixels it took 15 ms for a story
    return found


def stamp(canvas: Pixels, mask: Pixels, *, fill: Rgb, left: int, top: int) -> None:
    """Fills ``mask`` with one colour at a place of a canvas; what lies outside is left out."""
    mask, left, top = _inside(canvas, mask, left, top)
    height, width = mask.shape
    _lay(canvas, mask, _filled(min(height, _rows(width)), width, fill), left=left, top=top)


def paste(canvas: Pixels, sticker: Pixels, *, left: int, top: int) -> None:
    """Lays RGBA pixels over a place of a canvas; what lies outside is left out."""
    sticker, left, top = _inside(canvas, sticker, left, top)
    inks = np.ascontiguousarray(sticker[..., :3])
    _lay(canvas, np.ascontiguousarray(sticker[..., 3]), inks, left=left, top=top)


def veil(canvas: Pixels, opacities: Pixels, *, fill: Rgb, top: int) -> None:
    """Fades whole rows from ``top`` on into one colour, each by its own opacity (0..255).

    Rows of one opacity together. 255 parts never come to a half: no machine's own way to add is seen.
    """
    if not len(opacities):
        return
    edges = [0, *(np.flatnonzero(np.diff(opacities)) + 1), len(opacities)]
    inks = _filled(max(np.diff(edges), default=0), canvas.shape[1], fill)
    for first, last in pairwise(edges):
        opacity, under = int(opacities[first]) / 255, canvas[top + first : top + last]
        cv2.addWeighted(under, 1 - opacity, inks[: last - first], opacity, 0, dst=under)


def _lay(canvas: Pixels, mask: Pixels, inks: Pixels, *, left: int, top: int) -> None:
    """``inks``: as high as the mask; or as what is worked on at a time, where all rows are alike."""
    height, width = mask.shape
    if not mask.size:
        return
    step = _rows(width)
    for first in range(0, height, step):
        band = np.ascontiguousarray(mask[first : first + step])
        at = first if len(inks) == height else 0
        under = canvas[top + first : top + first + len(band), left : left + width]
        _mix(under, cv2.merge((band, band, band)), inks[at : at + len(band)])


def _mix(under: Pixels, opacities: Pixels, inks: Pixels) -> None:
    """Each product is rounded by itself: no machine's own ways with sums of fractions come in."""
    kept = cv2.multiply(under, cv2.bitwise_not(opacities), scale=1 / 255)
    cv2.add(kept, cv2.multiply(opacities, inks, scale=1 / 255), dst=under)


def _rows(width: int) -> int:
    return max(1, _CACHED // max(1, 3 * width))


def _filled(height: int, width: int, fill: Rgb) -> Pixels:
    """By rows: pixel by pixel numpy takes 30 times as long."""
    row = np.tile(np.array(fill, np.uint8), width)
    return np.broadcast_to(row, (height, len(row))).copy().reshape(height, width, 3)


def _flat(canvas: Pixels) -> Pixels:
    return canvas.reshape(canvas.shape[0], -1)


def _inside(canvas: Pixels, laid: Pixels, left: int, top: int) -> tuple[Pixels, int, int]:
    x, y = max(0, -left), max(0, -top)
    right, bottom = canvas.shape[1] - left, canvas.shape[0] - top
    return laid[y : max(y, bottom), x : max(x, right)], left + x, top + y
