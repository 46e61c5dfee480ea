"""Decides which articles are related: signatures, scores, the draw of links, and who gains one.

Pure: same input, same output, in whatever order candidates arrive. Deliberately no storage, no
clock and no visibility: the caller passes only articles that readers may see.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest
from typing import Final, Literal, TypeAlias

from nashr.domain.recency import DAY, recency
from nashr.domain.site import HALF_LIFE_DAYS

from nashr_related.analysis import contained, containment, primary, shingle_set, term_hash, terms

SIGNATURE_TERMS: Final = 64
"""Terms kept; on Arabic news 64 rank as well as 96, fewer do not (benchmarks/related/QUALITY.md)."""

TITLE_WEIGHT: Final = 0.3
"""Weight of headline overlap beside the cosine.

On Arabic news it adds 0.050 nDCG@5 to the cosine, more than counting headline words three times in the
signature does (0.024); both together add less. Reciprocal rank fusion is not better, and its scores mean
nothing outside one query, where a reverse link compares scores of different queries.
"""

FLOOR: Final = 0.09
"""Similarity under which nothing is related.

Of the pairs of Arabic articles just above it a fifth share an editor's tag, of the closest a half (tags are
incomplete), of any two 0.7 %. Those above it are as often right as those with a cosine above 0.10, and are
a quarter more.
"""

LEAST_COSINE: Final = 0.5
"""Of the floor: what the texts themselves must share, as a daily column has the same headline every day."""

LEAST_SHARED: Final = 2
"""Terms that two texts must share: one word in common is a coincidence. Of the ECB+ pairs above the floor
with one in common 9 % belong together, with two 21 %, with six 90 %."""

SAME_STORY: Final = 0.45
"""Estimated shingle containment from which two articles are one story in two copies.

A near-copy shares half the shingles of the shorter text. Of 11,534 such pairs among the neighbours of 1,000
Arabic articles the estimate found all at 0.45; of 4,000 that share 0.3 to 0.5 it takes a few for copies.
"""

DIVERSITY: Final = 0.25
"""What closeness to links already drawn costs a card (Carbonell and Goldstein 1998: 1 - lambda)."""

NEARLY: Final = 0.66
"""Share of the best score left that a card needs: diversity chooses among near equals, topic comes first."""

KEPT: Final = 8
"""Related-news links drawn: four cards, and spares that move up when one of them is removed."""

CONSIDERED: Final = 50
"""Distinct stories that a draw chooses from; what ranks lower cannot win a card."""

COMPARED: Final = 100
"""Of the ranked candidates, those that a draw looks at: enough for its stories and all their copies."""

SECTION_SHARE: Final = 0.75
"""Part of the cards that one section may hold while another has a story to give."""

YIELDS: Final = 0.5
"""Share of the best score left that such a story needs: variety is no reason for what is off topic."""

GAINING: Final = 20
"""Older articles that one publication may refresh, so that its cost does not grow."""

Reason = Literal["pinned", "similar", "latest"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What an article is about, small enough to store: terms with weights, heaviest first; shingles."""

    language: str
    terms: tuple[tuple[int, float], ...]
    title_terms: tuple[int, ...]
    shingles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that shares terms with the one at hand.

    `cosine` is taken over all terms of both signatures, of which they have `shared`; `title_overlap` over
    the words of both headlines.
    """

    article: int
    cosine: float
    shared: int
    title_overlap: float
    published_at: datetime
    section: str
    weights: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate above the floor with its score, 0 to 1."""

    candidate: Candidate
    score: float

    @property
    def article(self) -> int:
        """The candidate's article."""
        return self.candidate.article


@dataclass(frozen=True, slots=True)
class Link:
    """One link on a page; `position` counts from 0 within its list.

    `similarity`, 0 to 1, does not fade as a score does; it is 0 if the link was not drawn for it.
    """

    article: int
    position: int
    similarity: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Draw:
    """The links of one page. `barred` may never be added: itself, bans, copies of its story."""

    see_also: tuple[Link, ...]
    related_news: tuple[Link, ...]
    barred: frozenset[int]

    def articles(self) -> frozenset[int]:
        """Every article linked, in either list."""
        return frozenset(link.article for link in self.see_also + self.related_news)


@dataclass(frozen=True, slots=True)
class Shown:
    """A link that a page shows, with what it scores by now."""

    article: int
    score: float
    reason: Reason
    card: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What an older article's page shows of the `places` it has for links; spares are not shown."""

    shown: Sequence[Shown]
    places: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An article that has just gone live."""

    article: int
    section: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Gain:
    """An older article that may show the new one, and how much more that scores than what it displaces."""

    article: int
    gain: float


def inverse_document_frequency(df: int, *, documents: int) -> float:
    """ln(1 + (N + 1) / (df + 1)): the same for every term while nothing is counted.

    The smoothing needs no special cold start and ranked Arabic news slightly better than ln(N/df). Counts
    that went wrong, below 0 or above N, weigh as the nearest that can be.
    """
    counted = max(0, documents)
    return math.log(1 + (counted + 1) / (min(max(0, df), counted) + 1))


def counts(headline: str, *, standfirst: str, body_text: str, language: str) -> Counter[int]:
    """How often each term, by its hash, stands in a text. The headline's words count once like all."""
    found = terms(f"{headline}\n{standfirst}\n{body_text}", language=primary(language))
    return Counter(term_hash(term) for term in found)


def sign(
    headline: str,
    *,
    standfirst: str,
    body_text: str,
    language: str,
    counted: Mapping[int, int],
    idf: Callable[[int], float],
) -> Signature:
    """The signature of a text whose terms were `counted`; `idf` weighs a term's hash.

    Weights are (1 + ln tf) x idf of the 64 heaviest terms, normalised to length 1 after the cut.
    """
    tag = primary(language)
    return Signature(
        language=tag,
        terms=_heaviest({term: (1 + math.log(n)) * idf(term) for term, n in counted.items()}),
        title_terms=tuple(sorted({term_hash(term) for term in terms(headline, language=tag)})),
        shingles=shingle_set(f"{headline}\n{standfirst}\n{body_text}", language=tag),
    )


def cosine(a: Mapping[int, float], b: Mapping[int, float]) -> float:
    """The dot product of two normalised signatures, 0 to 1."""
    return math.fsum([a[term] * b[term] for term in a.keys() & b.keys()])


def title_overlap(a: Collection[int], b: Collection[int]) -> float:
    """Shared headline terms over the geometric mean of both counts, 0 to 1."""
    return len(set(a).intersection(b)) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def score(candidate: Candidate, *, age_days: float, half_life_days: float = HALF_LIFE_DAYS) -> float:
    """Similarity times recency, 0 to 1, comparable between articles and queries.

    How recency fades is `nashr.domain.recency`'s to say.
    """
    return similarity(candidate) * recency(age_days, half_life_days=half_life_days)


def similarity(candidate: Candidate) -> float:
    """(cosine + 0.3 x title overlap) / 1.3, 0 to 1."""
    return (candidate.cosine + TITLE_WEIGHT * candidate.title_overlap) / (1 + TITLE_WEIGHT)


def floor(documents: int) -> float:
    """The similarity under which nothing is related in an archive of this many articles.

    FLOOR from ten thousand on, less below, as the rarity of a term is what makes cosines high and a small
    archive knows few rare terms. Six tenths of it stay: in proportion to the logarithm alone, ten stories
    were related by any word. On ECB+, with LEAST_SHARED, 64 % of the pairs above are right, of 48 %.
    """
    return FLOOR * min(1.0, 0.6 + math.log10(documents + 1) / 10)


HalfLife: TypeAlias = Callable[[str], float]
"""Days by the slug of the section that an article stands in."""


def usual_half_life(_section: str) -> float:
    """The same for every section."""
    return HALF_LIFE_DAYS


def rank(
    candidates: Iterable[Candidate],
    *,
    now: datetime,
    half_life: HalfLife = usual_half_life,
    floor: float = FLOOR,
) -> list[Scored]:
    """The candidates whose similarity reaches the floor, best first; ties go to the newer, then by id.

    What is little alike is no relation however recent it is, and alike headlines over texts that share next
    to nothing are none either, nor is a single word. Each candidate ages as its own section does.
    """
    scored = [
        Scored(
            one, score(one, age_days=(now - one.published_at) / DAY, half_life_days=half_life(one.section))
        )
        for one in candidates
        if similarity(one) >= floor and one.cosine >= LEAST_COSINE * floor and one.shared >= LEAST_SHARED
    ]
    return sorted(scored, key=_best_first)


def draw(
    scored: Sequence[Scored],
    *,
    article: int,
    shingles: Mapping[int, tuple[int, ...]],
    see_also: int,
    cards: int,
    pins: Sequence[int] = (),
    bans: Collection[int] = (),
) -> Draw:
    """One draw without repetition for both lists of a page: its see-also links and its cards.

    `shingles` are those of the article itself, of its pins and of the COMPARED best of `scored`; what ranks
    lower is not drawn. A page never links to itself, to a ban, to a near-copy of itself or to two copies
    of one story. Pins come first, filling the cards, then see-also; an editor may pin what the draw would
    refuse, except a ban. The best stories become see-also links by score; cards take the rest by
    diversity (`_diverse`). Stories too few for both lists are shared in proportion, see-also rounded up,
    so that both open with a real relation and the cards are not left to the fallback.
    """
    pinned = [pin for pin in dict.fromkeys(pins) if pin != article and pin not in bans]
    forbidden = frozenset(bans) | {article}
    known, pool, copies = _stories(
        scored[:COMPARED], article=article, pinned=pinned, forbidden=forbidden, shingles=shingles
    )
    asides = pinned[cards : cards + see_also]
    heads = pinned[:cards] + pinned[cards + see_also :] if cards else []
    share = _share(len(pool), asides=see_also - len(asides), cards=cards - len(heads))
    news = _diverse(
        pool[share:],
        beside=[*known.values(), *pool[:share]],
        sections=[known[pin].candidate.section for pin in heads if pin in known],
        cards=cards,
        count=max(cards, KEPT) - len(heads) if cards else 0,
    )
    return Draw(
        see_also=_links(asides, pool[:share], known=known),
        related_news=_links(heads, news, known=known),
        barred=forbidden | copies,
    )


def fill(
    drawn: Draw,
    latest: Iterable[int],
    *,
    article: int,
    shingles: Mapping[int, tuple[int, ...]],
    cards: int = 4,
) -> Draw:
    """The draw with empty cards given to the latest of the section, and labelled so.

    Never see-also: there a missing link is better than an unrelated one. Skips what is drawn already,
    what is barred, and copies of either (`shingles` has those of all of them).
    """
    shown = _Wordings(shingles.get(one, ()) for one in (article, *sorted(drawn.articles())))
    free: list[int] = []
    start = len(drawn.related_news)
    for one in dict.fromkeys(latest):
        if len(free) >= cards - start:
            break
        if one not in drawn.articles() | drawn.barred and not shown.has(shingles.get(one, ())):
            free.append(one)
            shown.add(shingles.get(one, ()))
    added = (Link(one, position=start + at, similarity=0.0, reason="latest") for at, one in enumerate(free))
    return replace(drawn, related_news=(*drawn.related_news, *added))


def settle(drawn: Draw, *, see_also: Sequence[int], related_news: Sequence[int], cards: int) -> Draw:
    """The same links in places as steady as can be: who stood in a list before keeps the place there.

    `see_also` and `related_news` are the articles of the earlier draw, in order. A correction then moves
    no link that still stands, and a reader who comes back finds them where they were. The first `cards`
    stay the first: a spare never keeps a better story off the page.
    """
    news, spares = drawn.related_news[:cards], drawn.related_news[cards:]
    return replace(
        drawn,
        see_also=_settled(drawn.see_also, see_also),
        related_news=(*_settled(news, related_news[:cards]), *spares),
    )


def _settled(links: Sequence[Link], before: Sequence[int]) -> tuple[Link, ...]:
    """Pins lead, the latest come last, and what stood among the others stays in its place."""
    kept = {link.article: link for link in links if link.reason == "similar"}
    led = [link for link in links if link.reason == "pinned"]
    filled = [link for link in links if link.reason == "latest"]
    places: dict[int, Link] = {}
    for at, article in enumerate(before):
        if article in kept and len(led) <= at < len(led) + len(kept):
            places[at] = kept.pop(article)
    rest = iter(kept.values())
    middle = [places.get(at) or next(rest) for at in range(len(led), len(led) + len(kept) + len(places))]
    return tuple(replace(link, position=at) for at, link in enumerate([*led, *middle, *filled]))


def gains(
    scored: Iterable[Scored],
    *,
    heads: Mapping[int, Head],
    new: Newcomer,
    shingles: Mapping[int, tuple[int, ...]],
    now: datetime,
    half_life: HalfLife = usual_half_life,
    cap: int = GAINING,
) -> list[Gain]:
    """The older articles to draw again because the new one improves their links, at most `cap`.

    `scored` are the new article's own candidates, since the cosine is symmetric: every older article that
    it betters is among its first 100. `shingles` are those of all of them and its own. Ordered by gain x
    recency of the older article, which readers of today are likelier to open; behind those that are sure
    to show it come those that may, as diversity chooses their cards (a third of these do: measured).
    """
    age, days = (now - new.published_at) / DAY, half_life(new.section)
    scored = list(scored)
    own = _Wordings([shingles.get(new.article, ())])
    copies = {one.article for one in scored if own.has(shingles.get(one.article, ()))}
    found = []
    for one in scored:
        if one.article in copies or (older := heads.get(one.article)) is None:
            continue
        new_score = score(one.candidate, age_days=age, half_life_days=days)
        displaced, surely = _bars(older, copies)
        if new_score > displaced:
            aged = (now - one.candidate.published_at) / DAY
            fresh = recency(aged, half_life_days=half_life(one.candidate.section))
            gain = Gain(one.article, new_score - displaced)
            found.append((new_score <= surely, -gain.gain * fresh, one.article, gain))
    return [gain for *_, gain in sorted(found, key=lambda row: row[:3])[:cap]]


def _bars(older: Head, copies: Collection[int]) -> tuple[float, float]:
    """What a newcomer must score more than to be shown perhaps, and to be shown surely.

    A copy of the newcomer is the link that it displaces, and a pin never is. Otherwise it takes a place
    that is free or holds filler, or that of the weakest. See-also links go by score alone; what scores
    less than all of them has to differ enough from the rest to become a card.
    """
    same = [math.inf if link.reason == "pinned" else link.score for link in older.shown
            if link.article in copies and link.reason != "latest"]  # fmt: skip
    if same:
        return max(same), max(same)
    if len(older.shown) < older.places or any(link.reason == "latest" for link in older.shown):
        return 0.0, 0.0
    similar = [link for link in older.shown if link.reason == "similar"]
    asides = [link.score for link in similar if not link.card]
    return min((link.score for link in similar), default=math.inf), min(asides, default=math.inf)


def _best_first(one: Scored) -> tuple[float, float, int]:
    return -one.score, -one.candidate.published_at.timestamp(), one.article


def _heaviest(weights: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    """The heaviest terms, normalised to length 1; the hash breaks ties."""
    kept = nsmallest(
        SIGNATURE_TERMS,
        ((term, weight) for term, weight in weights.items() if weight > 0),
        key=lambda pair: (-pair[1], pair[0]),
    )
    length = math.sqrt(math.fsum(weight * weight for _, weight in kept))
    return tuple((term, weight / length) for term, weight in kept)


def same_story(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two texts, by their shingles, are copies of one story."""
    return containment(a, b) >= SAME_STORY


class _Wordings:
    """Shingles as sets: what a text has in common with all of them is looked for once, then in each."""

    def __init__(self, shown: Iterable[tuple[int, ...]]) -> None:
        self._shown: list[tuple[tuple[int, ...], frozenset[int]]] = []
        self._hashes: set[int] = set()
        for one in shown:
            self.add(one)

    def add(self, one: tuple[int, ...]) -> None:
        self._shown.append((one, frozenset(one)))
        self._hashes.update(one)

    def has(self, one: tuple[int, ...]) -> bool:
        """Whether a near-copy was added."""
        common = self._hashes.intersection(one)
        return bool(common) and any(
            contained(len(hashes & common), one, other) >= SAME_STORY for other, hashes in self._shown
        )


def _stories(
    scored: Iterable[Scored],
    *,
    article: int,
    pinned: Collection[int],
    forbidden: Collection[int],
    shingles: Mapping[int, tuple[int, ...]],
) -> tuple[dict[int, Scored], list[Scored], frozenset[int]]:
    """The pins that are candidates, one article of each other story best first, and their copies.

    The best-scored article stands for its story: of equal copies the newest, as scores fade.
    """
    ordered = {one.article: one for one in sorted(scored, key=_best_first, reverse=True)}
    best = sorted(ordered.values(), key=_best_first)
    known = {one.article: one for one in best if one.article in pinned}
    shown = _Wordings(shingles.get(one, ()) for one in (article, *pinned))
    pool: list[Scored] = []
    copies: set[int] = set()
    for one in best:
        if one.article in forbidden or one.article in known or len(pool) >= CONSIDERED:
            continue
        own = shingles.get(one.article, ())
        if shown.has(own):
            copies.add(one.article)
        else:
            pool.append(one)
            shown.add(own)
    return known, pool, frozenset(copies)


def _share(stories: int, *, asides: int, cards: int) -> int:
    """How many of the best stories go to see-also: all it asks for, or its part when short."""
    wanted = max(0, asides) + max(0, cards)
    return min(max(0, asides), math.ceil(stories * max(0, asides) / wanted)) if wanted else 0


def _diverse(
    pool: Sequence[Scored],
    *,
    beside: Iterable[Scored],
    sections: Sequence[str],
    cards: int,
    count: int,
) -> list[Scored]:
    """Picks by maximal marginal relevance among near equals: score less closeness to what is drawn already.

    Among the cards a section that holds three quarters steps back while another has a story half as good.
    `sections` are those of the cards that stand already.
    """
    left, picked, held = list(pool), list[Scored](), Counter(sections)
    worth = _Worth(beside)

    def crowded(one: Scored) -> bool:
        return held.total() < cards and held[one.candidate.section] >= math.ceil(SECTION_SHARE * cards)

    while left and len(picked) < count:
        best = max(one.score for one in left)
        near = [one for one in left if one.score >= NEARLY * best]
        if all(map(crowded, near)):
            near = [one for one in left if one.score >= YIELDS * best]
        pick = worth.best(near, crowded)
        left.remove(pick)
        picked.append(pick)
        worth.drawn.append(pick)
        held[pick.candidate.section] += 1
    return picked


_Order: TypeAlias = tuple[bool, float, tuple[float, float, int]]


class _Worth:
    """Scores less closeness to what is `drawn`; only who may be the best is compared with it."""

    def __init__(self, drawn: Iterable[Scored]) -> None:
        self.drawn = list(drawn)
        self._seen: dict[int, tuple[int, float]] = {}  # with how many of `drawn`, and the closest of them

    def best(self, candidates: Iterable[Scored], last: Callable[[Scored], bool]) -> Scored:
        """The one of most worth, those that are `last` behind the others.

        Comparing puts a candidate further back only, so it ends where no other can come first.
        """
        bounded = sorted(((self._order(one, last), one) for one in candidates), key=lambda pair: pair[0])
        first = bounded[0][1]
        least = self._compared(first, last)
        for bound, one in bounded[1:]:
            if bound >= least:
                break
            if (order := self._compared(one, last)) < least:
                first, least = one, order
        return first

    def _compared(self, one: Scored, last: Callable[[Scored], bool]) -> _Order:
        count, closest = self._seen.get(one.article, (0, 0.0))
        closest = max([closest, *(_closeness(one, other) for other in self.drawn[count:])])
        self._seen[one.article] = (len(self.drawn), closest)
        return self._order(one, last)

    def _order(self, one: Scored, last: Callable[[Scored], bool]) -> _Order:
        _, closest = self._seen.get(one.article, (0, 0.0))
        worth = (1 - DIVERSITY) * one.score - DIVERSITY * closest
        return last(one), -worth, _best_first(one)


def _closeness(a: Scored, b: Scored) -> float:
    return cosine(a.candidate.weights, b.candidate.weights)


def _links(pins: Iterable[int], picks: Iterable[Scored], *, known: Mapping[int, Scored]) -> tuple[Link, ...]:
    """Pins, then picks, numbered."""
    links: list[tuple[int, float, Reason]] = [
        *((pin, similarity(known[pin].candidate) if pin in known else 0.0, "pinned") for pin in pins),
        *((pick.article, similarity(pick.candidate), "similar") for pick in picks),
    ]
    return tuple(Link(a, position=at, similarity=s, reason=r) for at, (a, s, r) in enumerate(links))
