"""The veil between a backdrop and the words on it: as thin as it may be for each word to be read.

The contrast is that with the pixels themselves. Not here: the backdrop, and the words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pyvips

from nashr_cards import colour, inking
from nashr_cards.colour import Rgb
from nashr_cards.frame import Zone

_STEPS: Final = 40  # shades of a veil that are tried
_RISE: Final = 0.117  # of width and height together: how far above the words a veil begins


def draw(canvas: Any, *, zones: Sequence[Zone], text: Rgb, veil: Rgb, least: float, target: float) -> None:
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


def extreme(image: Any, zone: Zone, *, lightest: bool) -> Rgb:
    """A grey that no pixel of ``zone`` is lighter than (or darker) in any channel.

    One pass that stops at the first white: a saturated pixel counts as a grey as light as its strongest
    channel, so the veil may come out a little thicker than it had to be. Weighing each took 5 times as long.
    """
    left, top = max(0, zone.left), max(0, zone.top)
    width = min(zone.left + zone.width, image.width) - left
    height = min(zone.top + zone.height, image.height) - top
    area = image.extract_area(left, top, width, height)
    level = round(area.max() if lightest else area.min())
    return level, level, level


def _draw(canvas: Any, *, top: int, veil: Rgb, strength: float) -> None:
    width, height = canvas.width, canvas.height  # asked once: pyvips takes its time to answer
    start = top - round((width + height) * _RISE)
    first, last = max(0, start), height if strength < 1 else top  # nothing but the veil is below then
    rows = [
        math.ceil(255 * _veil(row, start=start, full=top, height=height, strength=strength))
        for row in range(first, last)
    ]
    mask = b"".join(bytes((value,)) * width for value in rows)
    shade = pyvips.Image.new_from_memory(mask, width, len(rows), 1, "uchar")
    inking.stamp(canvas, shade, fill=veil, left=0, top=first)


def _veil(row: int, *, start: int, full: int, height: int, strength: float) -> float:
    """Opacity of one row: a smooth rise to ``strength`` at ``full``, then on to a darker foot."""
    if row >= full:
        foot = min(1.0, strength + 0.22)
        return strength + (foot - strength) * (row - full) / max(1, height - full)
    position = min(1.0, max(0.0, (row - start) / max(1, full - start)))
    return strength * position * position * (3 - 2 * position)
