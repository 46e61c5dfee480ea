"""A judged corpus, or a part of it, as a newsroom's archive; its last article is of this hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from sqlalchemy import Engine

from benchmarks.related.corpora import Corpus, Text
from benchmarks.related.subject import Draft, Newsroom


@dataclass(frozen=True)
class Archive:
    """Articles that are stored and signed; ``numbers`` are the store's, by the corpus' ids."""

    corpus: Corpus
    room: Newsroom
    numbers: Mapping[str, int]

    def ranked(self, article: str) -> Sequence[str]:
        """The candidates of an article by likeness alone."""
        return [self.ids[number] for number in self.room.ranked(self.numbers[article])]

    def related(self, article: str, *, fading: bool) -> Sequence[str]:
        """Those of them that are related at all; ``fading``: with recency, as a draw is given them."""
        return [self.ids[number] for number in self.room.related(self.numbers[article], fading=fading)]

    @cached_property
    def ids(self) -> Mapping[int, str]:
        return {number: article for article, number in self.numbers.items()}


def load(url: str, engine: Engine, corpus: Corpus, *, site: str, first: int | None = None) -> Archive:
    """The corpus' ``first`` articles, or all, signed in the order they were written."""
    room = Newsroom(url, engine, site)
    numbers = room.admit(drafts(corpus.texts[:first]))
    room.sign(numbers)
    return Archive(corpus, room, numbers)


def drafts(texts: Sequence[Text]) -> list[Draft]:
    """Texts as articles; the last one is a minute old, the others as much older as they were."""
    last = texts[-1].written
    now = datetime.now(UTC) - timedelta(minutes=1)
    return [
        Draft(
            text.id, text.headline, text.body, text.language,
            now - (last - text.written) if last and text.written else now,
        )
        for text in texts
    ]  # fmt: skip
