"""What runs in the drawing processes: ``core.draw``, and libvips' errors as ours."""

from __future__ import annotations

from collections.abc import Sequence

import pyvips
from nashr.domain.cards import Format

from nashr_cards import core
from nashr_cards.card import Card, CardText, Theme

pyvips.cache_set_max(0)


def draw(
    text: CardText,
    *,
    hero: bytes | None,
    focal: tuple[float, float] | None,
    theme: Theme,
    formats: Sequence[Format],
) -> tuple[Card, ...]:
    """``core.draw``. Raises UnreadableHero; MemoryError for what libvips could not do."""
    try:
        return core.draw(text, hero=hero, focal=focal, theme=theme, formats=formats)
    except pyvips.Error as error:
        # libvips' own class would bring libvips into the parent; what it cannot draw, it has no room for.
        raise MemoryError(str(error)) from None
