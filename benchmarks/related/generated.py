"""Articles without texts: words drawn so that postings grow as those of news do. No word is anyone's.

A word is a number, the smaller the sooner it came up and the more often it is used. An article mixes words
of the language (Zipf and Mandelbrot), of its topic, and of its story, which a few articles of the same days
share. The vocabulary grows with the archive (Heaps). The constants were set beside 29,138 Arabic articles:
how long articles are, how many words they hold, in how many articles words stand, how long the lists are
that their signatures are posted to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from nashr_related.analysis import SHINGLE_BITS

from benchmarks.related.matrix import Array, Counts

CHUNK: Final = 10_000
"""Articles that are drawn together; a chunk is the same whichever was drawn before."""
HEADLINE: Final = 7
SEED: Final = 2026

_LENGTH: Final = (5.15, 0.70)
"""Mean and deviation of the logarithm of an article's words, stop words left out."""
_SHORTEST, _LONGEST = 30, 2000
_SHARES: Final = (0.44, 0.43, 0.11, 0.02)
"""Of an article's words: of the language, of its topic, of its story, and of nothing else."""
_EXPONENT, _OFFSET = 1.02, 45.0
_TOPICS, _TOPIC_WORDS = 600, 400
_TOPIC_SPAN: Final = (250.0, 12_000.0)
_STORY_WORDS: Final = 25
_STORY_ARTICLES: Final = 8
_STORY_SPREAD: Final = 400
"""Articles of a whole newsroom between the first and the last of most stories."""
_LETTERS: Final = "تثجحخدذرزسشصضطظعغقم"
"""Spell words that no stop list knows and no stemmer shortens."""


@dataclass(frozen=True)
class Batch:
    """Articles ``first`` and on: the words of article ``i`` are ``starts[i]`` to ``starts[i + 1]``.

    The first HEADLINE of them are its headline.
    """

    first: int
    starts: Array
    words: Array
    shingles: Sequence[Array]

    @property
    def articles(self) -> int:
        return len(self.starts) - 1

    def counts(self) -> Counts:
        """How often each word stands in headline and text."""
        rows: Array = np.repeat(np.arange(self.articles), np.diff(self.starts))
        width = int(self.words.max()) + 1
        keys, where, times = np.unique(rows * width + self.words, return_inverse=True, return_counts=True)
        leading = np.arange(len(self.words)) - self.starts[rows] < HEADLINE
        headline = np.bincount(where[leading], minlength=len(keys))
        starts = np.searchsorted(keys, np.arange(self.articles + 1) * width)
        return Counts(starts, keys % width, headline.astype(float), (times - headline).astype(float), width)

    def text(self, article: int) -> tuple[str, str]:
        """Headline and body, in Arabic letters, words only."""
        spelt = [spelling(int(word)) for word in self.words[self.starts[article] : self.starts[article + 1]]]
        return " ".join(spelt[:HEADLINE]), " ".join(spelt[HEADLINE:])


def vocabulary(articles: Array | int) -> Array:
    """How many words have come up in an archive of so many articles."""
    return 109_000 * (np.maximum(articles, 200) / 10_000) ** np.where(
        np.asarray(articles) < 10_000, 0.56, 0.44
    )


def batch(chunk: int, *, others: bool = False) -> Batch:
    """One chunk of articles; ``others`` of the same days and stories, of which no archive holds any."""
    chance = np.random.default_rng((SEED, chunk, others))
    numbers: Array = chunk * CHUNK + np.arange(CHUNK)
    lengths = np.clip(np.exp(chance.normal(*_LENGTH, CHUNK)), _SHORTEST, _LONGEST).astype(int)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    rows: Array = np.repeat(np.arange(CHUNK), lengths)
    stories = np.maximum(0, numbers - chance.exponential(_STORY_SPREAD, CHUNK)).astype(int) // _STORY_ARTICLES
    kind = np.searchsorted(np.cumsum(_SHARES), chance.random(len(rows)))
    drawn = chance.random(len(rows))
    words: Array = np.empty(len(rows), dtype=np.int64)
    ways: Sequence[Callable[[Array, Array, Array], Array]] = (_of_language, _of_topic, _of_story, _of_nothing)
    for at, way in enumerate(ways):
        own = np.flatnonzero(kind == at)
        words[own] = way(drawn[own], stories[rows[own]], vocabulary(numbers)[rows[own]])
    sizes = lengths * 4 // 3  # stop words are in shingles too
    hashes = chance.integers(0, 2**SHINGLE_BITS, sizes.sum(), dtype=np.uint32)
    each = [np.sort(own) for own in np.split(hashes, np.cumsum(sizes)[:-1])]
    return Batch(chunk * CHUNK, starts, words, each)


def spelling(word: int) -> str:
    """The same letters for the same number, four or more."""
    base, rest = len(_LETTERS), word + len(_LETTERS) ** 3
    spelt = ""
    while rest:
        rest, at = divmod(rest, base)
        spelt += _LETTERS[at]
    return spelt


def _of_language(chance: Array, _stories: Array, known: Array) -> Array:
    """Rank r with probability as 1 / (r + offset)^exponent, by the inverse of the integral."""
    power = 1 - _EXPONENT
    low, high = _OFFSET**power, (known + _OFFSET) ** power
    return np.minimum((low + chance * (high - low)) ** (1 / power) - _OFFSET, known - 1)


def _of_topic(chance: Array, stories: Array, known: Array) -> Array:
    """A topic's commonest words are as likely to be common as rare in the language."""
    rank = np.floor(_TOPIC_WORDS**chance).astype(np.uint64)
    low, high = _TOPIC_SPAN
    drawn = _mixed(_topic(stories).astype(np.uint64) * np.uint64(4096) + rank)
    return np.minimum(low * (high / low) ** drawn, known - 1)


def _of_story(chance: Array, stories: Array, _known: Array) -> Array:
    """A quarter of a story's words are news themselves: they came up in its days."""
    rank = np.floor(_STORY_WORDS**chance).astype(np.uint64)
    drawn = _mixed((stories.astype(np.uint64) + np.uint64(77)) * np.uint64(64) + rank)
    known = vocabulary(stories * _STORY_ARTICLES)
    fresh = known * (1 - 0.03 * drawn)
    return np.where(rank % 4 > 0, 300 * (known / 300) ** drawn, fresh)


def _of_nothing(chance: Array, _stories: Array, known: Array) -> Array:
    """Words that stand here by chance, mostly rare ones: names, slips of the pen."""
    return known * (0.2 + 0.8 * chance)


def _topic(stories: Array) -> Array:
    """Some topics make more news than others."""
    return np.floor(_TOPICS ** _mixed(stories.astype(np.uint64) * 64)).astype(int)


def _mixed(numbers: Array) -> Array:
    """An even spread over 0 to 1, the same for the same number (splitmix64)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
