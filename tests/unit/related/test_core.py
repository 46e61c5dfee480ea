"""What related stories promise: thread-mates first, no story twice, no filler passed off as related."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr_related.analysis import shingle_set
from nashr_related.core import (
    COMPARED,
    FLOOR,
    GAINING,
    KEPT,
    SIGNATURE_TERMS,
    Candidate,
    Draw,
    Head,
    Link,
    Newcomer,
    Scored,
    Shown,
    Signature,
    cosine,
    counts,
    draw,
    fill,
    gains,
    inverse_document_frequency,
    rank,
    score,
    settle,
    sign,
    similarity,
    title_overlap,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OWN = (-3, -2, -1)


@dataclass(frozen=True)
class Story:
    """A candidate and its wording."""

    candidate: Candidate
    shingles: tuple[int, ...]

    @property
    def article(self) -> int:
        return self.candidate.article


def story(
    article: int,
    cosine: float = 0.5,
    *,
    days: float = 1,
    shingles: tuple[int, ...] | None = None,
    **fields: object,
) -> Story:
    """A candidate about something of its own, in words of its own, in a section of its own."""
    plain = Candidate(
        article=article,
        cosine=cosine,
        shared=9,
        title_overlap=0.0,
        published_at=NOW - timedelta(days=days),
        section=f"s{article}",
        weights={article: 1.0},
    )
    told = (1000 + article,) if shingles is None else shingles
    return Story(replace(plain, **fields), told)  # type: ignore[arg-type]


def candidate(article: int, cosine: float = 0.5, *, days: float = 1, **fields: object) -> Candidate:
    """Its candidate alone."""
    return story(article, cosine, days=days, **fields).candidate  # type: ignore[arg-type]


def ranked(stories: Iterable[Story]) -> list[Scored]:
    """The stories' candidates, ranked."""
    return rank((one.candidate for one in stories), now=NOW)


def wording(stories: Iterable[Story]) -> dict[int, tuple[int, ...]]:
    """The shingles of the stories, and of article 0."""
    return {0: OWN} | {one.article: one.shingles for one in stories}


def drawn(
    *stories: Story,
    see_also: int = 2,
    cards: int = 4,
    pins: tuple[int, ...] = (),
    bans: tuple[int, ...] = (),
) -> Draw:
    """The draw of article 0."""
    told = wording(stories)
    return draw(
        ranked(stories), article=0, shingles=told, see_also=see_also, cards=cards, pins=pins, bans=bans
    )


def filled(result: Draw, latest: Iterable[int], *stories: Story) -> Draw:
    """The draw of article 0 with its empty cards filled."""
    return fill(result, latest, article=0, shingles=wording(stories))


def ids(links: tuple[Link, ...]) -> list[int]:
    """The linked articles in order."""
    return [link.article for link in links]


stories = st.lists(
    st.builds(
        story,
        st.integers(1, 30),
        st.floats(0, 1),
        days=st.floats(-1, 400),
        title_overlap=st.floats(0, 1),
        section=st.sampled_from(["politics", "sport", "culture"]),
        shingles=st.lists(st.integers(-3, 12), max_size=4, unique=True).map(lambda h: tuple(sorted(h))),
        weights=st.dictionaries(st.integers(0, 9), st.floats(0, 1), max_size=4),
    ),
    max_size=25,
    unique_by=lambda one: one.article,
)
some = st.lists(st.integers(0, 40), max_size=6).map(tuple)


# Signatures


def signature(headline: str, text: str = "", *, language: str = "ar") -> Signature:
    """A signature where every term is as rare as any other."""
    counted = counts(headline, standfirst="", body_text=text, language=language)
    return sign(
        headline, standfirst="", body_text=text, language=language, counted=counted, idf=lambda _: 1.0
    )


def test_signature_has_length_one_after_the_cut() -> None:
    """At most 64 terms remain, heaviest first, and their squares add up to 1."""
    found = signature("the flood", " ".join(f"word{n} " * (n % 5 + 1) for n in range(300)), language="en")
    weights = [weight for _, weight in found.terms]

    assert len(found.terms) == SIGNATURE_TERMS
    assert weights == sorted(weights, reverse=True)
    assert math.fsum(w * w for w in weights) == pytest.approx(1)


def test_headline_counts_once() -> None:
    """A headline word weighs as much as one that the text says once: headlines are compared by themselves."""
    found = signature("فيضان", "زلزال")

    assert len({weight for _, weight in found.terms}) == 1


def test_rare_terms_weigh_more() -> None:
    """The rarer a term is in the archive, the heavier; in an empty archive all weigh the same."""
    assert inverse_document_frequency(2, documents=1000) > inverse_document_frequency(500, documents=1000)
    assert inverse_document_frequency(0, documents=0) > 0


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_counts_that_went_wrong_break_nothing(df: int, documents: int) -> None:
    """Frequencies that cannot be weigh as the nearest that can, so that publishing goes on."""
    assert inverse_document_frequency(df, documents=documents) > 0


def test_empty_article_has_an_empty_signature() -> None:
    """An article without a word is signed, and is near to nothing."""
    empty = signature("…")

    assert (empty.terms, empty.title_terms, empty.shingles) == ((), (), ())
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
    """What is less alike than the floor is no relation, whatever its date says; headlines may lift it."""
    weak, lifted = (candidate(n, 1.2 * FLOOR, title_overlap=n / 10, days=0) for n in (0, 1))

    assert [one.article for one in rank([weak, lifted], now=NOW)] == [1]


def test_the_same_headline_every_day_is_no_relation() -> None:
    """A daily column shares its headline with yesterday's, and next to nothing else."""
    assert rank([candidate(1, FLOOR / 3, title_overlap=1.0, days=1)], now=NOW) == []


def test_newer_of_equals_comes_first() -> None:
    """Of two equally similar articles the newer ranks first; the old one keeps 0.6 of its score."""
    old, new = candidate(1, days=3650), candidate(2, days=0)

    assert [one.article for one in rank([old, new], now=NOW)] == [2, 1]
    assert score(old, age_days=3650) == pytest.approx(0.6 * score(new, age_days=0))


def test_one_word_in_common_is_no_relation() -> None:
    """However high it makes the similarity of two short texts."""
    assert rank([candidate(1, 0.5, shared=1)], now=NOW) == []
    assert [one.article for one in rank([candidate(1, 0.5, shared=2)], now=NOW)] == [1]


def test_half_life_is_the_sections() -> None:
    """Equally old articles fade as fast as the section of each does."""
    fast, slow = candidate(1, days=60, section="sport"), candidate(2, days=60, section="science")
    lives = {"sport": 7.0, "science": 365.0}

    found = rank([fast, slow], now=NOW, half_life=lives.__getitem__)
    assert [one.article for one in found] == [2, 1]
    assert found[0].score > 1.4 * found[1].score


def test_an_old_story_on_the_subject_is_not_starved() -> None:
    """However fresh, what is little related comes after the background story of ten years ago."""
    background, passing = candidate(1, 0.5, days=3650), candidate(2, 0.29, days=0)

    assert [one.article for one in rank([background, passing], now=NOW)] == [1, 2]


def test_headlines_decide_between_equals() -> None:
    """Of two articles with the same cosine, the one with the likelier headline ranks first."""
    plain, alike = candidate(2), candidate(1, title_overlap=0.4)

    assert [one.article for one in rank([plain, alike], now=NOW)] == [1, 2]


@given(stories, st.randoms(use_true_random=False))
def test_rank_is_above_the_floor_and_ignores_order(found: list[Story], rng: random.Random) -> None:
    """Scores lie between 0 and 1, nothing under the floor passes, the order of arrival is nothing."""
    best = ranked(found)

    assert all(similarity(one.candidate) >= FLOOR and 0 <= one.score <= 1 for one in best)
    assert best == ranked(rng.sample(found, len(found)))


# The draw


@given(stories, some, some, st.integers(0, 4), st.integers(0, 5), st.randoms(use_true_random=False))
def test_draw_keeps_its_promises(
    found: list[Story],
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


@given(stories, some)
def test_draw_shows_a_story_once(found: list[Story], bans: tuple[int, ...]) -> None:
    """No two links, and no link and the article itself, are near-copies of each other."""
    told = wording(found)
    links = ids(drawn(*found, bans=bans).see_also + drawn(*found, bans=bans).related_news)
    shown = [set(told[article]) for article in (0, *links)]

    for at, a in enumerate(shown):
        for b in shown[:at]:
            assert 2 * len(a & b) < min(len(a), len(b)) or not a or not b


def test_near_copies_stay_out() -> None:
    """The wire's own text under another headline is not offered to who just read it."""
    text = "قالت الوزارة إن الحملة تشمل جميع المحافظات وتستمر شهرين كاملين بحسب بيان رسمي صدر صباح الاثنين"
    own, copy = (shingle_set(t, language="ar") for t in (text, "عاجل " + text))
    found = [story(1, 0.9, shingles=copy), story(2)]
    result = draw(ranked(found), article=0, shingles=wording(found) | {0: own}, see_also=1, cards=4)

    assert {2} == result.articles()
    assert {0, 1} == result.barred


def test_newest_copy_stands_for_its_story() -> None:
    """Of several copies of one story the newest is shown."""
    result = drawn(story(1, shingles=(7,), days=9), story(2, shingles=(7,), days=1))

    assert {2} == result.articles()


@pytest.mark.parametrize(
    ("stories", "see_also", "expected"),
    [(0, 3, 0), (1, 3, 1), (2, 3, 1), (3, 3, 2), (7, 3, 3), (20, 3, 3), (5, 0, 0), (2, 1, 1)],
)
def test_few_stories_are_shared(stories: int, see_also: int, expected: int) -> None:
    """When stories are too few for both lists, both open with one and see-also gets the odd one."""
    result = drawn(*(story(n) for n in range(1, stories + 1)), see_also=see_also)

    assert expected == len(result.see_also)
    assert min(stories - expected, KEPT) == len(result.related_news)


@pytest.mark.parametrize("mates", [1, 2, 3])
@pytest.mark.parametrize("others", [0, 3, 30])
@pytest.mark.parametrize("see_also", [0, 1, 2, 3])
def test_thread_mates_are_linked_first(mates: int, others: int, see_also: int) -> None:
    """Read in page order, the articles of one's own thread come before anything else."""
    shared = {99: 0.7}
    thread = [story(n, 0.5, weights={**shared, n: 0.7}) for n in range(1, mates + 1)]
    rest = [story(100 + n, 0.15) for n in range(others)]
    result = drawn(*rest, *thread, see_also=see_also)

    assert set(range(1, mates + 1)) == set(ids(result.see_also + result.related_news)[:mates])


def test_see_also_is_by_score_and_cards_by_diversity() -> None:
    """See-also takes the best; a card prefers a fresh angle to a third telling of the same."""
    same = {1: 1.0}
    best, second, third = (story(n, 0.6 - n / 100, weights=same) for n in (1, 2, 3))
    other = story(4, 0.4)
    result = drawn(best, second, third, other, see_also=2, cards=2)

    assert ids(result.see_also) == [1, 2]
    assert ids(result.related_news) == [4, 3]


def test_cards_come_from_more_than_one_section() -> None:
    """At most three of four cards share a section while another has a story half as good."""
    sport = [story(n, 0.9, section="sport") for n in range(1, 9)]
    far, near = story(20, 0.4, section="culture"), story(20, 0.5, section="culture")

    assert [link.article for link in drawn(*sport, near, see_also=0).related_news][3] == 20
    assert 20 not in [link.article for link in drawn(*sport, far, see_also=0).related_news[:4]]


def test_one_section_fills_all_cards_where_there_is_no_other() -> None:
    """A related story of the same section is better than an empty card."""
    sport = [story(n, section="sport") for n in range(1, 7)]

    assert len(drawn(*sport, see_also=0).related_news) >= 4


def test_spares_follow_the_cards() -> None:
    """Up to eight related-news links are kept, so that a removal leaves no gap."""
    assert len(drawn(*(story(n) for n in range(1, 40))).related_news) == KEPT


def test_pins_come_first_in_the_editors_order() -> None:
    """Pins fill the cards in order, then see-also, whatever their score; a ban beats a pin."""
    result = drawn(story(1), story(2), pins=(50, 2, 51, 0, 52, 53, 54), bans=(51,))

    assert ids(result.related_news)[:4] == [50, 2, 52, 53]
    assert ids(result.see_also) == [54, 1]
    assert [link.reason for link in result.see_also] == ["pinned", "similar"]


def test_copy_of_a_pin_stays_out() -> None:
    """What the editor pinned is not repeated as a similar story."""
    assert {1} == drawn(story(1, 0.2, shingles=(7,)), story(2, shingles=(7,)), pins=(1,)).articles()


# The fallback


def test_latest_fills_empty_cards_only() -> None:
    """Empty cards get the section's latest, labelled; see-also is never filled."""
    result = filled(drawn(story(1), story(2)), [1, 2, 3, 4, 5, 6])

    assert ids(result.see_also) == [1]
    assert [(link.article, link.reason) for link in result.related_news] == [
        (2, "similar"),
        (3, "latest"),
        (4, "latest"),
        (5, "latest"),
    ]


@given(stories, some, st.lists(st.integers(0, 40)))
def test_fallback_keeps_the_promises_of_the_draw(
    found: list[Story], bans: tuple[int, ...], latest: list[int]
) -> None:
    """Filling repeats nothing and brings back neither bans, copies nor the article itself."""
    result = filled(drawn(*found, bans=bans), latest, *found)
    linked = ids(result.see_also + result.related_news)

    assert len(linked) == len(set(linked))
    assert not result.barred & set(linked)
    assert list(range(len(result.related_news))) == [link.position for link in result.related_news]


def test_latest_are_no_copies() -> None:
    """Of the section's latest, neither a copy of what stands there nor one of another latest is shown."""
    told = [
        story(1, shingles=(7,)),
        story(2, shingles=(7,)),
        story(3),
        story(4, shingles=(9,)),
        story(5, shingles=(9,)),
    ]
    result = filled(drawn(told[0]), [2, 3, 4, 5], *told)

    assert ids(result.related_news) == [3, 4]


# Steady places


@given(stories, st.permutations(range(1, 31)), st.integers(0, 12), some)
def test_settled_links_keep_their_places(
    found: list[Story], before: list[int], cut: int, pins: tuple[int, ...]
) -> None:
    """Settling changes no set, and what is settled stays so."""
    result = drawn(*found, see_also=3, pins=pins)
    settled = settle(result, see_also=before[:cut], related_news=before[cut:], cards=4)

    assert {*ids(settled.see_also)} == {*ids(result.see_also)}
    assert {*ids(settled.related_news)} == {*ids(result.related_news)}
    assert [link.position for link in settled.related_news] == list(range(len(settled.related_news)))
    assert (
        settle(settled, see_also=ids(settled.see_also), related_news=ids(settled.related_news), cards=4)
        == settled
    )


def test_a_new_link_moves_no_other() -> None:
    """A better story takes the place of the one that leaves; the others stay where readers saw them."""
    before = drawn(*(story(n, 0.9 - n / 100) for n in range(1, 4)), see_also=3, cards=0)
    assert ids(before.see_also) == [1, 2, 3]

    better = drawn(story(9, 0.95), *(story(n, 0.9 - n / 100) for n in range(1, 4)), see_also=3, cards=0)
    assert ids(better.see_also) == [9, 1, 2]
    assert ids(settle(better, see_also=[1, 2, 3], related_news=[], cards=0).see_also) == [1, 2, 9]


def test_a_spare_keeps_no_better_story_off_the_page() -> None:
    """What comes among the first four is shown, wherever it stood or did not stand before."""
    result = drawn(story(100, 0.95), *(story(n, 0.9 - n / 100) for n in range(1, 9)), see_also=0)
    settled = settle(result, see_also=[], related_news=[1, 2, 3, 4, 5, 6, 7, 8], cards=4)

    assert {*ids(settled.related_news[:4])} == {*ids(result.related_news[:4])}
    assert 100 in ids(settled.related_news[:4])


# Reverse links


def full(*scores: float) -> Head:
    """A page whose see-also links score this by now, with no place left."""
    return Head([Shown(900 + at, one, "similar", card=False) for at, one in enumerate(scores)], len(scores))


FREE = Head([], 14)


def gaining(
    found: Iterable[Story], heads: dict[int, Head], *, cap: int = GAINING, days: float = 0
) -> list[int]:
    """The older articles that article 0, some days old, improves."""
    found = list(found)
    result = gains(
        ranked(found),
        heads=heads,
        new=Newcomer(0, "s0", NOW - timedelta(days=days)),
        shingles=wording(found),
        now=NOW,
        cap=cap,
    )
    return [gain.article for gain in result]


def test_free_place_takes_any_related_article() -> None:
    """A page with an empty place, or with filler, has room for whatever is related."""
    fallback = Head([Shown(900, 0.9, "similar", card=True), Shown(901, 0, "latest", card=True)], 2)

    assert gaining([story(1, 1.4 * FLOOR)], {1: FREE}) == [1]
    assert gaining([story(1, 1.4 * FLOOR)], {1: fallback}) == [1]


def test_full_list_asks_for_better_than_its_weakest() -> None:
    """What scores less than every see-also link of a full page is not shown there."""
    older = full(0.5, 0.3)

    assert gaining([story(1, 1.3 * 0.3 - 0.001)], {1: older}) == []
    assert gaining([story(1, 1.3 * 0.3 + 0.001)], {1: older}) == [1]


def test_who_may_win_a_card_comes_behind_who_is_sure_of_a_place() -> None:
    """Above every card but below the see-also links diversity decides: those pages are looked at last."""
    cards = Head([Shown(900, 0.9, "similar", card=False), Shown(901, 0.1, "similar", card=True)], 2)
    both = {1: cards, 2: full(0.3)}

    assert gaining([story(1), story(2, 1.3 * 0.31)], both) == [2, 1]
    assert gaining([story(1), story(2, 1.3 * 0.31)], both, cap=1) == [2]
    assert gaining([story(1, 1.3 * 0.1 - 0.001)], {1: cards}) == []


def test_a_copy_displaces_its_own_story_only() -> None:
    """A page that shows the story already gains only if the new copy scores more; never from a pin."""
    copy = story(7, 0.9, shingles=OWN)
    shown = [Shown(7, 0.4, "similar", card=False), Shown(8, 0.1, "similar", card=False)]
    for page in (Head(shown, 2), Head(shown, 14)):
        assert gaining([copy, story(1, 1.3 * 0.39)], {1: page}) == []
        assert gaining([copy, story(1, 1.3 * 0.41)], {1: page}) == [1]
    pinned = Head([Shown(7, 0.0, "pinned", card=True)], 14)
    assert gaining([copy, story(1, 1.0)], {1: pinned}) == []
    filler = Head([Shown(7, 0.0, "latest", card=True)], 1)
    assert gaining([copy, story(1, 1.0)], {1: filler}) == [1]


def test_pins_are_not_displaced() -> None:
    """A list that the editor filled by hand gains nothing."""
    pinned = Head([Shown(n, 0.0, "pinned", card=True) for n in range(5)], 5)

    assert gaining([story(1, 1.0, title_overlap=1.0)], {1: pinned}) == []


@given(st.floats(0.2, 1), st.floats(0, 400))
def test_links_do_not_fade_in_store(cosine: float, age: float) -> None:
    """What is kept of a link tells its score at any age."""
    kept = drawn(story(1, cosine, days=age)).see_also

    assert [link.similarity for link in kept] == [similarity(candidate(1, cosine))]


def test_gaining_articles_are_the_fresh_and_the_much_improved() -> None:
    """Only lists that get better are named, most gain times freshness first, copies left out."""
    found = [
        story(1, 0.5, days=900),
        story(2, 0.5, days=1),
        story(3, 0.2),
        story(4, FLOOR / 2),
        story(5, 0.9, shingles=OWN),
        story(6),
    ]
    heads = {1: FREE, 2: FREE, 3: full(0.9), 4: FREE, 5: FREE}

    assert gaining(found, heads) == [2, 1]


def test_one_publication_refreshes_a_bounded_number() -> None:
    """However many older articles would gain, one publication names no more than the cap."""
    found = [story(n) for n in range(1, 101)]

    assert len(gaining(found, dict.fromkeys(range(1, 101), FREE))) == GAINING


@given(stories, st.randoms(use_true_random=False))
def test_gains_ignore_the_order_of_candidates(found: list[Story], rng: random.Random) -> None:
    """Which older articles gain does not depend on the order of the candidates."""
    heads = {one.article: full(0.3) if one.article % 2 else FREE for one in found}

    assert gaining(found, heads) == gaining(rng.sample(found, len(found)), heads)


def test_a_draw_looks_no_further_than_it_has_wordings() -> None:
    """What ranks below the compared ones is not drawn: nobody can tell whether it is a copy."""
    copies = [story(n, 0.9, shingles=(7,)) for n in range(1, COMPARED + 1)]
    result = drawn(*copies, story(500, 0.2))

    assert len(result.articles()) == 1
