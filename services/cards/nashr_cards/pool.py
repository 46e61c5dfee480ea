"""Draws in child processes under limits of memory, CPU and time: a hostile image kills a child only.

The parent never loads libvips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nashr.domain.cards import FORMATS, Format
from nashr.domain.errors import Retryable
from nashr.runtime.sandbox import Limits, Sandbox, TaskCrashed

from nashr_cards.card import Card, CardText, Theme

LIMITS: Final = Limits(seconds=8.0, memory_bytes=1 << 29, tasks=500, niceness=0)
"""Not behind the services: first publications wait for their cards, and bulk draws one story at a time."""
_WARM: Final = CardText("نشر nashr", "", "ar", "rtl")


class CardCrashed(Retryable):
    """The child that drew the cards died, or ran out of memory, CPU or time."""


class CardPool:
    """``size`` resident children; thread-safe."""

    def __init__(self, *, size: int = 1, limits: Limits = LIMITS) -> None:
        self._sandbox = Sandbox(
            "nashr_cards.child",
            children=size,
            limits=limits,
            environment={"VIPS_CONCURRENCY": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def draw(
        self,
        text: CardText,
        *,
        hero: bytes | None,
        focal: tuple[float, float] | None,
        theme: Theme,
        formats: Sequence[Format] = FORMATS,
    ) -> tuple[Card, ...]:
        """As core.draw, in a child. Raises CardCrashed, UnreadableHero, SandboxUnavailable."""
        try:
            cards = self._sandbox.run("draw", text, hero=hero, focal=focal, theme=theme, formats=formats)
        except TaskCrashed as error:
            raise CardCrashed(f"the cards could not be drawn: {error}") from error
        assert isinstance(cards, tuple)
        return cards

    def warm(self) -> None:
        """Starts a child and draws once, so that the first card does not wait for fonts."""
        self.draw(_WARM, hero=None, focal=None, theme=Theme("", "", "", ""), formats=("og",))

    def close(self) -> None:
        """Waits for cards being drawn, then ends the children."""
        self._sandbox.close()
