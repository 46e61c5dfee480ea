"""A finished card as a JPEG of the right weight. Not here: what is on it."""

from __future__ import annotations

from typing import Any, Final

import pyvips

MAX_BYTES: Final = 300_000  # WhatsApp shows no larger preview
_LIGHT_BYTES: Final = 150_000  # what a phone loads at once
_QUALITIES: Final = {84: 1.0, 80: 0.88, 76: 0.79, 72: 0.73, 68: 0.67, 64: 0.62, 60: 0.58}
"""JPEG qualities, and about how many bytes they take of those at 84 (measured on photos under a veil)."""
_COARSE: Final = (45, 30, 15, 5)
_BAND: Final = 16  # rows, as many as JPEG takes at once


def encoded(canvas: Any) -> bytes:
    """A JPEG of about _LIGHT_BYTES at most where the picture allows it, and never above MAX_BYTES."""
    data = _saved(canvas, _quality(canvas))
    for coarse in _COARSE:
        if len(data) <= MAX_BYTES:
            break
        data = _saved(canvas, coarse)
    return data


def _quality(canvas: Any) -> int:
    """The highest quality that keeps the card light, guessed from a few of its rows: trying took longer."""
    width, height = canvas.width, canvas.height
    places = range(3 * _BAND, height - _BAND, height // 5)
    rows = [canvas.extract_area(0, top, width, _BAND) for top in places]
    sample = _saved(pyvips.Image.arrayjoin(rows, across=1), 84)
    expected = len(sample) * height / (_BAND * len(rows))
    light = (quality for quality, share in _QUALITIES.items() if expected * share <= _LIGHT_BYTES)
    return next(light, min(_QUALITIES))


def _saved(image: Any, quality: int) -> bytes:
    return bytes(image.jpegsave_buffer(Q=quality, keep="none"))
