"""How the score of a related link fades with the age of the article that it leads to."""

from datetime import timedelta
from typing import Final

DAY: Final = timedelta(days=1)

LASTING: Final = 0.6
"""The part of a score that never fades: a background story of any age beats a fresh one half as similar."""


def recency(age_days: float, *, half_life_days: float) -> float:
    """0.6 + 0.4 x 2^(-age / half life): 1 for the newest (and for the future), 0.6 for what is very old."""
    return LASTING + (1 - LASTING) * 2 ** (-max(0.0, age_days) / half_life_days)
