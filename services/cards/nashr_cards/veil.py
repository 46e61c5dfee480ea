"""The veil between a backdrop and the words on it: as thin as it may be for each word to be read.

The contrast is that with the pixels themselves. Not here: the backdrop, and the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nashr_cards import colour, inking
from nashr_cards.colour import Rgb
from nashr_cards.frame import Zone
from nashr_cards.inking import Pixels

_STEPS: Final = 40  # shades of a veil that are tried
_RISE: Final = 0.117  # of width and height together: how far above the words a veil begins


def draw(canvas: Pixels, *, zones: Sequence[Zone], text: Rgb, veil: Rgb, least: float, target: float) -> None:
    """Draws a veil over ``canvas`` that falls from above the highest zone to the lower edge.

    The veil has at least the strength ``least`` (0..1), and more until no pixel of any zone has
    less contrast with ``text`` than ``target``, or until nothing but the veil is left.
    """
    strength = least
    if least < 1:
        light = colour.luminance(text) > 0.18
        worst = {extreme(canvas, zone, lightest=light) for zone in zones}
        strength = _strength(worst, text=text, veil=veil, least=least, target=target)
    if strength and zones:
        _draw(canvas, top=min(zone.top for zone in zones), veil=veil, strength=strength)


def _strength(worst: set[Rgb], *, text: Rgb, veil: Rgb, least: float, target: float) -> float:
    ink = colour.luminance(text)
    low, high = round(least * _STEPS), _STEPS
    while low < high:
        middle = (low + high) // 2
        shades = (colour.mix(shade, veil, middle / _STEPS) for shade in worst)
        if all(_contrast(ink, colour.luminance(shade)) >= target for shade in shades):
            high = middle
        else:
            low = middle + 1
    return low / _STEPS


def _contrast(ink: float, ground: float) -> float:
    """1 where the ground lies on the ink's other side."""
    wrong = ground >= ink if ink > 0.18 else ground <= ink
    return 1.0 if wrong else colour.ratio(ink, ground)


def extreme(canvas: Pixels, zone: Zone, *, lightest: bool) -> Rgb:
    """A grey that no pixel of ``zone`` is lighter than (or darker) in any channel.

    A saturated pixel counts as a grey as light as its strongest channel, so the veil may come out a little
    thicker than it had to be. Weighing each took 5 times as long.
    """
    rows = slice(max(0, zone.top), zone.top + zone.height)
    area = canvas[rows, max(0, zone.left) : zone.left + zone.width]
    level = int(area.max() if lightest else area.min())
    return level, level, level


def _draw(canvas: Pixels, *, top: int, veil: Rgb, strength: float) -> None:
    height, width, _ = canvas.shape
    start = top - round((width + height) * _RISE)
    first, last = max(0, start), height if strength < 1 else top  # nothing but the veil is below then
    opacities = _opacities(np.arange(first, last), start=start, full=top, height=height, strength=strength)
    inking.veil(canvas, np.ceil(255 * opacities).astype(np.uint8), fill=veil, top=first)


def _opacities(
    rows: NDArray[np.int64], *, start: int, full: int, height: int, strength: float
) -> NDArray[np.float64]:
    """Of each row (0..1): a smooth rise to ``strength`` at ``full``, then on to a darker foot."""
    foot = min(1.0, strength + 0.22)
    below = strength + (foot - strength) * (rows - full) / max(1, height - full)
    rise = np.clip((rows - start) / max(1, full - start), 0.0, 1.0)
    return np.where(rows >= full, below, strength * rise * rise * (3 - 2 * rise))
