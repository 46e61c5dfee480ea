"""Older articles that a new one should appear on: does the bounded fan-out find those a full one would?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.figures import Report, Table, Verdict, percentile
from benchmarks.related import archive, subject
from benchmarks.related.archive import Archive
from benchmarks.related.corpora import Corpus
from benchmarks.related.database import Cost, Meter

EVERY: Final = 2000
"""Articles near a new one that are looked at in full, as long as they are related at all."""


@dataclass(frozen=True)
class Arrival:
    """One new article: what each older one that would show it gains, and which did show it."""

    gains: Mapping[str, float]
    showing: frozenset[str]
    cost: Cost

    @property
    def wanted(self) -> frozenset[str]:
        """All, or the best by gain where more gain than one publication may refresh."""
        best = sorted(self.gains, key=lambda article: (-self.gains[article], article))
        return frozenset(best[: subject.FAN_OUT])


def measure(loaded: Archive, *, arrivals: int) -> Iterator[Report]:
    """The archive's articles have their links drawn; the corpus' next ones arrive one by one."""
    loaded.room.draw_all(list(loaded.numbers))
    first, meter = len(loaded.numbers), Meter(loaded.room.engine)
    texts = loaded.corpus.texts[first : first + arrivals]
    drafts = archive.drafts(texts)
    yield _report([_arrived(loaded.room, draft, meter) for draft in drafts], older=first)


def part(corpus: Corpus, *, articles: int, arrivals: int) -> Corpus:
    """The beginning of a corpus, in the order it was written."""
    return Corpus(corpus.name, corpus.texts[: articles + arrivals], {}, corpus.pool)


def _arrived(room: subject.Newsroom, draft: subject.Draft, meter: Meter) -> Arrival:
    [number] = room.admit([draft]).values()
    room.take_step(draft.id, number)
    gains = {
        older: gain
        for older in room.similar(number, limit=EVERY)
        if (gain := _gain(room.shown(older), room.drawn(older), draft.id)) is not None
    }
    _, cost = meter.measure(room.fan_out, draft.id)
    return Arrival(gains, room.showing(draft.id), cost)


def _gain(
    before: Sequence[subject.Link], after: Sequence[subject.Link], article: str
) -> float | None:  # fmt: skip
    """By how much an older article's links would be better; None if they would not show the new one."""
    score = next((link.score for link in after if link.article == article), None)
    if score is None:
        return None
    full = len(before) == len(after) and all(link.reason == "similar" for link in before)
    return score - (min(link.score for link in before) if full else 0.0)


def _report(arrivals: Sequence[Arrival], *, older: int) -> Report:
    wanted = [len(one.wanted) for one in arrivals]
    found = [len(one.wanted & one.showing) for one in arrivals]
    recall = sum(found) / max(1, sum(wanted))
    costs = [one.cost.wall * 1000 for one in arrivals]
    gaining = [len(one.gains) for one in arrivals]
    note = (
        f"Looked for: every older article related to the new one was drawn again (up to {EVERY}), and those "
        f"were kept that would show it; of more than {subject.FAN_OUT}, those with the greatest gain."
    )
    table = Table(
        f"{len(arrivals)} new articles, one by one, among {older} older ones",
        ("", "measured"),
        (
            ("older articles that would show the new one, median", f"{median(gaining):g}"),
            ("p95", f"{percentile(gaining, 95):g}"),
            ("most", str(max(gaining))),
            (f"looked for, at most {subject.FAN_OUT} each", str(sum(wanted))),
            ("of these, showed it after one run of backlinks", str(sum(found))),
            ("recall", f"{recall:.1%}"),
            ("new articles whose older ones were all found", str(sum(map(_complete, arrivals)))),
            ("one run of backlinks, wall clock, median", f"{median(costs):.0f} ms"),
            ("p95", f"{percentile(costs, 95):.0f} ms"),
        ),
        (note,),
    )
    return Report((table,), (Verdict("reverse links found", 100 * recall, 95, "%", "at least", aim=99),))


def _complete(one: Arrival) -> bool:
    return one.wanted <= one.showing
