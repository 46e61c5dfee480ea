"""Generated stories: the same number gives the same draft on every machine. No text is anyone's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.words import COMMON, SUBJECTS

PARAGRAPHS = 6
SENTENCE = (9, 16)


@dataclass(frozen=True)
class Story:
    """One revision of a story; ``mark`` are bytes that only a page showing this revision holds."""

    name: str
    mark: bytes
    path: str
    draft: Mapping[str, Any]


def story(name: str, *, revision: int = 1, photos: Sequence[str] = ()) -> Story:
    """The story called ``name`` (ASCII). A later revision differs in its first paragraph only.

    ``photos``: asset ids; the first becomes the hero, the others stand in the text.
    """
    chance = Random(name)
    section = chance.choice(sorted(SUBJECTS))
    mark = f"{name}.{revision}."
    headline = f"{_words(chance, section, 7)} {chance.randrange(10, 9999)}"
    standfirst = _sentence(chance, section)
    texts = [" ".join(_sentence(chance, section) for _ in range(4)) for _ in range(PARAGRAPHS)]
    texts[0] += f" <bdi>{mark}</bdi>"
    body: list[dict[str, Any]] = [{"type": "paragraph", "html": text} for text in texts]
    body.insert(3, {"type": "heading", "level": 2, "text": _words(chance, section, 4)})
    body[5:5] = [{"type": "image", **_use(photo)} for photo in photos[1:]]
    draft = {
        "section": section,
        "slug": name,
        "headline": headline,
        "standfirst": standfirst,
        "byline": [{"name": "ليلى حداد"}],
        "body": body,
        **({"hero": _use(photos[0])} if photos else {}),
    }
    return Story(name, mark.encode(), f"/{section}/{name}/", draft)


def _use(photo: str) -> dict[str, str]:
    return {"asset": photo, "alt": "صورة مولّدة بالحاسوب"}


def _sentence(chance: Random, section: str) -> str:
    return f"{_words(chance, section, chance.randint(*SENTENCE))}."


def _words(chance: Random, section: str, count: int) -> str:
    """Two words out of five are the subject's."""
    pools = (COMMON, SUBJECTS[section])
    return " ".join(chance.choice(pools[chance.random() < 0.4]) for _ in range(count))
