"""What an article page costs to render, and what it weighs."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import brotli
from nashr.domain.site import Site
from nashr_delivery import article, core, markup
from nashr_delivery.chrome import Chrome, Links, SiteAssets
from nashr_delivery.views import ArticleView

from benchmarks import machine
from benchmarks.figures import Table, Verdict, percentile, table
from tests.pages import sample

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
ROUNDS: Final = 200
LENGTHS: Final = (300, 900, 3000)
LONG: Final = 900


@dataclass(frozen=True)
class Case:
    """One article of so many words, its page, and ways to make it."""

    words: int
    view: ArticleView
    site: Site
    look: SiteAssets
    page: core.Page

    def ways(self) -> Mapping[str, Callable[[], object]]:
        """nashr from view to bytes, and Jinja alone with the values that nashr hands to it."""
        template, values = self._handed_over()
        return {
            "nashr": lambda: core.render(self.view, self.site, self.look, version=1),
            "jinja2 alone": lambda: template.render(**values).encode(),
        }

    def _handed_over(self) -> tuple[Any, dict[str, Any]]:
        """The template and what it is rendered with, caught where nashr calls Jinja."""
        caught: dict[str, Any] = {}
        template = markup.environment(self.look.templates).get_template("article.html")
        render = template.render

        def catching(**values: Any) -> str:
            caught.update(values)
            return render(**values)

        template.render = catching  # type: ignore[method-assign]
        try:
            article.draft(self.view, Chrome(self.site, self.look, Links(self.site)))
        finally:
            template.render = render  # type: ignore[method-assign]
        return template, caught


def main() -> None:
    """Measures, prints, and after a whole run replaces RESULTS.md."""
    quick = "--quick" in sys.argv[1:]
    about = machine.describe()
    cases = [_case(words) for words in LENGTHS]
    costs = {case.words: _costs(case, rounds=20 if quick else ROUNDS) for case in cases}
    report = _report(about, cases, costs)
    print(report)
    if not quick:
        RESULTS.write_text(report, "utf-8")


def _case(words: int) -> Case:
    site = sample.edition()
    view, look = sample.long_story(site, words=words), sample.look(site)
    return Case(words, view, site, look, core.render(view, site, look, version=1))


def _costs(case: Case, *, rounds: int) -> Mapping[str, Sequence[float]]:
    """CPU in milliseconds of each call; the ways take turns, so that a busy moment hits both."""
    ways = case.ways()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.process_time_ns()
            way()
            found[name].append((time.process_time_ns() - begun) / 1e6)
    return found


def _report(about: str, cases: Sequence[Case], costs: Mapping[int, Mapping[str, Sequence[float]]]) -> str:
    verdicts = _verdicts(cases, costs)
    parts = [
        "# Results\n\nWritten by `render.py`; [README.md](README.md) says what each number means.\n",
        about + "\n",
        table(("measured", "target", "result", "met"), [one.row() for one in verdicts]),
        _cpu(costs).markdown(),
        _weight(cases).markdown(),
    ]
    return "\n".join(parts)


def _verdicts(cases: Sequence[Case], costs: Mapping[int, Mapping[str, Sequence[float]]]) -> list[Verdict]:
    (case,) = (one for one in cases if one.words == LONG)
    packed = len(brotli.compress(case.page.body, quality=5)) / 1000
    return [
        Verdict(f"CPU, {LONG} words, p50", median(costs[LONG]["nashr"]), 5, "ms"),
        Verdict(f"HTML, {LONG} words, brotli 5", packed, 14.6, "kB"),
    ]


def _cpu(costs: Mapping[int, Mapping[str, Sequence[float]]]) -> Table:
    rows = [
        (
            f"{words} words",
            name,
            f"{median(found):.2f} ms",
            f"{percentile(found, 95):.2f} ms",
            _beside(ways, name),
        )
        for words, ways in costs.items()
        for name, found in ways.items()
    ]
    return Table("CPU of a page", ("article", "by", "p50", "p95", "beside Jinja"), rows)


def _spread(found: Sequence[float]) -> tuple[float, float]:
    return median(found), percentile(found, 95)


def _beside(ways: Mapping[str, Sequence[float]], name: str) -> str:
    return f"{median(ways[name]) / median(ways['jinja2 alone']):.2f}"


def _weight(cases: Sequence[Case]) -> Table:
    rows = []
    for case in cases:
        body = case.page.body
        sizes = (body, gzip.compress(body, 6), brotli.compress(body, quality=5), brotli.compress(body))
        rows.append((f"{case.words} words", *(f"{len(one) / 1000:.1f} kB" for one in sizes)))
    return Table("Weight of the HTML", ("article", "plain", "gzip 6", "brotli 5", "brotli 11"), rows)
