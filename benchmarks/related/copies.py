"""Which articles tell one story in one wording: exact, from the texts, by nothing of nashr's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.related.corpora import Text

SAME: Final = 0.5
"""Share of the shorter text's word 3-grams that the other holds too, from which it is a near-copy."""
_WORD: Final = re.compile(r"\w+")
_MARKS: Final = re.compile(r"[\u064b-\u065f\u0670\u0640]")  # Arabic vowel signs and the stretching line


def grams(text: Text) -> frozenset[str]:
    """Every run of three words of headline and body, in one case and without vowel signs."""
    plain = unicodedata.normalize("NFKC", f"{text.headline}\n{text.body}").casefold()
    words = _WORD.findall(_MARKS.sub("", plain))
    return frozenset(" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2)))


def containment(one: frozenset[str], other: frozenset[str]) -> float:
    """Of the shorter text's 3-grams, the share that the other has as well, 0 to 1."""
    return len(one & other) / max(1, min(len(one), len(other)))


class Copies:
    """Compares articles by their words, each text read once and only when asked for."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self._texts = {text.id: text for text in texts}
        self._grams: dict[str, frozenset[str]] = {}

    def same(self, one: str, other: str) -> bool:
        return containment(self._of(one), self._of(other)) >= SAME

    def groups(self, articles: Sequence[str]) -> Mapping[str, int]:
        """Each article's story: whoever is a near-copy of a near-copy belongs to it too."""
        group = {article: at for at, article in enumerate(articles)}
        for one, other in self._pairs(articles):
            if group[one] != group[other] and self.same(one, other):
                old, new = group[other], group[one]
                group.update({article: new for article, at in group.items() if at == old})
        return group

    def _pairs(self, articles: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Those that share a 3-gram at all; one in more than fifty articles is nobody's story."""
        holders: dict[str, list[str]] = {}
        for article in articles:
            for gram in self._of(article):
                holders.setdefault(gram, []).append(article)
        return dict.fromkeys(
            (one, other)
            for having in holders.values()
            if len(having) <= 50
            for at, one in enumerate(having)
            for other in having[at + 1 :]
        )

    def _of(self, article: str) -> frozenset[str]:
        if article not in self._grams:
            self._grams[article] = grams(self._texts[article])
        return self._grams[article]
