"""Generated stories that find each other: invented words of a language, of topics and of stories.

The same number gives the same story on every machine. No word is anyone's, no stop list knows one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final

from nashr.domain.article import Content, content
from nashr.domain.site import Site

from benchmarks.words import SUBJECTS

LANGUAGE: Final = "ar-LB"
HEADLINE: Final = 7
_PARAGRAPHS, _WORDS = 6, 40
_LANGUAGE, _TOPICS, _TOPIC, _STORY = 20_000, 150, 120, 12
_SAME_STORY: Final = 6
"""Articles of one story, one after another in time."""
_LETTERS: Final = "تثجحخدذرزسشصضطظعغقم"
_SECTIONS: Final = sorted(SUBJECTS)


@dataclass(frozen=True)
class Text:
    """One story, by its number."""

    number: int

    @cached_property
    def paragraphs(self) -> Sequence[Sequence[str]]:
        """The headline's words, then those of each paragraph."""
        chance = Random(self.number)
        lengths = [HEADLINE, *([_WORDS] * _PARAGRAPHS)]
        return [[self._word(chance) for _ in range(length)] for length in lengths]

    def _word(self, chance: Random) -> str:
        """Of the language (the sooner the commoner), of the topic, or of the story."""
        kind, at = chance.random(), chance.random() ** 3
        story = self.number // _SAME_STORY
        if kind < 0.5:
            return spelling(int(at * _LANGUAGE))
        if kind < 0.85:
            return spelling(_LANGUAGE + story * 7919 % _TOPICS * _TOPIC + int(at * _TOPIC))
        return spelling(_LANGUAGE + _TOPICS * _TOPIC + story * 104_729 % 40_000 * _STORY + int(at * _STORY))

    @property
    def headline(self) -> str:
        return " ".join(self.paragraphs[0])

    @property
    def section(self) -> str:
        return _SECTIONS[self.number % len(_SECTIONS)]

    @property
    def slug(self) -> str:
        return f"story-{self.number}"

    def counts(self) -> Counter[str]:
        return Counter(word for words in self.paragraphs for word in words)

    def draft(self) -> Mapping[str, Any]:
        """As an editor sends it."""
        body = [{"type": "paragraph", "html": " ".join(words)} for words in self.paragraphs[1:]]
        return {
            "section": self.section, "slug": self.slug, "headline": self.headline,
            "byline": [{"name": "ليلى حداد"}], "body": body,
        }  # fmt: skip

    def content(self, site: Site) -> Content:
        return content(self.draft(), site)


def spelling(word: int) -> str:
    """The same letters for the same number, four or more."""
    base, rest = len(_LETTERS), word + len(_LETTERS) ** 3
    spelt = ""
    while rest:
        rest, at = divmod(rest, base)
        spelt += _LETTERS[at]
    return spelt
