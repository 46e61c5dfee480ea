"""Purges sent within the edge's rate and the month's budget, to an edge that writes down its orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.adapters.cdn.rate import Bucket
from nashr.domain.purging import Limits, Purge, Rank
from nashr.ports import CdnBusy, CdnUnavailable, Fetched


@dataclass
class Edge:
    """nashr.ports.Cdn that answers as it is told and keeps every request."""

    limits: Limits
    vantage: str = "here"
    error: Exception | None = None
    asked: list[tuple[tuple[str, ...], tuple[str, ...], bool]] = field(default_factory=list)

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        self.asked.append((tuple(urls), tuple(tags), soft))
        if self.error:
            raise self.error

    def fetch(self, url: str) -> Fetched:
        return Fetched(200, {}, url.encode())

    def close(self) -> None:
        pass


@dataclass
class Book:
    """nashr.ports.Ledger in memory."""

    items: int = 0

    def spent(self) -> int:
        return self.items

    def spend(self, items: int) -> None:
        self.items += items


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def purges(*numbers: int, rank: Rank = Rank.article) -> list[Purge]:
    return [Purge(f"https://a.example/{number}", rank=rank) for number in numbers]


def test_requests_beyond_the_rate_are_refused_with_the_wait() -> None:
    """Two at once, then one every ten seconds; whoever comes too early is told when to come."""
    edge, clock = Edge(Limits(urls=1, rate=0.1, burst=2)), Clock()
    purger = Purger(edge, clock=clock)
    purger.purge(purges(1, 2))
    with pytest.raises(CdnBusy) as busy:
        purger.purge(purges(3))
    assert busy.value.seconds == pytest.approx(10)
    clock.now = 10.0
    purger.purge(purges(3))
    assert len(edge.asked) == 3


def test_an_edge_that_says_enough_empties_the_bucket() -> None:
    """After a 429 nothing more is sent until the rate allows it again."""
    edge = Edge(Limits(rate=0.1, burst=25), error=CdnBusy("slow down", seconds=5))
    purger = Purger(edge, clock=Clock())
    for _ in range(2):
        with pytest.raises(CdnBusy):
            purger.purge(purges(1))
    assert len(edge.asked) == 1


def test_an_edge_without_a_known_rate_is_never_kept_waiting() -> None:
    """A rate of 0 is none."""
    bucket = Bucket(rate=0.0, burst=1, clock=Clock())
    assert [bucket.take() for _ in range(3)] == [0.0] * 3


def test_the_month_pays_for_what_is_sent() -> None:
    """Each item is booked, and once the budget is used up fronts stay."""
    edge, book = Edge(Limits(urls=9, charged=True)), Book(items=98)
    purger = Purger(edge, ledger=book, budget=100)
    assert purger.purge(purges(1, 2, rank=Rank.front)) == ()
    assert book.items == 100
    assert purger.purge(purges(3, rank=Rank.front)) == ("https://a.example/3",)
    assert purger.purge(purges(4, rank=Rank.removal)) == ()
    assert (book.items, len(edge.asked)) == (101, 2)


def test_a_request_of_unknown_outcome_is_paid_for() -> None:
    """What may have been taken counts: the bill never comes out higher than the book."""
    book = Book()
    purger = Purger(Edge(Limits(charged=True), error=CdnUnavailable("gone")), ledger=book, budget=9)
    with pytest.raises(CdnUnavailable):
        purger.purge(purges(1))
    assert book.items == 1


def test_free_edges_keep_no_book() -> None:
    """Where nothing is charged nothing is counted, whatever the budget says."""
    edge, book = Edge(Limits(urls=9)), Book()
    assert Purger(edge, ledger=book, budget=0).purge(purges(1, 2, rank=Rank.dependent)) == ()
    assert (len(edge.asked), book.items) == (1, 0)


def test_an_empty_list_asks_nobody() -> None:
    """Nothing to forget is no request."""
    edge = Edge(Limits())
    assert Purger(edge).purge([]) == ()
    assert edge.asked == []
