"""The judge itself: a history that is wrong is called wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import newsroom as room

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom, Story


def test_a_page_that_goes_back_or_away_is_noticed(lab: Lab) -> None:
    """Readers may meet an outage, but never an older version or a 404 where a page was."""
    watch = room.Watch(lab, ["/"])
    watch.versions["/"] += [1, 2, 2, 5]
    watch.statuses["/"] |= {200, 502, 503}
    assert watch.complaints() == []
    watch.versions["/"].append(4)
    watch.statuses["/"].add(404)
    assert len(watch.complaints()) == 2


def test_a_lost_or_stale_publication_is_noticed(
    newsroom: Newsroom, stories: list[Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted and is not at the edge, or not in the database, fails the test."""
    monkeypatch.setattr(room, "HEAL_SECONDS", 1.0)
    newsroom.assert_healed()
    story = stories[0]
    good = story.accepted[-1]
    for wrong in (room.Accepted(good.publication, 1, "never-there"), room.Accepted("pb_no", 1, good.word)):
        story.accepted.append(wrong)
        with pytest.raises(AssertionError):
            newsroom.assert_healed()
        story.accepted.remove(wrong)
