"""Much of the same at once: an editor who cannot stop correcting, and restarts of everything."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.conftest import until
from tests.faults.lab import is_gone
from tests.faults.newsroom import Client, Watch, publish

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom, Story

REVISIONS = 25
A_SECOND = 5
SERVICES = ("edge", "ingest", "relay", "images", "related", "cards", "delivery")


def test_a_storm_of_revisions_neither_starves_the_page_nor_turns_it_back(
    lab: Lab, newsroom: Newsroom, stories: list[Story]
) -> None:
    """Five revisions a second of one story: readers see the page move on, and end at the last."""
    story = stories[0]
    lab.quiet()
    with Client(lab) as client, Watch(lab, [story.path]) as watch:
        began = time.monotonic()
        for number in range(REVISIONS):
            publish(lab, client, story)
            time.sleep(max(0.0, began + (number + 1) / A_SECOND - time.monotonic()))  # that is the rate
        on_the_way = len(set(watch.versions[story.path]))
        newsroom.assert_healed()
    assert watch.complaints() == []
    assert on_the_way > 2, "the page stood still"


def test_a_rolling_restart_loses_nothing_and_waits_for_no_lease(lab: Lab, newsroom: Newsroom) -> None:
    """Every service is asked to end in turn, while the newsroom works; what it held is taken up at once."""
    with newsroom.working():
        for service in SERVICES:
            newsroom.one_more()
            before = lab.ready(service)
            pid = lab.signal(service, signal.SIGTERM)
            until(partial(is_gone, pid), what=f"{service} to end")
            assert lab.count(HELD, f"%:{pid}") == 0, f"{service} left with steps in hand"
            lab.ready(service, restarts=before.restarts + 1)


HELD = "SELECT count(*) FROM step WHERE state = 'leased' AND lease_owner LIKE %s"
