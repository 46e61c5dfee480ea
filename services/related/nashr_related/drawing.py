"""The links of an article as of now: who is near, which of them are shown, which older ones it betters.

Reads and decides; storing is the handlers'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nashr.domain.article import Content
from nashr.domain.recency import DAY, recency
from nashr.domain.seealso import CARDS
from nashr.domain.site import Site
from nashr.store import corpora, links, signatures
from nashr.store.articles import Article
from nashr.store.database import scalar
from nashr.store.links import StoredLink
from nashr.store.signatures import Near
from sqlalchemy import Connection

from nashr_related import core, signing
from nashr_related.analysis import primary

REDRAWN: Final = 0.05  # of likeness: who links to an article that differs so much from before is drawn anew


@dataclass(frozen=True)
class Neighbourhood:
    """What stands near an article: the best, ranked, with the shingles of all and of itself."""

    own: signatures.Signature | None
    ranked: Sequence[core.Scored]
    shingles: Mapping[int, tuple[int, ...]]
    now: datetime


def near(conn: Connection, site: Site, own: signatures.Signature | None) -> Neighbourhood:
    if own is None:
        return Neighbourhood(None, (), {}, scalar(conn, "SELECT clock_timestamp()"))
    now, size = corpora.surroundings(conn, own.corpus)
    weights = dict(zip(own.terms, own.weights, strict=True))
    ranked = core.rank(
        (candidate(item, own, weights) for item in signatures.near(conn, site.id, own)),
        now=now,
        half_life=site.half_life,
        floor=core.floor(size),
    )[: core.COMPARED]
    shingles = signatures.shingles(conn, [one.article for one in ranked])
    return Neighbourhood(own, ranked, {**shingles, own.article: own.shingles}, now)


def draw(
    conn: Connection, site: Site, article: Article, doc: Content, near: Neighbourhood
) -> Sequence[StoredLink]:
    """The links of an article as of now, settled where they stood.

    Pins of what is not live yet stand ready without taking the place of a card.
    """
    pins, bans = (_chosen(conn, site, doc, name) for name in ("pin", "ban"))
    cards = CARDS + sum(not live for live in pins.values())
    shingles = {**signatures.shingles(conn, pins), **near.shingles} if pins else near.shingles
    drawn = core.draw(
        near.ranked, article=article.number, shingles=shingles, see_also=signing.places(doc), cards=cards,
        pins=list(pins), bans=bans,
    )  # fmt: skip
    if len(drawn.related_news) < cards:
        latest = links.latest(
            conn,
            site.id,
            doc.section,
            language=primary(doc.language),
            article=article.number,
            limit=4 * CARDS,
        )
        shingles = {**signatures.shingles(conn, latest), **shingles}
        drawn = core.fill(drawn, latest, article=article.number, shingles=shingles, cards=cards)
    before = links.of(conn, article.number)
    drawn = core.settle(
        drawn,
        see_also=[item.dst for item in before if item.slot == "see_also"],
        related_news=[item.dst for item in before if item.slot == "related_news"],
        cards=cards,
    )
    return _stored(drawn, _likeness(conn, near.own, pins))


def _likeness(
    conn: Connection, own: signatures.Signature | None, others: Collection[int]
) -> Mapping[int, float]:
    """How like an article some others are, whether they would be found or not."""
    if own is None or not others:
        return {}
    weights = dict(zip(own.terms, own.weights, strict=True))
    return {
        near.article: core.similarity(candidate(near, own, weights))
        for near in signatures.those(conn, others)
    }


def _chosen(conn: Connection, site: Site, doc: Content, name: str) -> Mapping[int, bool]:
    """The articles that the editor pinned or banned, in order; and whether each is live."""
    ids = doc.related.get(name, ())
    known = links.numbers(conn, site.id, ids)
    return dict(known[item] for item in ids if item in known)


def _stored(drawn: core.Draw, likeness: Mapping[int, float]) -> list[StoredLink]:
    slots = (("see_also", drawn.see_also), ("related_news", drawn.related_news))
    return [
        StoredLink(
            link.article, slot, link.position, likeness.get(link.article, link.similarity), link.reason
        )
        for slot, found in slots
        for link in found
    ]


def candidate(near: Near, own: signatures.Signature, own_weights: Mapping[int, float]) -> core.Candidate:
    weights = dict(zip(near.terms, near.weights, strict=True))
    return core.Candidate(
        article=near.article,
        cosine=core.cosine(own_weights, weights),
        shared=len(own_weights.keys() & weights.keys()),
        title_overlap=core.title_overlap(own.title_terms, near.title_terms),
        published_at=near.published_at,
        section=near.section,
        weights=weights,
    )


def gaining(conn: Connection, site: Site, article: Article, near: Neighbourhood) -> list[int]:
    """Older articles whose links the new one may better: twice as many as may show it, as a third will."""
    if article.published_at is None:
        return []
    better = core.gains(
        near.ranked,
        heads=_heads(conn, site, near),
        new=core.Newcomer(article.number, article.section, article.published_at),
        shingles=near.shingles,
        now=near.now,
        half_life=site.half_life,
        cap=2 * core.GAINING,
    )
    return [gain.article for gain in better]


def misled(conn: Connection, article: Article, near: Neighbourhood) -> list[int]:
    """Older articles that link to what a text was before it changed.

    All those that may not link to it now, as it left their language or became their copy; and of those to
    which it is no longer as alike as it was, as many as may gain from a publication.
    """
    now = {one.article: core.similarity(one.candidate) for one in near.ranked}
    own = near.shingles.get(article.number, ())
    barred, changed = [], []
    for link in links.leading_to(conn, article.number):
        if link.foreign or core.same_story(own, near.shingles.get(link.src, ())):
            barred.append(link.src)
        elif link.reason == "similar" and abs(link.similarity - now.get(link.src, 0.0)) > REDRAWN:
            changed.append(link.src)
    return barred + changed[: core.GAINING]


def _heads(conn: Connection, site: Site, near: Neighbourhood) -> Mapping[int, core.Head]:
    """What the older articles show, by their numbers."""

    def shown(link: links.ShownLink) -> core.Shown:
        age = (near.now - link.published_at) / DAY
        score = link.similarity * recency(age, half_life_days=site.half_life(link.section))
        return core.Shown(link.dst, score, link.reason, card=link.slot == "related_news")

    found = links.shown(conn, [one.article for one in near.ranked])
    return {article: core.Head([*map(shown, some)], places) for article, (places, some) in found.items()}


def shows(drawn: Sequence[StoredLink], article: int) -> bool:
    """Whether a page with these links shows one to the article: spares do not count."""
    return any(link.dst == article and (link.slot == "see_also" or link.position < CARDS) for link in drawn)
