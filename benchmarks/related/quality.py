"""How well the store's own query ranks, beside the same texts compared in full, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.figures import Report, Table, Verdict
from benchmarks.related import choices, corpora, means, subject
from benchmarks.related.archive import Archive

COLUMNS = ("", "articles", "queries", "nDCG@5", "95 % interval", "beside full TF-IDF", "95 % interval")

TARGETS: Final = {"Arabic": (0.412, None), "ECB+": (0.94, 0.955)}
"""nDCG@5 of each corpus: required, and the aim."""


def measure(archives: Sequence[tuple[Archive, choices.Archive]]) -> Iterator[Report]:
    """One table: every archive, stored and in memory, with the same settings, nashr's own."""
    lines: list[tuple[str, ...]] = []
    verdicts = []
    for archive, memory in archives:
        stored = _stored(archive)
        lines += _compared(archive, memory, stored)
        verdicts.append(_verdict(archive, stored))
    note = (
        f"nashr: the query of the store, at most {subject.CANDIDATES} candidates, by likeness alone, with "
        "the settings every site has. Full TF-IDF: the cosine over all terms of all articles."
    )
    yield Report((Table("Ranking, before anything is left out", COLUMNS, lines, (note,)),), verdicts)


def _stored(archive: Archive) -> Mapping[str, float]:
    """What the store's ranking is worth, by query."""
    corpus = archive.corpus
    return corpora.evaluate(corpus, {query: archive.ranked(query) for query in corpus.queries})


def _verdict(archive: Archive, stored: Mapping[str, float]) -> Verdict:
    name = archive.corpus.name
    required, aim = TARGETS[name]
    return Verdict(f"nDCG@5, {name}", means.mean(list(stored.values())).value, required, "", "at least", aim)


def _compared(
    archive: Archive, memory: choices.Archive, stored: Mapping[str, float]
) -> Iterator[tuple[str, ...]]:
    corpus = archive.corpus
    whole = memory.full_cosine()
    apart = means.difference(stored, whole)
    yield (*_row(f"{corpus.name}, nashr", archive, stored), apart.signed(), apart.signed_interval())
    yield (*_row(f"{corpus.name}, full TF-IDF", archive, whole), "", "")


def _row(name: str, archive: Archive, each: Mapping[str, float]) -> tuple[str, ...]:
    found = means.mean(list(each.values()))
    return name, str(len(archive.corpus.texts)), str(len(each)), found.plain(), found.interval()
