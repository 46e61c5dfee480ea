"""Everything else waits a moment while breaking news is under way, slows down, and never starves."""

from __future__ import annotations

import pytest
from nashr.runtime.giving_way import Way


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way(clock: Clock) -> Way:
    return Way(hold=0.5, trickle=2.0, most=4.0, clock=clock)


def test_nothing_waits_for_nothing(way: Way, clock: Clock) -> None:
    """Not at the start, and not when breaking news is long through."""
    assert way.pause() == 0
    way.breaking()
    clock.now += 0.5
    assert way.pause() == 0


def test_each_step_of_breaking_news_holds_back_the_rest(way: Way, clock: Clock) -> None:
    """From the last one on, for as long as was said."""
    way.breaking()
    assert way.pause() == pytest.approx(0.5)
    clock.now += 0.4
    way.breaking()
    clock.now += 0.4
    assert way.pause() == pytest.approx(0.1)


TICK = 0.125


def begun(way: Way, clock: Clock, seconds: float) -> list[float]:
    """When other work begins, that always wants to, while a step of breaking news comes with each tick."""
    start, times = clock.now, []
    while clock.now < start + seconds:
        way.breaking()
        if not way.pause():
            times.append(clock.now - start)
        clock.now += TICK
    return times


def test_one_at_a_time_goes_on(way: Way, clock: Clock) -> None:
    """The first when breaking news has had its time, the next after as long."""
    assert begun(way, clock, 4.0) == [2.0]


def test_endless_breaking_news_leaves_the_rest_its_share(way: Way, clock: Clock) -> None:
    """After four seconds on end all may begin for one second, again and again."""
    ticks = [n * TICK for n in range(int(10 / TICK))]
    free = [at for at in ticks if 4 <= at < 5 or at >= 9]
    assert begun(way, clock, 10.0) == sorted([2.0, *free, 7.0])


def test_a_second_story_finds_the_way_free_at_once(way: Way, clock: Clock) -> None:
    """A hold that ended by itself owes nobody a rest."""
    way.breaking()
    clock.now += 1.0
    assert way.pause() == 0
    way.breaking()
    assert way.pause() == pytest.approx(0.5)


def test_a_rhythm_that_meets_each_end_does_not_shut_others_out(clock: Clock) -> None:
    """A notice each time that a hold is over, just before others look: they still get their turns."""
    way, began = Way(hold=0.5, trickle=2.0, most=4.0, clock=clock), 0
    for _ in range(64):
        way.breaking()
        clock.now += 0.0625
        began += way.pause() == 0
        clock.now += 0.4375
    assert began >= 64 // 8
