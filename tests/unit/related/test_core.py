"""What related stories promise: thread-mates first, no story twice, no filler passed off as related."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr_related.analysis import shingles, sketch
from nashr_related.core import (
    FLOOR,
    GAINING,
    KEPT,
    SIGNATURE_TERMS,
    Candidate,
    Draw,
    Head,
    Link,
    Signature,
    cosine,
    draw,
    fill,
    gains,
    head,
    improves,
    inverse_document_frequency,
    rank,
    score,
    sign,
    title_overlap,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OWN = (-3, -2, -1)


def candidate(article: int, cosine: float = 0.5, *, days: float = 1, **fields: object) -> Candidate:
    """A candidate about something of its own, in a section of its own."""
    plain = Candidate(
        article=article,
        cosine=cosine,
        title_overlap=0.0,
        published_at=NOW - timedelta(days=days),
        section=f"s{article}",
        sketch=(1000 + article,),
        weights={article: 1.0},
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def drawn(
    *candidates: Candidate,
    see_also: int = 2,
    cards: int = 4,
    pins: tuple[int, ...] = (),
    bans: tuple[int, ...] = (),
) -> Draw:
    """The draw of article 0."""
    scored = rank(candidates, now=NOW)
    return draw(scored, article=0, sketch=OWN, see_also=see_also, cards=cards, pins=pins, bans=bans)


def ids(links: tuple[Link, ...]) -> list[int]:
    """The linked articles in order."""
    return [link.article for link in links]


candidates = st.lists(
    st.builds(
        candidate,
        st.integers(0, 30),
        st.floats(0, 1),
        days=st.floats(-1, 400),
        title_overlap=st.floats(0, 1),
        section=st.sampled_from(["politics", "sport", "culture"]),
        sketch=st.lists(st.integers(-3, 12), max_size=4, unique=True).map(lambda h: tuple(sorted(h))),
        weights=st.dictionaries(st.integers(0, 9), st.floats(0, 1), max_size=4),
    ),
    max_size=25,
    unique_by=lambda one: one.article,
)
some = st.lists(st.integers(0, 40), max_size=6).map(tuple)


# Signatures


def signature(headline: str, text: str = "", *, language: str = "ar") -> Signature:
    """A signature where every term is as rare as any other."""
    return sign(headline, standfirst="", body_text=text, language=language, idf=lambda _: 1.0)


def test_signature_has_length_one_after_the_cut() -> None:
    """At most 64 terms remain, heaviest first, and their squares add up to 1."""
    found = signature("the flood", " ".join(f"word{n} " * (n % 5 + 1) for n in range(300)), language="en")
    weights = [weight for _, weight in found.terms]

    assert len(found.terms) == SIGNATURE_TERMS
    assert weights == sorted(weights, reverse=True)
    assert math.fsum(w * w for w in weights) == pytest.approx(1)


def test_headline_counts_three_times() -> None:
    """A headline word weighs as much as one that the text says three times."""
    found = signature("فيضان", "زلزال زلزال زلزال")

    assert len({weight for _, weight in found.terms}) == 1


def test_rare_terms_weigh_more() -> None:
    """The rarer a term is in the archive, the heavier; in an empty archive all weigh the same."""
    assert inverse_document_frequency(2, documents=1000) > inverse_document_frequency(500, documents=1000)
    assert inverse_document_frequency(0, documents=0) > 0


def test_empty_article_has_an_empty_signature() -> None:
    """An article without a word is signed, and is near to nothing."""
    empty = signature("…")

    assert (empty.terms, empty.title_terms, empty.sketch) == ((), (), ())
    assert cosine(dict(empty.terms), dict(empty.terms)) == 0
    assert title_overlap(empty.title_terms, empty.title_terms) == 0


def test_edition_tags_share_a_language() -> None:
    """Editions of one language are signed for the same postings."""
    assert signature("خبر", language="ar") == signature("خبر", language="ar-LB")


def test_same_subject_is_closer_than_another() -> None:
    """An article is nearer to its follow-up than to a story about something else."""
    flood = signature("فيضانات تغمر المدينة", "أدت الأمطار الغزيرة إلى فيضانات وإجلاء السكان")
    later = signature("إجلاء سكان بعد الفيضانات", "تواصل فرق الإنقاذ إجلاء السكان من أحياء غمرتها فيضانات")
    match = signature("فوز كبير في نهائي الكأس", "سجل المهاجم هدفين في المباراة النهائية")

    assert cosine(dict(flood.terms), dict(later.terms)) > 0.2
    assert cosine(dict(flood.terms), dict(match.terms)) < FLOOR


# Ranking


def test_nothing_below_the_floor_is_related() -> None:
    """A cosine under the floor is no relation, whatever headline and date say."""
    weak = candidate(1, FLOOR - 0.001, title_overlap=1.0, days=0)

    assert rank([weak], now=NOW) == []


def test_newer_of_equals_comes_first() -> None:
    """Of two equally similar articles the newer ranks first; the old one keeps 0.6 of its score."""
    old, new = candidate(1, days=3650), candidate(2, days=0)

    assert [one.article for one in rank([old, new], now=NOW)] == [2, 1]
    assert score(old, age_days=3650) == pytest.approx(0.6 * score(new, age_days=0))


def test_half_life_is_the_sections() -> None:
    """A longer half-life lets old articles of a slow section keep their place."""
    old = candidate(1, 0.5, days=60)

    assert rank([old], now=NOW, half_life_days=365)[0].score > rank([old], now=NOW)[0].score


def test_headlines_decide_between_equals() -> None:
    """Of two articles with the same cosine, the one with the likelier headline ranks first."""
    plain, alike = candidate(2), candidate(1, title_overlap=0.4)

    assert [one.article for one in rank([plain, alike], now=NOW)] == [1, 2]


@given(candidates, st.randoms(use_true_random=False))
def test_rank_is_above_the_floor_and_ignores_order(found: list[Candidate], rng: random.Random) -> None:
    """Scores lie between 0 and 1, nothing under the floor passes, the order of arrival is nothing."""
    ranked = rank(found, now=NOW)

    assert all(one.candidate.cosine >= FLOOR and 0 <= one.score <= 1 for one in ranked)
    assert ranked == rank(rng.sample(found, len(found)), now=NOW)


# The draw


@given(candidates, some, some, st.integers(0, 4), st.integers(0, 5), st.randoms(use_true_random=False))
def test_draw_keeps_its_promises(
    found: list[Candidate],
    pins: tuple[int, ...],
    bans: tuple[int, ...],
    see_also: int,
    cards: int,
    rng: random.Random,
) -> None:
    """No repetition, no ban, never the article itself, whatever comes and in whatever order."""
    first = drawn(*found, see_also=see_also, cards=cards, pins=pins, bans=bans)
    again = drawn(*rng.sample(found, len(found)), see_also=see_also, cards=cards, pins=pins, bans=bans)
    linked = ids(first.see_also + first.related_news)

    assert first == again
    assert len(linked) == len(set(linked))
    assert not {0, *bans} & set(linked)
    assert not first.barred & set(linked)
    assert len(first.see_also) <= see_also
    assert list(range(len(first.related_news))) == [link.position for link in first.related_news]


@given(candidates, some)
def test_draw_shows_a_story_once(found: list[Candidate], bans: tuple[int, ...]) -> None:
    """No two links, and no link and the article itself, are near-copies of each other."""
    by = {one.article: one for one in found}
    links = ids(drawn(*found, bans=bans).see_also + drawn(*found, bans=bans).related_news)
    sketches = [set(OWN), *(set(by[article].sketch) for article in links)]

    for at, a in enumerate(sketches):
        for b in sketches[:at]:
            assert 2 * len(a & b) < min(len(a), len(b)) or not a or not b


def test_near_copies_stay_out() -> None:
    """The wire's own text under another headline is not offered to who just read it."""
    text = "قالت الوزارة إن الحملة تشمل جميع المحافظات وتستمر شهرين كاملين بحسب بيان رسمي صدر صباح الاثنين"
    own, copy = (sketch(shingles(t, language="ar")) for t in (text, "عاجل " + text))
    result = draw(
        rank([candidate(1, 0.9, sketch=copy), candidate(2)], now=NOW),
        article=0,
        sketch=own,
        see_also=1,
        cards=4,
    )

    assert {2} == result.articles()
    assert {0, 1} == result.barred


def test_newest_copy_stands_for_its_story() -> None:
    """Of several copies of one story the newest is shown."""
    result = drawn(candidate(1, sketch=(7,), days=9), candidate(2, sketch=(7,), days=1))

    assert {2} == result.articles()


@pytest.mark.parametrize(
    ("stories", "see_also", "expected"),
    [(0, 3, 0), (1, 3, 1), (2, 3, 1), (3, 3, 2), (7, 3, 3), (20, 3, 3), (5, 0, 0), (2, 1, 1)],
)
def test_few_stories_are_shared(stories: int, see_also: int, expected: int) -> None:
    """When stories are too few for both lists, both open with one and see-also gets the odd one."""
    result = drawn(*(candidate(n) for n in range(1, stories + 1)), see_also=see_also)

    assert expected == len(result.see_also)
    assert min(stories - expected, KEPT) == len(result.related_news)


@pytest.mark.parametrize("mates", [1, 2, 3])
@pytest.mark.parametrize("others", [0, 3, 30])
@pytest.mark.parametrize("see_also", [0, 1, 2, 3])
def test_thread_mates_are_linked_first(mates: int, others: int, see_also: int) -> None:
    """Read in page order, the articles of one's own thread come before anything else."""
    shared = {99: 0.7}
    thread = [candidate(n, 0.5, weights={**shared, n: 0.7}) for n in range(1, mates + 1)]
    rest = [candidate(100 + n, 0.15) for n in range(others)]
    result = drawn(*rest, *thread, see_also=see_also)

    assert set(range(1, mates + 1)) == set(ids(result.see_also + result.related_news)[:mates])


def test_see_also_is_by_score_and_cards_by_diversity() -> None:
    """See-also takes the best; a card prefers a fresh angle to a third telling of the same."""
    same = {1: 1.0}
    best, second, third = (candidate(n, 0.6 - n / 100, weights=same) for n in (1, 2, 3))
    other = candidate(4, 0.4)
    result = drawn(best, second, third, other, see_also=2, cards=2)

    assert ids(result.see_also) == [1, 2]
    assert ids(result.related_news) == [4, 3]


def test_cards_come_from_more_than_one_section() -> None:
    """At most three of four cards share a section while another section has a story."""
    sport = [candidate(n, 0.9, section="sport") for n in range(1, 9)]
    result = drawn(*sport, candidate(20, 0.2, section="culture"), see_also=0)

    assert result.related_news[3].article == 20


def test_one_section_fills_all_cards_where_there_is_no_other() -> None:
    """A related story of the same section is better than an empty card."""
    sport = [candidate(n, section="sport") for n in range(1, 7)]

    assert len(drawn(*sport, see_also=0).related_news) >= 4


def test_spares_follow_the_cards() -> None:
    """Up to eight related-news links are kept, so that a removal leaves no gap."""
    assert len(drawn(*(candidate(n) for n in range(1, 40))).related_news) == KEPT


def test_pins_come_first_in_the_editors_order() -> None:
    """Pins fill the cards in order, then see-also, whatever their score; a ban beats a pin."""
    result = drawn(candidate(1), candidate(2), pins=(50, 2, 51, 0, 52, 53, 54), bans=(51,))

    assert ids(result.related_news)[:4] == [50, 2, 52, 53]
    assert ids(result.see_also) == [54, 1]
    assert [link.reason for link in result.see_also] == ["pinned", "similar"]


def test_copy_of_a_pin_stays_out() -> None:
    """What the editor pinned is not repeated as a similar story."""
    assert {1} == drawn(candidate(1, 0.2, sketch=(7,)), candidate(2, sketch=(7,)), pins=(1,)).articles()


# The fallback


def test_latest_fills_empty_cards_only() -> None:
    """Empty cards get the section's latest, labelled; see-also is never filled."""
    result = fill(drawn(candidate(1), candidate(2)), [1, 2, 3, 4, 5, 6])

    assert ids(result.see_also) == [1]
    assert [(link.article, link.reason) for link in result.related_news] == [
        (2, "similar"),
        (3, "latest"),
        (4, "latest"),
        (5, "latest"),
    ]


@given(candidates, some, st.lists(st.integers(0, 40)))
def test_fallback_keeps_the_promises_of_the_draw(
    found: list[Candidate], bans: tuple[int, ...], latest: list[int]
) -> None:
    """Filling repeats nothing and brings back neither bans, copies nor the article itself."""
    result = fill(drawn(*found, bans=bans), latest)
    linked = ids(result.see_also + result.related_news)

    assert len(linked) == len(set(linked))
    assert not result.barred & set(linked)
    assert list(range(len(result.related_news))) == [link.position for link in result.related_news]


# Reverse links


def full(weakest: float | None, *, days: float = 0) -> Head:
    """The head of an older article drawn so many days ago."""
    return Head(weakest=weakest, drawn_at=NOW - timedelta(days=days))


def test_free_place_takes_any_related_article() -> None:
    """An article with an empty or filler place has room for whatever is related."""
    short = drawn(candidate(1))
    filled = fill(short, range(2, 9))

    assert head(short, see_also=1, cards=4, at=NOW).weakest is None
    assert head(filled, see_also=1, cards=4, at=NOW).weakest is None
    assert improves(full(None), 0.01, now=NOW)


def test_full_list_asks_for_better_than_its_weakest() -> None:
    """A full list gains only what scores above its weakest link that is shown."""
    result = drawn(*(candidate(n, 0.9 - n / 40) for n in range(1, 20)))
    older = head(result, see_also=2, cards=4, at=NOW)

    assert older.weakest == min(link.score for link in result.see_also + result.related_news[:4])
    assert not improves(older, older.weakest or 0, now=NOW)
    assert improves(older, (older.weakest or 0) + 0.001, now=NOW)


def test_pins_are_not_displaced() -> None:
    """A list that the editor filled by hand gains nothing."""
    result = drawn(see_also=1, pins=(1, 2, 3, 4, 5))

    assert not improves(head(result, see_also=1, cards=4, at=NOW), 1.0, now=NOW)


@given(st.floats(0.1, 1), st.floats(0, 400), st.floats(0, 400))
def test_faded_lists_lose_no_link(cosine: float, age: float, since: float) -> None:
    """A stored weakest score never hides an article that scores above what it has faded to."""
    link = candidate(1, cosine)
    then, today = score(link, age_days=age), score(link, age_days=age + since)

    assert improves(full(then, days=since), today + 1e-9, now=NOW)


def test_gaining_articles_are_the_fresh_and_the_much_improved() -> None:
    """Only lists that get better are named, most gain times freshness first, copies left out."""
    found = [
        candidate(1, 0.5, days=900),
        candidate(2, 0.5, days=1),
        candidate(3, 0.2),
        candidate(4, FLOOR / 2),
        candidate(5, 0.9, sketch=OWN),
        candidate(6),
    ]
    heads = {1: full(None), 2: full(None), 3: full(0.9), 4: full(None), 5: full(None)}
    result = gains(found, heads=heads, published_at=NOW, sketch=OWN, now=NOW)

    assert [gain.article for gain in result] == [2, 1]


def test_one_publication_refreshes_a_bounded_number() -> None:
    """However many older articles would gain, one publication names no more than the cap."""
    found = [candidate(n) for n in range(1, 101)]
    heads = {n: full(None) for n in range(1, 101)}

    assert len(gains(found, heads=heads, published_at=NOW, sketch=OWN, now=NOW)) == GAINING


@given(candidates, st.randoms(use_true_random=False))
def test_gains_ignore_the_order_of_candidates(found: list[Candidate], rng: random.Random) -> None:
    """Which older articles gain does not depend on the order of the candidates."""
    heads = {one.article: full(0.3 if one.article % 2 else None) for one in found}
    mixed = rng.sample(found, len(found))

    assert gains(found, heads=heads, published_at=NOW, sketch=OWN, now=NOW) == gains(
        mixed, heads=heads, published_at=NOW, sketch=OWN, now=NOW
    )
