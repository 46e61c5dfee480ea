"""Where related links stand on an article's page; which links, ``related`` decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

BEFORE_FIRST: Final = 2
BETWEEN: Final = 3
MOST_SEE_ALSO: Final = 10
CARDS: Final = 4
T = TypeVar("T")


def places(kinds: Sequence[str], wanted: int) -> tuple[int, ...]:
    """Indexes of the blocks that a see-also follows, at most ``wanted``, rising.

    ``kinds`` are the types of the blocks. A see-also stands between two paragraphs, so it is never first,
    last, or beside a figure; the first comes after two paragraphs, each further one after three more.
    """
    found: list[int] = []
    since = BETWEEN - BEFORE_FIRST
    for index in range(len(kinds) - 1):
        since += kinds[index] == "paragraph"
        between = kinds[index] == kinds[index + 1] == "paragraph"
        if since >= BETWEEN and between and len(found) < wanted:
            found.append(index)
            since = 0
    return tuple(found)


def room(kinds: Sequence[str]) -> int:
    """How many see-also links the blocks have places for, at most ten."""
    return len(places(kinds, MOST_SEE_ALSO))


def arranged(
    see_also: Sequence[T], related_news: Sequence[T], *, kinds: Sequence[str]
) -> tuple[Sequence[T], Sequence[T]]:
    """The see-also links that find a place and the cards, of what may be shown at this moment.

    A see-also without a place leads the cards; behind them spares move up.
    """
    placed = len(places(kinds, len(see_also)))
    return see_also[:placed], [*see_also[placed:], *related_news][:CARDS]
