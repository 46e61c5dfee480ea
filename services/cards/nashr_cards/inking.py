"""Inking masks and stickers onto an image in place.

pyvips copies the whole image before it draws, for every mask anew: half of a card's CPU was that. So the
image to draw on is copied once, by whoever owns it, and changed here.
"""

from __future__ import annotations

from typing import Any

import pyvips

from nashr_cards.colour import Rgb


def canvas(image: Any) -> Any:
    """A copy of ``image`` in memory, for nobody else to see while it is drawn on."""
    return image.copy().copy_memory()


def stamp(image: Any, mask: Any, *, fill: Rgb, left: int, top: int) -> None:
    """Fills ``mask`` with one colour at a place of a canvas; what lies outside is left out."""
    _draw("draw_mask", image=image, ink=list(fill), mask=mask, x=left, y=top)


def paste(image: Any, sticker: Any, *, left: int, top: int) -> None:
    """Lays an RGBA image over a place of a canvas, inside it."""
    under = image.extract_area(left, top, sticker.width, sticker.height)
    over = under.composite2(sticker, "over").flatten().cast("uchar")
    _draw("draw_image", image=image, sub=over, x=left, y=top)


def _draw(operation: str, **arguments: Any) -> None:
    """Builds a libvips operation as pyvips does, without its copy."""
    drawing = pyvips.Operation.new_from_name(operation)
    for name, value in arguments.items():
        pyvips.VipsObject.set(drawing, name, value)
    built = pyvips.vips_lib.vips_cache_operation_build(drawing.pointer)
    if built == pyvips.ffi.NULL:
        raise pyvips.Error(f"unable to call {operation}")
    pyvips.vips_lib.vips_object_unref_outputs(pyvips.Operation(built).vobject)
