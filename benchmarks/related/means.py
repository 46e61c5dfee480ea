"""Means with their 95 % confidence intervals, by bootstrap over queries; the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

RESAMPLES: Final = 2000


@dataclass(frozen=True)
class Mean:
    """A mean, and between what its 95 % interval lies."""

    value: float
    low: float
    high: float

    def plain(self) -> str:
        return f"{self.value:.3f}"

    def interval(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"

    def signed(self) -> str:
        return f"{self.value:+.4f}"

    def signed_interval(self) -> str:
        return f"{self.low:+.4f} to {self.high:+.4f}"


def mean(values: Sequence[float]) -> Mean:
    """Over queries drawn again and again with replacement."""
    found = np.asarray(values, dtype=float)
    chance = np.random.default_rng(0)
    means = found[chance.integers(0, len(found), (RESAMPLES, len(found)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Mean(float(found.mean()), float(low), float(high))


def difference(one: Mapping[str, float], other: Mapping[str, float]) -> Mean:
    """Of the queries that both have, pair by pair: what is easy or hard for both does not count."""
    shared = sorted(one.keys() & other.keys())
    return mean([one[query] - other[query] for query in shared])
