"""A live story is corrected: until the edge, which held the old page, gives out the new one."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.bench import Bench, Published
from benchmarks.figures import SPREAD, Report, Table, spread
from benchmarks.measures.stages import stages
from benchmarks.stack import until
from benchmarks.stories import Story, story

ROUNDS, QUICK = 50, 3
NAME = "correction"


def run(bench: Bench) -> Report:
    """One story, revised again and again in its first paragraph."""
    made, article = bench.draft(NAME)
    bench.publish(article["id"], made)
    rounds = []
    for revision in range(2, bench.rounds(ROUNDS, QUICK) + 2):
        following = story(NAME, revision=revision)
        article = _revise(bench, article, following)
        rounds.append(_round(bench, article["id"], before=made, after=following))
        made = following
    table = Table(
        f"Correction of a live story, the queue at rest before each; rounds: {len(rounds)}",
        ("from the publish request to", *SPREAD),
        (
            ("new bytes at the edge", *spread([one.visible for one in rounds])),
            ("receipt", *spread([one.proven for one in rounds])),
        ),
        notes=(f"The reader looked {median(one.seen.looks for one in rounds):g} times (median).",),
    )
    return Report(tables=(table, stages("Where a correction's time goes", rounds)))


def _revise(bench: Bench, article: Mapping[str, Any], following: Story) -> Mapping[str, Any]:
    answer = bench.newsroom.request(
        "PUT", f"/v1/articles/{article['id']}", json=following.draft,
        headers={"If-Match": f'"{article["revision"]}"'},
    )  # fmt: skip
    return dict(answer.json())


def _round(bench: Bench, article: str, *, before: Story, after: Story) -> Published:
    """The old page is in the edge's cache when the new one is asked for."""
    bench.stack.rest()

    def cached() -> bool:
        page = bench.reader.get(before.path)
        return page.headers.get("x-cache") == "HIT" and before.mark in page.content

    until(cached, what=f"the edge to hold {before.mark!r}")
    return bench.publish(article, after)
