"""What the demo newsroom promises of related stories: an article's links are its own thread."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
from nashr.domain.article import Content, content
from nashr.domain.seealso import CARDS, room
from nashr.domain.site import parse_site
from nashr_related import core
from nashr_related.analysis import containment

DEMO: Final = Path(__file__).parents[3] / "infra" / "demo"
NOW: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
WEAKEST: Final = 0.08
MARGIN: Final = 1.25
COPIED: Final = 0.3


@dataclass(frozen=True)
class Demo:
    """The Arabic articles by number, their signatures, and for each article of a thread its mates."""

    docs: dict[int, Content]
    signatures: dict[int, core.Signature]
    mates: dict[int, frozenset[int]]

    def near(self, number: int) -> list[core.Candidate]:
        """Every other article as a candidate, all published at once as `make demo` does."""
        return [self._candidate(number, other) for other in self.docs if other != number]

    def _candidate(self, number: int, other: int) -> core.Candidate:
        mine, theirs = self.signatures[number], self.signatures[other]
        return core.Candidate(
            article=other,
            cosine=core.cosine(dict(mine.terms), dict(theirs.terms)),
            shared=len(dict(mine.terms).keys() & dict(theirs.terms).keys()),
            title_overlap=core.title_overlap(mine.title_terms, theirs.title_terms),
            published_at=NOW,
            section=self.docs[other].section,
            weights=dict(theirs.terms),
        )


def number_of(external_id: str) -> int:
    """khabar-0016 is article 16."""
    return int(external_id.rpartition("-")[2])


def uploaded(draft: dict[str, Any]) -> dict[str, Any]:
    """The draft as the API stores it: its pictures are assets, no longer files."""
    for use in (draft.get("hero"), *draft["body"]):
        if use and "file" in use:
            use["asset"] = use.pop("file")
    return draft


@cache
def demo() -> Demo:
    """The demo's Arabic newsroom, its terms weighed by how many of its own articles hold them."""
    site = parse_site(tomllib.loads((DEMO / "khabar.toml").read_text("utf-8")))
    docs: dict[int, Content] = {}
    for file in sorted((DEMO / "articles" / "ar").glob("*.json")):
        draft = json.loads(file.read_text("utf-8"))
        docs[number_of(draft["external_id"])] = content(uploaded(draft), site)
    df: Counter[int] = Counter()
    for doc in docs.values():
        df.update(counted(doc).keys())
    threads = json.loads((DEMO / "threads.json").read_text("utf-8"))["threads"]
    groups = [frozenset(map(number_of, thread["articles"])) for thread in threads]
    return Demo(
        docs=docs,
        signatures={number: signed(doc, df, documents=len(docs)) for number, doc in docs.items()},
        mates={number: group - {number} for group in groups for number in group},
    )


def counted(doc: Content) -> Counter[int]:
    """The terms of an article of the demo."""
    return core.counts(
        doc.headline, standfirst=doc.standfirst or "", body_text=doc.text(), language=doc.language
    )


def signed(doc: Content, df: Counter[int], *, documents: int) -> core.Signature:
    """The signature of an article of the demo."""
    return core.sign(
        doc.headline,
        standfirst=doc.standfirst or "",
        body_text=doc.text(),
        language=doc.language,
        counted=counted(doc),
        idf=lambda term: core.inverse_document_frequency(df[term], documents=documents),
    )


def threaded() -> list[int]:
    """The articles that belong to a thread."""
    return sorted(demo().mates)


@pytest.mark.parametrize("number", threaded())
def test_links_are_of_the_thread(number: int) -> None:
    """A page's see-also links and its cards name every thread-mate, and nothing off topic."""
    all_of_it = demo()
    doc, mates = all_of_it.docs[number], all_of_it.mates[number]
    drawn = core.draw(
        core.rank(all_of_it.near(number), now=NOW, floor=core.floor(len(all_of_it.docs))),
        article=number,
        shingles={one: signature.shingles for one, signature in all_of_it.signatures.items()},
        see_also=room([block["type"] for block in doc.body]),
        cards=CARDS,
    )
    links = [link.article for link in (*drawn.see_also, *drawn.related_news)]
    assert set(links) == mates
    assert drawn.see_also
    assert drawn.related_news


@pytest.mark.parametrize("number", threaded())
def test_thread_stands_clear_of_the_rest(number: int) -> None:
    """Every thread-mate is plainly related, and scores a quarter above the best article outside."""
    mates = demo().mates[number]
    scores: dict[bool, list[float]] = {True: [], False: []}
    for one in demo().near(number):
        scores[one.article in mates].append(core.score(one, age_days=0))
        assert one.article not in mates or one.cosine >= WEAKEST
    assert min(scores[True]) > MARGIN * max(scores[False])


def test_follow_ups_are_written_anew() -> None:
    """No two articles share three tenths of their wording: a follow-up is its own text, not a copy."""
    pairs = combinations(demo().signatures.values(), 2)
    assert max(containment(a.shingles, b.shingles) for a, b in pairs) < COPIED


@pytest.mark.parametrize("number", sorted(demo().docs))
def test_bodies_have_the_length_of_news(number: int) -> None:
    """Every demo article runs to between 150 and 500 words."""
    assert 150 <= len(demo().docs[number].text().split()) <= 500
