"""What an edge is asked to forget: each copy once, in few requests, within limits and budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr.domain.purging import (
    LONG_CACHE,
    SHORT_CACHE,
    Batch,
    Limits,
    Purge,
    Rank,
    normal_url,
    page_tag,
    plan,
)

SITE = "https://news.example"
ARTICLE = "https://news.example/politics/%D8%AE%D8%A8%D8%B1/"


def url(number: int) -> str:
    return f"{SITE}/{number}/"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://news.example/politics/خبر/",
        "https://NEWS.example/politics/%d8%ae%d8%a8%d8%b1/",
        "https://news.example/politics/%D8%AE%D8%A8%D8%B1/index.html",
        "https://news.example/%70olitics/خبر/?utm=1#top",
    ],
)
def test_every_spelling_of_a_url_is_one(spelling: str) -> None:
    """Case of escapes, needless escapes, the folder's index.html and the query do not make another URL."""
    assert normal_url(spelling) == ARTICLE


def test_decomposed_letters_are_composed() -> None:
    """A letter and its mark are purged under the one code point that keys are made of."""
    assert normal_url("https://a.example/caf\u0065\u0301/") == "https://a.example/caf%C3%A9/"


def test_an_arabic_host_is_purged_as_browsers_send_it() -> None:
    """Edges know hosts in Punycode, and keep their ports."""
    assert normal_url("https://مثال.example:8443/x") == "https://xn--mgbh0fb.example:8443/x"


def test_a_path_without_slash_stays_one() -> None:
    """A file's URL gets no slash: the key has none."""
    assert normal_url(f"{SITE}/feed.xml") == f"{SITE}/feed.xml"
    assert normal_url(SITE) == f"{SITE}/"


@given(st.text(st.characters(codec="utf-8", exclude_characters="/?#%\\"), min_size=1, max_size=12))
def test_normal_urls_are_normal(segment: str) -> None:
    """Normalising twice changes nothing more."""
    once = normal_url(f"{SITE}/x{segment}y/")
    assert normal_url(once) == once


def test_the_same_copy_is_purged_once() -> None:
    """Two spellings of a URL are one item, of the more urgent rank."""
    planned = plan(
        [Purge("https://news.example/politics/خبر/", rank=Rank.dependent), Purge(ARTICLE, rank=Rank.removal)],
        limits=Limits(urls=10, soft=True),
        soft=True,
    )
    assert planned.batches == (Batch(urls=(ARTICLE,)),)


def test_batches_keep_to_the_edges_size() -> None:
    """Seven URLs for an edge that takes three at a time are three requests, and none is forgotten."""
    planned = plan([Purge(url(n)) for n in range(7)], limits=Limits(urls=3))
    assert [len(batch.urls) for batch in planned.batches] == [3, 3, 1]
    assert {name for batch in planned.batches for name in batch.urls} == {url(n) for n in range(7)}


def test_tags_are_used_where_the_edge_has_them() -> None:
    """Pages go by their tags in one request; a file without a tag goes by its URL."""
    wanted = [Purge(url(n), f"p{n}") for n in range(3)] + [Purge(f"{SITE}/media/x.jpg")]
    assert plan(wanted, limits=Limits(urls=1, tags=256)).batches == (
        Batch(tags=("p0", "p1", "p2")),
        Batch(urls=(f"{SITE}/media/x.jpg",)),
    )
    assert all(not batch.tags for batch in plan(wanted, limits=Limits(urls=9)).batches)


def test_a_copy_that_one_caller_wants_gone_by_url_goes_by_url() -> None:
    """An edge may keep a 404 at the URL, which no tag reaches."""
    planned = plan([Purge(url(1), "p1"), Purge(url(1))], limits=Limits(urls=5, tags=5))
    assert planned.batches == (Batch(urls=(url(1),)),)


def test_removals_are_hard_and_first() -> None:
    """A soft purge marks changes; what must not be read any more is dropped, before anything else."""
    wanted = [Purge(url(1), "p1", Rank.front), Purge(url(2), "p2", Rank.removal)]
    limits = Limits(tags=9, soft=True)
    assert plan(wanted, limits=limits, soft=True).batches == (
        Batch(tags=("p2",), soft=False),
        Batch(tags=("p1",), soft=True),
    )
    assert not any(batch.soft for batch in plan(wanted, limits=Limits(tags=9), soft=True).batches)
    assert not any(batch.soft for batch in plan(wanted, limits=limits).batches)


def test_folders_go_by_both_names_where_an_edge_may_know_both() -> None:
    """A path that a function rewrites is purged as asked for and as rewritten."""
    planned = plan([Purge(f"{SITE}/a/"), Purge(f"{SITE}/b.xml")], limits=Limits(urls=9, both_names=True))
    assert planned.batches[0].urls == (f"{SITE}/a/", f"{SITE}/a/index.html", f"{SITE}/b.xml")


PAID = Limits(urls=100, tags=100, charged=True)
ALL_RANKS = [Purge(url(rank), f"p{rank}", Rank(rank)) for rank in reversed(Rank)]


def test_dependents_are_never_paid_for() -> None:
    """Where each item costs, removals, articles and fronts are purged; the rest expires."""
    planned = plan(ALL_RANKS, limits=PAID, left=100)
    assert [tag for batch in planned.batches for tag in batch.tags] == ["p0", "p1", "p2"]
    assert planned.left_out == (url(3),)


def test_a_used_up_budget_leaves_articles_and_removals() -> None:
    """With nothing left fronts wait for their minute to end; the article and what was removed do not."""
    planned = plan(ALL_RANKS, limits=PAID, left=0)
    assert [tag for batch in planned.batches for tag in batch.tags] == ["p0", "p1"]
    assert planned.left_out == (url(2), url(3))


def test_the_budget_counts_what_goes_before() -> None:
    """The last path of the month goes to the article, not also to the front."""
    assert url(2) in plan(ALL_RANKS[1:3], limits=PAID, left=1).left_out
    assert url(2) not in plan(ALL_RANKS[1:3], limits=PAID, left=2).left_out


def test_both_names_of_a_folder_are_paid_for() -> None:
    """By URL a folder costs two items, by tag one."""
    twice = Limits(urls=9, charged=True, both_names=True)
    assert plan([Purge(url(1), "p1", Rank.front)], limits=twice, left=1).left_out == (url(1),)
    assert plan([Purge(url(1), "p1", Rank.front)], limits=twice, left=2).batches[0].items == 2


def test_pages_live_long_only_where_every_change_is_purged() -> None:
    """No purging edge, or one that costs: a minute. Else a day."""
    assert Limits().page_cache == LONG_CACHE
    assert Limits(charged=True).page_cache == SHORT_CACHE
    assert Limits(purges=False).page_cache == SHORT_CACHE


def test_page_tags_are_short_ascii_and_their_pages_own() -> None:
    """17 characters that a header carries, another for another key."""
    tag = page_tag("khabar/politics/خبر/index.html")
    assert (len(tag), tag.isascii(), tag.isalnum()) == (17, True, True)
    assert tag != page_tag("khabar-en/politics/خبر/index.html")
