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
    """One number that has a target, in ``unit``; whether the target is a most or a least.

    ``aim`` is one beyond what is required; a number may have just that.
    """

    name: str
    measured: float
    target: float | None
    unit: str
    bound: Literal["at most", "at least"] = "at most"
    aim: float | None = None

    @property
    def met(self) -> bool:
        return self.target is None or self._reaches(self.target)

    @property
    def result(self) -> str:
        return f"{self.measured:.{_digits(self.measured)}f} {self.unit}".rstrip()

    def row(self) -> tuple[str, str, str, str]:
        return self.name, self._bound(self.target), self.result, self._said(self.target)

    def row_with_aim(self) -> tuple[str, str, str, str, str, str]:
        """``row``, and the same of the aim."""
        return (*self.row(), self._bound(self.aim), self._said(self.aim))

    def _reaches(self, value: float) -> bool:
        return self.measured <= value if self.bound == "at most" else self.measured >= value

    def _bound(self, value: float | None) -> str:
        return "" if value is None else f"{self.bound} {value:g} {self.unit}".rstrip()

    def _said(self, value: float | None) -> str:
        if value is None:
            return ""
        return "yes" if self._reaches(value) else "**no**"


@dataclass(frozen=True)
class Report:
    """What one benchmark has to say."""

    tables: Sequence[Table]
    verdicts: Sequence[Verdict] = ()


def _digits(measured: float) -> int:
    """Decimals that tell one result from another."""
    if measured >= 100 or measured == int(measured):
        return 0
    return 1 if measured >= 10 else 2 if measured >= 1 else 3


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
