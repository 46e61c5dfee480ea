"""Masks of simple shapes, kept: every card of a site has the same ones."""

from __future__ import annotations

import functools

import numpy as np

from nashr_cards.backdrop import drawing
from nashr_cards.inking import Pixels, pixels


@functools.lru_cache(maxsize=64)
def rounded(width: int, height: int, radius: float) -> Pixels:
    """A filled rectangle with round corners."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" rx="{radius:.2f}"/></svg>'
    )
    return pixels(drawing(svg)[3])


def solid(width: int, height: int, opacity: int = 255) -> Pixels:
    """A filled rectangle."""
    return np.broadcast_to(np.uint8(opacity), (height, width))
