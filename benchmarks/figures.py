"""Numbers into markdown: medians, percentiles, tables, and verdicts against a target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

SPREAD = ("p50", "p95", "max")


@dataclass(frozen=True)
class Table:
    """One table of the report. ``notes`` are sentences below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        notes = "".join(f"\n{note}\n" for note in self.notes)
        return f"### {self.title}\n\n{table(self.columns, self.rows)}{notes}"


@dataclass(frozen=True)
class Verdict:
    """One number that has a target, in ``unit``; whether the target is a most or a least."""

    name: str
    measured: float
    target: float
    unit: str
    bound: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool:
        return self.measured <= self.target if self.bound == "at most" else self.measured >= self.target

    def row(self) -> tuple[str, str, str, str]:
        target = f"{self.bound} {self.target:g} {self.unit}"
        digits = 0 if self.measured >= 100 else 1 if self.measured >= 10 else 2
        return self.name, target, f"{self.measured:.{digits}f} {self.unit}", "yes" if self.met else "**no**"


@dataclass(frozen=True)
class Report:
    """What one benchmark has to say."""

    tables: Sequence[Table]
    verdicts: Sequence[Verdict] = ()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; all columns but the first are aligned right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (columns, rule, *rows))


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: a value that was really measured."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Median, 95th percentile and maximum of seconds, as milliseconds."""
    return milliseconds(median(values)), milliseconds(percentile(values, 95)), milliseconds(max(values))


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.0995 else f"{seconds * 1000:.1f} ms"


def megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
