"""What each choice of the ranking is worth: everything else as nashr has it, in memory, query by query.

Differences are paired: the same queries, one setting changed. The store's limits are imitated here so that
they can be moved; ``quality`` measures the store itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

import numpy as np

from benchmarks.figures import Table
from benchmarks.related import corpora, matrix, means, subject
from benchmarks.related.corpora import Corpus
from benchmarks.related.matrix import Array, Counts, Weighted

DEPTH: Final = 200
COLUMNS: Final = ("", "nDCG@5", "difference", "95 % interval")
LESS_READ: Final = (30, 17)
"""Smaller bounds: an archive 30 times as large, read to a bound of 500, is this one read to 17."""


@dataclass(frozen=True)
class Way:
    """One way to rank: as nashr does, but for what is given. ``posted`` None: every article is scored."""

    terms: int = subject.SIGNATURE_TERMS
    headline_times: float = 1.0
    often: Callable[[Array], Array] = matrix.logarithm
    overlap: float = subject.HEADLINE_SHARE
    posted: int | None = None
    asked: int = subject.POSTED
    newest: int = subject.READ_NEWEST
    heaviest: int = subject.READ_HEAVIEST


class Archive:
    """A judged corpus, counted once, ranked in many ways."""

    def __init__(self, corpus: Corpus, counts: Counts) -> None:
        self.corpus = corpus
        self.counts = counts
        self.rows = {text.id: row for row, text in enumerate(corpus.texts)}

    @cached_property
    def factors(self) -> Array:
        return subject.factors(self.counts.frequencies, documents=self.counts.articles)

    @cached_property
    def headlines(self) -> Weighted:
        return matrix.headlines(self.counts)

    def evaluated(self, scores: Callable[[int], Array]) -> Mapping[str, float]:
        """nDCG@5 of each query when articles rank by these scores."""
        ranked = {}
        for query in self.corpus.queries:
            found = scores(self.rows[query])
            found[self.rows[query]] = 0
            ranked[query] = [self.corpus.texts[row].id for row in matrix.best(found, DEPTH)]
        return corpora.evaluate(self.corpus, ranked)

    def by(self, way: Way, signatures: Weighted | None = None) -> Mapping[str, float]:
        """nDCG@5 of each query, ranked in one way."""
        signed = signatures or self.signatures(way)
        if way.posted is None:
            return self.evaluated(lambda row: self.scores(signed, way, row))
        posted = signed.heaviest(way.posted)
        return self.evaluated(lambda row: self._bounded(signed, posted, way, row))

    def signatures(self, way: Way) -> Weighted:
        every = matrix.weighted(self.counts, self.factors, headline_times=way.headline_times, often=way.often)
        return every.heaviest(way.terms).normalised()

    def full_cosine(self) -> Mapping[str, float]:
        """Every term of every article, nothing beside the cosine."""
        every = matrix.weighted(self.counts, self.factors, headline_times=1).normalised()
        return self.evaluated(every.dots)

    def scores(self, signed: Weighted, way: Way, row: int) -> Array:
        scores = signed.dots(row)
        related = scores > 0
        if way.overlap:
            scores = np.where(related, scores + way.overlap * self.headlines.dots(row), 0)
        return scores

    def _bounded(self, signed: Weighted, posted: Weighted, way: Way, row: int) -> Array:
        """Candidates by what the bounded lists tell, then the whole signatures of those."""
        told = np.zeros(signed.articles)
        terms, weights = signed.of(row, heaviest=way.asked)
        for term, weight in zip(terms, weights, strict=True):
            read = posted.postings.read(term, newest=way.newest, heaviest=way.heaviest)
            told[posted.postings.rows[read]] += weight * posted.postings.weights[read]
        told[row] = 0
        kept = matrix.best(told, subject.CANDIDATES)
        scores = np.zeros(signed.articles)
        scores[kept] = self.scores(signed, way, row)[kept]
        return scores


def measure(archives: Sequence[Archive]) -> Iterator[Table]:
    """A table for every choice and corpus."""
    arabic = archives[0]
    for archive in archives:
        yield _signatures(archive)
        yield _often(archive)
        yield _headlines(archive)
        yield _posted(archive)
    yield _frequencies(arabic)
    yield _bounds(arabic)
    yield from _tight_bounds(arabic)
    yield _recency(arabic)


def _compared(
    title: str,
    base: tuple[str, Mapping[str, float]],
    others: Iterator[tuple[str, Mapping[str, float]]],
    *notes: str,
) -> Table:
    """The first row is what the others are compared with."""
    first = (f"**{base[0]}**", means.mean(list(base[1].values())).plain(), "", "")
    rows = [first]
    for name, each in others:
        apart = means.difference(each, base[1])
        plain = means.mean(list(each.values())).plain()
        rows.append((name, plain, apart.signed(), apart.signed_interval()))
    return Table(title, COLUMNS, rows, notes)


def _signatures(archive: Archive) -> Table:
    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        yield "every term, the cosine alone", archive.full_cosine()
        for terms in (32, 48, 96):
            yield f"{terms} terms", archive.by(Way(terms=terms))

    base = (f"{subject.SIGNATURE_TERMS} terms", archive.by(Way()))
    return _compared(f"{archive.corpus.name}: length of the signature", base, others())


def _often(archive: Archive) -> Table:
    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        yield "once, however often", archive.by(Way(often=np.ones_like))
        for half in (0.5, 1, 2):  # at so many times it weighs half of what it can
            yield f"tf / (tf + {half:g})", archive.by(Way(often=partial(_saturated, half=half)))
        yield "square root of tf", archive.by(Way(often=np.sqrt))

    return _compared(
        f"{archive.corpus.name}: how much a repeated word weighs", ("1 + ln tf", archive.by(Way())), others()
    )


def _saturated(times: Array, half: float) -> Array:
    return times / (times + half)


def _headlines(archive: Archive) -> Table:
    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        for times in (1, 3):
            yield f"counted {times} x, no overlap", archive.by(Way(headline_times=times, overlap=0))
        yield f"counted 3 x, overlap {subject.HEADLINE_SHARE:g}", archive.by(Way(headline_times=3))
        for overlap in (0.15, 0.5):
            yield f"counted 1 x, overlap {overlap:g}", archive.by(Way(overlap=overlap))

    base = (f"counted 1 x, overlap {subject.HEADLINE_SHARE:g}", archive.by(Way()))
    return _compared(f"{archive.corpus.name}: words of the headline", base, others())


def _frequencies(archive: Archive) -> Table:
    way = Way()

    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        for whole in (True, False):
            counted = "all terms" if whole else "terms of signatures only"
            for again in (0, subject.SIGNED_AGAIN):
                signed = f"signed again up to {again}" if again else "never signed again"
                yield (
                    f"{counted}, as articles come, {signed}",
                    archive.by(way, _as_they_come(archive.counts, way, whole=whole, again=again)),
                )

    base = ("all terms, of the whole archive", archive.by(way))
    return _compared(f"{archive.corpus.name}: document frequencies of", base, others())


def _as_they_come(counts: Counts, way: Way, *, whole: bool, again: int) -> Weighted:
    """Signatures by the frequencies of their day. ``whole``: every term of an article is counted.

    ``again``: until the archive has as many articles, all are signed anew at each doubling.
    """
    seen = np.zeros(counts.width)
    weights = np.zeros(len(counts.terms))
    kept: list[Array] = []
    tf = 1 + np.log(counts.body + way.headline_times * counts.headline)

    def sign(row: int, documents: int) -> Array:
        span = slice(counts.starts[row], counts.starts[row + 1])
        found = tf[span] * subject.factors(seen[counts.terms[span]], documents=documents)
        top = np.argsort(-found, kind="stable")[: way.terms]
        weights[span] = 0
        weights[counts.starts[row] + top] = found[top]
        return counts.terms[span][top]

    for row in range(counts.articles):
        kept.append(sign(row, row))
        seen[counts.terms[counts.starts[row] : counts.starts[row + 1]] if whole else kept[row]] += 1
        size = row + 1
        if size <= again and size & (size - 1) == 0:
            for earlier in range(size):
                new = sign(earlier, size)
                if not whole:  # a term that leaves a signature stays counted
                    seen[np.setdiff1d(new, kept[earlier])] += 1
                kept[earlier] = new
    return matrix.by_weight(counts, weights).heaviest(way.terms).normalised()


def _posted(archive: Archive) -> Table:
    way = Way(posted=subject.POSTED, newest=archive.counts.articles, heaviest=0)

    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        yield "every article scored", archive.by(Way())
        for posted in (24, 40, 64):
            yield f"{posted} of them", archive.by(replace(way, posted=posted, asked=posted))

    base = (f"{subject.POSTED} of them", archive.by(way))
    note = f"As many are asked for; lists are read to their end, {subject.CANDIDATES} candidates are scored."
    return _compared(f"{archive.corpus.name}: terms of a signature that are posted", base, others(), note)


def _bounds(archive: Archive) -> Table:
    way = Way(posted=subject.POSTED)
    both = subject.READ_NEWEST + subject.READ_HEAVIEST
    base = (f"the newest {subject.READ_NEWEST} and the heaviest {subject.READ_HEAVIEST}", archive.by(way))
    newest = archive.by(replace(way, newest=both, heaviest=0))
    others = iter(((f"the newest {both}", newest),))
    return _compared(f"{archive.corpus.name}: what is read of a term's postings", base, others)


def _tight_bounds(archive: Archive) -> Iterator[Table]:
    """Mixed beside newest, as an archive many times as large would have it."""
    way = Way(posted=subject.POSTED)
    for bound in LESS_READ:
        half = bound // 2
        times = (subject.READ_NEWEST + subject.READ_HEAVIEST) / bound
        mixed = (
            f"the newest {half} and the heaviest {half}",
            archive.by(replace(way, newest=half, heaviest=half)),
        )
        base = (f"the newest {bound}", archive.by(replace(way, newest=bound, heaviest=0)))
        note = (
            "Lists grow with an archive, what is read of them does not: this bound is to this archive what "
            f"nashr's is to one {times:.0f} times as large."
        )
        title = f"{archive.corpus.name}: no more than {bound} of a term's postings"
        yield _compared(title, base, iter((mixed,)), note)


def _recency(archive: Archive) -> Table:
    """Forward only, as on the day: what came later neither ranks nor counts as related."""
    past = _backwards(archive)
    written = [text.written for text in archive.corpus.texts]
    days = np.array([one.timestamp() / 86_400 if one else 0.0 for one in written])
    signed = archive.signatures(Way())
    similar = {
        row: archive.scores(signed, Way(), row) for row in (past.rows[query] for query in past.corpus.judged)
    }
    medians: dict[str, float] = {}

    def ranked(name: str, half_life: float | None) -> Mapping[str, float]:
        ages: list[float] = []

        def scores(row: int) -> Array:
            found = similar[row].copy()
            age = np.maximum(0, days[row] - days)
            if half_life is not None:
                base = subject.LASTING
                found *= base + (1 - base) * 2 ** (-age / half_life)
            found[row:] = 0
            ages.append(float(np.median(age[matrix.best(found, 5)] if found.any() else [0])))
            return found

        each = past.evaluated(scores)
        medians[name] = float(np.median(ages))
        return each

    def others() -> Iterator[tuple[str, Mapping[str, float]]]:
        for half_life in (1, 3, 7, 14, 30, 90):
            name = f"half-life of {half_life} days"
            yield name, ranked(name, half_life)

    base = ("no recency", ranked("no recency", None))
    made = _compared(
        f"{archive.corpus.name}: recency", base, others(),
        f"Only of articles older than the query, {len(past.corpus.judged)} queries; an old article keeps "
        f"{subject.LASTING:g} of its score. The corpus spans three weeks.",
    )  # fmt: skip
    aged = [(*row, f"{median:.1f} days") for row, median in zip(made.rows, medians.values(), strict=True)]
    return replace(made, columns=(*COLUMNS, "median age of the first five"), rows=aged)


def _backwards(archive: Archive) -> Archive:
    """The same archive with only the older of the related articles; queries that have none are left out."""
    judged = {
        query: {one: grade for one, grade in grades.items() if archive.rows[one] < archive.rows[query]}
        for query, grades in archive.corpus.judged.items()
    }
    kept = {query: grades for query, grades in judged.items() if grades}
    return Archive(replace(archive.corpus, judged=kept), archive.counts)
