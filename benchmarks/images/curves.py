"""From samples to curves: the quality a score needs, and the bytes and the CPU that it costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from statistics import fmean, median

from benchmarks.images.samples import Sample


@dataclass(frozen=True)
class Curve:
    """One picture in one size by one encoder, lowest quality first; straight lines between samples."""

    points: Sequence[Sample]

    def score_at(self, quality: float) -> float:
        """Clamped to the qualities that were measured."""
        return _between([(one.quality, one.score) for one in self.points], quality)

    def bytes_at(self, quality: float) -> float:
        return exp(_between([(one.quality, log(one.bytes)) for one in self.points], quality))

    def quality_for(self, score: float) -> float | None:
        """The least quality of this score; None where no sample is below it, or none above."""
        for low, high in pairwise(self.points):
            if low.score <= score <= high.score:
                share = (score - low.score) / ((high.score - low.score) or 1)
                return low.quality + share * (high.quality - low.quality)
        return None

    def bytes_for(self, score: float) -> float | None:
        quality = self.quality_for(score)
        return None if quality is None else self.bytes_at(quality)

    @property
    def cpu_per_megapixel(self) -> float:
        """The median over qualities that look high to very high."""
        fair = [one for one in self.points if 65 <= one.score <= 85] or self.points
        return median(one.cpu / one.pixels * 1e6 for one in fair)


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    if at <= points[0][0]:
        return points[0][1]
    for (x1, y1), (x2, y2) in pairwise(points):
        if at <= x2:
            return y1 + (y2 - y1) * (at - x1) / (x2 - x1)
    return points[-1][1]


@dataclass(frozen=True)
class Curves:
    """All curves, by (picture, size, encoder)."""

    all: Mapping[tuple[str, str, str], Curve]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Curves:
        groups = defaultdict(list)
        for one in samples:
            groups[one.picture, one.size, one.encoder].append(one)
        return cls({key: Curve(sorted(found, key=lambda one: one.quality)) for key, found in groups.items()})

    def pick(
        self, encoder: str, *, pictures: Collection[str], sizes: Collection[str] | None = None
    ) -> list[Curve]:
        return [
            curve
            for (picture, size, name), curve in self.all.items()
            if name == encoder and picture in pictures and (sizes is None or size in sizes)
        ]

    def ratio(
        self, encoder: str, base: str, score: float, *, pictures: Collection[str], sizes: Collection[str]
    ) -> float | None:
        """Bytes for this score as a share of the base's: the geometric mean over pictures and sizes."""
        logs = []
        for picture in pictures:
            for size in sizes:
                ours, theirs = (self.all.get((picture, size, name)) for name in (encoder, base))
                one, other = (curve.bytes_for(score) if curve else None for curve in (ours, theirs))
                if one and other:
                    logs.append(log(one / other))
        return exp(fmean(logs)) if logs else None


def mean_score(curves: Sequence[Curve], quality: float) -> float:
    return fmean(curve.score_at(quality) for curve in curves)


def quality_for_mean(curves: Sequence[Curve], score: float) -> float | None:
    """Where the mean score of several curves comes to ``score``; None outside of what was measured."""
    qualities = [one.quality for one in curves[0].points]
    if not mean_score(curves, qualities[0]) <= score <= mean_score(curves, qualities[-1]):
        return None
    low, high = float(qualities[0]), float(qualities[-1])
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if mean_score(curves, middle) < score else (low, middle)
    return (low + high) / 2
