"""Masks of simple shapes, kept: every card of a site has the same ones."""

from __future__ import annotations

import functools
from typing import Any

import pyvips

from nashr_cards.backdrop import drawing


@functools.lru_cache(maxsize=64)
def rounded(width: int, height: int, radius: float) -> Any:
    """A filled rectangle with round corners."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" rx="{radius:.2f}"/></svg>'
    )
    return drawing(svg)[3].copy_memory()


@functools.lru_cache(maxsize=16)
def solid(width: int, height: int, opacity: int = 255) -> Any:
    """A filled rectangle."""
    return (pyvips.Image.black(width, height) + opacity).cast("uchar").copy_memory()
