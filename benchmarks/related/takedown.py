"""An article is taken down that a hundred pages link to: how long do readers meet a link to nothing?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench import API_PAUSE, Bench
from benchmarks.figures import Report, Table, Verdict
from benchmarks.stack import Stack, until
from benchmarks.stories import story

PAGES, QUICK_PAGES = 100, 10
VICTIMS, QUICK_VICTIMS = 3, 1
DEAD_AFTER: Final = 5.0
"""Seconds after which no page may link to what is gone."""
_WATCHED: Final = 30.0


@dataclass(frozen=True)
class Seen:
    """Of one takedown, in seconds since its request: answered, tombstone, and each page's last link."""

    accepted: float
    gone: float
    without: Sequence[float]
    dead: int
    pass_seconds: float


def measure(folder: Path, *, quick: bool) -> Iterator[Report]:
    with Stack(folder) as stack:
        bench = Bench(stack, quick=quick, poll=0.005)
        pages, victims = _published(bench)
        rounds = [_taken_down(bench, path, article, pages) for path, article in victims.items()]
    yield _report(rounds, pages=len(pages))


def _published(bench: Bench) -> tuple[Sequence[str], Mapping[str, str]]:
    """The pages that pin every victim and show it, and the victims' articles by path."""
    victims = {}
    for number in range(bench.rounds(VICTIMS, QUICK_VICTIMS)):
        made, article = bench.draft(f"gone-{number}")
        bench.publish(article["id"], made)
        victims[made.path] = article["id"]
    pinned = {"pin": list(victims.values())}
    waiting = []
    for number in range(bench.rounds(PAGES, QUICK_PAGES)):
        made = story(f"points-{number}")
        article = bench.newsroom.save({**made.draft, "related": pinned})
        waiting.append((made, bench.newsroom.publish(article["id"])["id"]))
    for _, publication in waiting:
        bench.proven(publication)
    pages = [made.path for made, _ in waiting]
    for path in pages:
        shows = partial(_links_to_all, bench, path, list(victims))
        until(shows, what=f"{path} to link to all that it pins", pause=API_PAUSE)
    return pages, victims


def _links_to_all(bench: Bench, path: str, victims: Sequence[str]) -> bool:
    return all(_links(bench, path, victim) for victim in victims)


def _links(bench: Bench, path: str, victim: str) -> bool:
    return victim.encode() in bench.reader.get(path).content


def _taken_down(bench: Bench, path: str, article: str, pages: Sequence[str]) -> Seen:
    """Every page is read again and again, all the time, until the link has left each and the time is up."""
    bench.stack.rest()
    for page in pages:
        _links(bench, page, path)  # the edge holds them all
    started = time.perf_counter()
    bench.newsroom.request(
        "POST", f"/v1/articles/{article}/unpublish", json={"kind": "takedown", "reason": "benchmark"}
    )
    accepted = gone = time.perf_counter() - started
    last = dict.fromkeys(pages, 0.0)
    without: dict[str, float] = {}
    still_there, passes, elapsed = True, 0, accepted
    while elapsed < _WATCHED and (len(without) < len(pages) or elapsed < DEAD_AFTER):
        if still_there:
            still_there = bench.reader.get(path).status_code == 200
            gone = time.perf_counter() - started
        for page in pages:
            linked = _links(bench, page, path)
            elapsed = time.perf_counter() - started
            if linked:
                last[page] = elapsed
                without.pop(page, None)
            else:
                without.setdefault(page, elapsed)
        passes += 1
    return Seen(
        accepted=accepted,
        gone=gone,
        without=[without.get(page, elapsed) for page in pages],
        dead=sum(1 for page in pages if last[page] > DEAD_AFTER),
        pass_seconds=(elapsed - accepted) / passes,
    )


def _report(rounds: Sequence[Seen], *, pages: int) -> Report:
    rows = [
        (
            f"takedown {number}",
            f"{one.accepted:.2f} s",
            f"{one.gone:.2f} s",
            f"{median(one.without):.2f} s",
            f"{max(one.without):.2f} s",
            str(one.dead),
        )
        for number, one in enumerate(rounds, start=1)
    ]
    every = median(one.pass_seconds for one in rounds)
    table = Table(
        f"An article is taken down that {pages} pages link to",
        (
            "seconds since the request", "answered", "tombstone", "half of the pages without the link",
            "all of them", f"dead links after {DEAD_AFTER:g} s",
        ),
        rows,
        (f"All pages are read through the edge, one after another, without a pause: once in {every:.2f} s.",),
    )  # fmt: skip
    return Report(
        (table,),
        (
            Verdict("links to an article taken down, after 5 s", sum(one.dead for one in rounds), 0, "links"),
            Verdict(
                f"last of {pages} pages without the link",
                max(max(one.without) for one in rounds), DEAD_AFTER, "s",
            ),
        ),
    )  # fmt: skip
