"""From the publish request of a text story to its bytes at the edge, beside the least anyone must pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench, Published
from benchmarks.figures import SPREAD, Report, Table, Verdict, percentile, spread
from benchmarks.measures.floor import Floor
from benchmarks.measures.stages import stages

ROUNDS, QUICK = 100, 5
WARM_UP, QUICK_WARM_UP = 20, 3


@dataclass(frozen=True)
class Round:
    """One story published, and the floor right after it, in seconds."""

    published: Published
    floor: float


def run(bench: Bench) -> Report:
    """Each round waits for the queue to be at rest, before the story and again before the floor."""
    floor = Floor(bench)
    for number in range(bench.rounds(WARM_UP, QUICK_WARM_UP)):
        _round(bench, floor, f"warm-{number}")
    rounds = [_round(bench, floor, f"text-{number}") for number in range(bench.rounds(ROUNDS, QUICK))]
    visible = [one.published.visible for one in rounds]
    return Report(
        tables=(_table(rounds), stages("Where a text story's time goes", [one.published for one in rounds])),
        verdicts=(
            Verdict("text story, publish to visible, p50", median(visible) * 1000, 200, "ms"),
            Verdict("text story, publish to visible, p95", percentile(visible, 95) * 1000, 500, "ms"),
        ),
    )


def _round(bench: Bench, floor: Floor, name: str) -> Round:
    story, article = bench.draft(name)
    bench.stack.rest()
    published = bench.publish(article["id"], story)
    bench.stack.rest()
    return Round(published, floor.publish(name, published.seen.page))


def _table(rounds: Sequence[Round]) -> Table:
    published = [one.published for one in rounds]
    floors = [one.floor for one in rounds]
    return Table(
        f"Text story: {len(rounds)} in a row, the queue at rest before each",
        ("from the publish request to", *SPREAD),
        (
            ("its answer, 202", *spread([one.accepted for one in published])),
            ("visible at the edge", *spread([one.visible for one in published])),
            ("receipt", *spread([one.proven for one in published])),
            ("floor: PUT, purge and GET of the same page without nashr", *spread(floors)),
        ),
        notes=_notes(rounds),
    )


def _notes(rounds: Sequence[Round]) -> tuple[str, str]:
    ratio = median(one.published.visible / one.floor for one in rounds)
    looks = median(one.published.seen.looks for one in rounds)
    pages = [one.published.seen.page.text for one in rounds]
    cards, see_also, related = (_share(text, pages) for text in ("/cards/", "see-also", 'class="related"'))
    first_seen = f"{cards} named a social card, {see_also} had see-also links, {related} related stories"
    return (
        f"Visible is {ratio:.1f} times the floor, the reader looked {looks:g} times (medians of the rounds).",
        f"Of the pages as they were first seen, {first_seen}.",
    )


def _share(text: str, pages: Sequence[str]) -> str:
    return f"{sum(text in page for page in pages) / len(pages):.0%}"
