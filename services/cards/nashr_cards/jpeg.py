"""A finished card as a JPEG of the right weight. Not here: what is on it."""

from __future__ import annotations

from typing import Final

import numpy as np
import simplejpeg

from nashr_cards.inking import Pixels

MAX_BYTES: Final = 300_000  # WhatsApp shows no larger preview
_LIGHT_BYTES: Final = 150_000  # what a phone loads at once
_QUALITIES: Final = {84: 1.0, 80: 0.88, 76: 0.78, 72: 0.72, 68: 0.67, 64: 0.63, 60: 0.59}
"""JPEG qualities, and the share of the bytes at 84 that they take (median of 48 cards on 12 photos)."""
_COARSE: Final = (45, 30, 15, 5)
_SMALL: Final = 800_000  # pixels
_BAND: Final = 16  # rows, as many as JPEG takes at once


def encoded(canvas: Pixels) -> bytes:
    """A JPEG of about _LIGHT_BYTES at most where the picture allows it, and never above MAX_BYTES.

    A small card is simply tried; of a larger one a few rows tell which quality will do.
    """
    height, width, _ = canvas.shape
    if width * height <= _SMALL:
        data = _saved(canvas, max(_QUALITIES))
        if len(data) <= _LIGHT_BYTES:
            return data
        expected = float(len(data))
    else:
        expected = _expected(canvas)
    data = _saved(canvas, _quality(expected))
    for coarse in _COARSE:
        if len(data) <= MAX_BYTES:
            break
        data = _saved(canvas, coarse)
    return data


def _expected(canvas: Pixels) -> float:
    """Bytes at the best quality, guessed from a few rows: 0.83 to 1.34 of the truth on 48 cards."""
    height = canvas.shape[0]
    places = range(3 * _BAND, height - _BAND, height // 5)
    rows = [canvas[top : top + _BAND] for top in places]
    sample = _saved(np.concatenate(rows), max(_QUALITIES))
    return float(len(sample) * height / (_BAND * len(rows)))


def _quality(expected: float) -> int:
    """The highest quality that keeps a card light which has ``expected`` bytes at the best."""
    light = (quality for quality, share in _QUALITIES.items() if expected * share <= _LIGHT_BYTES)
    return next(light, min(_QUALITIES))


def _saved(canvas: Pixels, quality: int) -> bytes:
    return bytes(simplejpeg.encode_jpeg(canvas, quality, "RGB", "420"))
