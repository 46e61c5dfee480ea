"""One changed article, by the requests that nashr sends to its store and its edge, as the archive grows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from nashr.store.database import connect, statement

from benchmarks.bench import Bench
from benchmarks.delivery.behind import Behind, stack_behind_varnish
from benchmarks.figures import Report, Table, Verdict
from benchmarks.pages.archive import Archive, pages_at_rest
from benchmarks.stack import until
from benchmarks.stories import story

SIZES, QUICK = (1_000, 100_000), (100, 1_000)
PER_DAY: Final = 30
ROUNDS, QUICK_ROUNDS = 3, 1
NAME: Final = "changed"


@dataclass(frozen=True)
class Asked:
    """Requests for one change in an archive of ``articles``: median of the rounds, by what was asked."""

    articles: int
    requests: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.requests.values())


def run(folder: Path, *, quick: bool) -> Report:
    """For each size a stack of its own, an archive in its database, and one story that is changed."""
    found = []
    for size in QUICK if quick else SIZES:
        home = folder / f"{size}"
        home.mkdir()
        with stack_behind_varnish(home, counted=True) as behind:
            found.append(_asked(behind, size, rounds=QUICK_ROUNDS if quick else ROUNDS))
    kinds = sorted({kind for one in found for kind in one.requests})
    table = Table(
        "Requests for one changed article, median",
        ("request", *(f"{one.articles:,} articles" for one in found)),
        [
            *((kind, *(f"{one.requests.get(kind, 0):g}" for one in found)) for kind in kinds),
            ("all", *(f"{one.total:g}" for one in found)),
        ],
    )
    totals = [one.total for one in found]
    return Report(
        (table,), (Verdict("requests, largest archive less smallest", totals[-1] - totals[0], 0, ""),)
    )


def _asked(behind: Behind, size: int, *, rounds: int) -> Asked:
    begun = time.perf_counter()
    stack = behind.stack
    Archive(stack.settings.database_url, stack.described_site(), size=size, per_day=PER_DAY).fill()
    print(f"{size} articles written in {time.perf_counter() - begun:.0f} s", flush=True)
    bench = Bench(stack, quick=False, poll=0.1)
    _, article = bench.draft(NAME)
    bench.newsroom.publish(article["id"])
    _rest(stack.settings.database_url)
    each: list[Counter[str]] = []
    for revision in range(2, rounds + 2):
        before = _counts(behind)
        article = _change(bench, article, revision)
        _rest(stack.settings.database_url)
        each.append(_counts(behind) - before)
    kinds = {kind for one in each for kind in one}
    return Asked(size, {kind: median(one[kind] for one in each) for kind in kinds})


def _change(bench: Bench, article: Mapping[str, Any], revision: int) -> Mapping[str, Any]:
    following = story(NAME, revision=revision)
    answer = bench.newsroom.request(
        "PUT", f"/v1/articles/{article['id']}", json=following.draft,
        headers={"If-Match": f'"{article["revision"]}"'},
    )  # fmt: skip
    bench.newsroom.publish(article["id"])
    return dict(answer.json())


def _counts(behind: Behind) -> Counter[str]:
    assert behind.store is not None
    assert behind.edge is not None
    named = {"store": behind.store, "edge": behind.edge}
    return Counter({
        f"{method} at the {where}": count
        for where, counted in named.items() for method, count in counted.requests.items()
    })  # fmt: skip


def _rest(url: str) -> None:
    """Waits until every page shows what is wanted and was purged for the last time."""
    engine = connect(url, pool=1, application="nashr-bench")

    def rest() -> bool:
        with statement(engine) as conn:
            return pages_at_rest(conn)

    try:
        until(rest, what="every page to be at rest", pause=0.5)
    finally:
        engine.dispose()
