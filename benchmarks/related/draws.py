"""The links that pages get: copies of one story among them, how many there are, and what they are worth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Final

from benchmarks.figures import Report, Table, Verdict
from benchmarks.related import means
from benchmarks.related.archive import Archive
from benchmarks.related.copies import SAME, Copies
from benchmarks.related.subject import Link

LINKS: Final = 14
JUDGED_FIRST: Final = 5
COLUMNS: Final = (
    "", f"nDCG@{JUDGED_FIRST} by stories", "95 % interval", "difference", "95 % interval",
)  # fmt: skip
_BANDS: Final = ((0, 0), (1, 3), (4, 6), (7, 9), (10, 13), (14, 14))


@dataclass(frozen=True)
class Drawn:
    """One article: its first candidates as they rank, and the links of its page."""

    article: str
    ranked: Sequence[str]
    links: Sequence[Link]


def measure(archive: Archive, pool: Archive, *, articles: int) -> Iterator[Report]:
    """``pool`` holds just the judged articles of the same corpus: there every link has a judgement."""
    chosen = Random(1).sample(sorted(archive.numbers), articles)
    drawn = [
        Drawn(one, archive.ranked(one)[:LINKS], archive.room.drawn(one)) for one in chosen
    ]  # fmt: skip
    copies = Copies(archive.corpus.texts)
    yield _copies(drawn, copies)
    yield Report((_numbers(drawn),))
    yield Report((_stories(pool),))


def _copies(drawn: Sequence[Drawn], copies: Copies) -> Report:
    ranked = [(one.article, one.ranked) for one in drawn]
    links = [(one.article, [link.article for link in one.links]) for one in drawn]
    rows = []
    totals: list[int] = []
    for name, each in ((f"the first {LINKS} as they rank", ranked), ("the links of the page", links)):
        own = sum(copies.same(article, one) for article, found in each for one in found)
        pairs = sum(copies.same(*pair) for _, found in each for pair in combinations(found, 2))
        rows.append((name, str(sum(len(found) for _, found in each)), str(own), str(pairs)))
        totals = [own, pairs]
    note = (
        f"Near-copies share {SAME:.0%} of the shorter text's word 3-grams, counted exactly, from the texts."
    )
    table = Table(
        f"One story told twice, {len(drawn)} articles",
        ("", "links", "near-copies of the article", "pairs of links that repeat one story"),
        rows, (note,),
    )  # fmt: skip
    return Report(
        (table,),
        (
            Verdict("near-copies of the article among its links", totals[0], 0, "links"),
            Verdict("pairs of links that repeat one story", totals[1], 0, "pairs"),
        ),
    )


def _numbers(drawn: Sequence[Drawn]) -> Table:
    sizes = Counter(sum(link.reason != "latest" for link in one.links) for one in drawn)
    rows = [
        (
            f"{low} to {high}" if high > low else str(low),
            _share(sum(sizes[n] for n in range(low, high + 1)), drawn),
        )
        for low, high in _BANDS
    ]
    every = [link for one in drawn for link in one.links]
    latest = sum(link.reason == "latest" for link in every)
    note = (
        f"Of all {len(every)} links shown, {latest / len(every):.1%} are the newest of the section instead, "
        "for want of a related article."
    )
    title = f"Related links of a page that has room for {LINKS}"
    return Table(title, ("related links", "share of pages"), rows, (note,))


def _share(count: int, drawn: Sequence[Drawn]) -> str:
    return f"{count / len(drawn):.1%}"


def _stories(pool: Archive) -> Table:
    """Judged by stories: the copies of one count once, those of the article itself nothing."""
    groups = Copies(pool.corpus.texts).groups([text.id for text in pool.corpus.texts])
    ways: Mapping[str, Callable[[str], Sequence[str]]] = {
        "as they rank by likeness": pool.ranked,
        "of these, what reaches the floor": lambda query: pool.related(query, fading=False),
        "... with recency": lambda query: pool.related(query, fading=True),
        "the links of the page": lambda query: [link.article for link in pool.room.drawn(query)],
    }
    found: dict[str, dict[str, float]] = {name: {} for name in ways}
    for query, grades in pool.corpus.judged.items():
        if ideal := _ideal(query, grades, groups):
            for name, way in ways.items():
                found[name][query] = _gained(query, way(query), grades, groups) / ideal
    rows = []
    first = next(iter(found.values()))
    for name, each in found.items():
        worth, apart = means.mean(list(each.values())), means.difference(each, first)
        compared = (apart.signed(), apart.signed_interval()) if each is not first else ("", "")
        rows.append((name, worth.plain(), worth.interval(), *compared))
    note = (
        f"{len(first)} queries among the {len(groups)} judged articles alone. Near-copies, and near-copies "
        "of those, are one story: it counts once; a repetition, or a copy of the article itself, counts "
        "nothing and uses up its rank."
    )
    title = f"Worth of the first {JUDGED_FIRST} links by stories"
    return Table(title, COLUMNS, rows, (note,))


def _gained(
    query: str, ranking: Sequence[str], grades: Mapping[str, int], groups: Mapping[str, int]
) -> float:
    worth = _worth(grades, groups)
    seen, gained = {groups[query]}, []
    for article in ranking[:JUDGED_FIRST]:
        gained.append(0 if groups[article] in seen else worth.get(groups[article], 0))
        seen.add(groups[article])
    return _discounted(gained)


def _ideal(query: str, grades: Mapping[str, int], groups: Mapping[str, int]) -> float:
    worth = _worth(grades, groups)
    best = sorted((grade for story, grade in worth.items() if story != groups[query]), reverse=True)
    return _discounted(best[:JUDGED_FIRST])


def _worth(grades: Mapping[str, int], groups: Mapping[str, int]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for article, grade in grades.items():
        found[groups[article]] = max(grade, found.get(groups[article], 0))
    return found


def _discounted(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades))
